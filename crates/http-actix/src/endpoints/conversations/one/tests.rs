use actix_web::http::Method;
use actix_web::test::TestRequest;
use convosync_application::cursor::pages::MessagesCursor;
use convosync_domain::conversation::Conversation;
use convosync_domain::feed::ChangedHead;
use convosync_domain::identity::{
    ConversationId, ConversationKey, MessageId, VisitorId, VisitorIdentity,
};
use convosync_domain::json::JsonValue;
use convosync_domain::message::Message;
use convosync_domain::ports::StoreError;
use convosync_domain::reading::{
    ConversationPage, ConversationRead, ConversationRequest, MessageOrder, MessagePlace,
};
use convosync_domain::stored::{
    ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::VisitorGone;

use crate::testing::{Answer, Ports, get, named};

const OLDEST: MessageOrder = MessageOrder::OldestFirst;
const NEWEST: MessageOrder = MessageOrder::NewestFirst;

fn visitor() -> VisitorId {
    VisitorId::from(&VisitorIdentity::registered("u").unwrap())
}

fn key(id: &str) -> ConversationKey {
    ConversationId::parse(id).unwrap().key()
}

fn place() -> MessagePlace {
    MessagePlace {
        timestamp: Some(Timestamp::from_micros(7).unwrap()),
        key: MessageId::parse("m").unwrap().key(),
    }
}

fn cursor(conversation: &str, order: MessageOrder) -> String {
    MessagesCursor { place: place() }.encode(visitor(), key(conversation), order)
}

fn page(content: Conversation, messages: Vec<StoredMessage>) -> ConversationPage {
    ConversationPage {
        conversation: StoredConversation {
            id: ConversationId::parse("c").unwrap(),
            history: ConversationHistory::default(),
            content: Some(content),
        },
        latest_change: 2,
        messages,
        next: None,
    }
}

fn empty() -> ConversationRead {
    ConversationRead::Page(Box::new(page(Conversation::default(), Vec::new())))
}

/// Ports with conversations of which just this may be asked.
fn showing(
    id: &str,
    order: MessageOrder,
    after: Option<MessagePlace>,
    limit: usize,
    read: ConversationRead,
) -> Ports {
    let key = key(id);
    let mut ports = Ports::new();
    ports
        .reader
        .expect_read()
        .withf(move |asked, request, _| {
            let expected = ConversationRequest {
                key,
                order,
                after,
                limit,
                ..*request
            };
            (*asked, *request) == (visitor(), expected)
        })
        .once()
        .returning(move |_, _, _| Ok(Some(read.clone())));
    ports
}

fn show_empty(id: &str) -> Ports {
    showing(id, OLDEST, None, 100, empty())
}

/// Adds the head of every conversation, at this change.
fn with_head(mut ports: Ports, latest_change: u64, content_bytes: usize) -> Ports {
    ports.reader.expect_head().once().returning(move |_, key| {
        Ok(Some(Some(ChangedHead {
            latest_change,
            key,
            change_number: 1,
            content_bytes,
        })))
    });
    ports
}

fn url(id: &str, parameters: &str) -> String {
    format!("/api/conversations/{id}/?user_id=u{parameters}")
}

async fn ask(ports: Ports, id: &str, parameters: &str) -> Answer {
    ports.send(get(&url(id, parameters))).await
}

async fn ask_again(ports: Ports, parameters: &str, known: &str) -> Answer {
    let request = get(&url("c", parameters));
    let request = request.insert_header(("If-None-Match", known));
    ports.send(request).await
}

#[actix_web::test]
async fn a_conversation_with_its_messages() {
    let json = |text: &str| JsonValue::parse(text).unwrap();
    let mut message = Message::default();
    message.fields.vote = Some(true);
    message.fields.extra = [("next_cursor".to_owned(), json("1"))].into();
    message.output = Some(Default::default());
    let message = StoredMessage {
        id: MessageId::parse("m").unwrap(),
        history: MessageHistory::default(),
        content: Some(Box::new(message)),
        digest: None,
    };
    let content = Conversation {
        title: Some("T".into()),
        // The app's own field of that name comes back by a pull, not here.
        extra: [
            ("folder".to_owned(), json("{}")),
            ("next_cursor".to_owned(), json("7")),
        ]
        .into(),
        ..Conversation::default()
    };
    let mut page = page(content, vec![message]);
    let last = ConversationRead::Page(Box::new(page.clone()));
    let answer = ask(showing("c", OLDEST, None, 100, last), "c", "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    insta::assert_snapshot!(answer.body, @r#"{"id":"c","title":"T","folder":{},"messages":[{"message_id":"m","vote":true,"next_cursor":1,"output":{}}],"next_cursor":null}"#);

    page.next = Some(place());
    let more = ConversationRead::Page(Box::new(page));
    let answer = ask(showing("c", OLDEST, None, 100, more), "c", "").await;
    let next = format!(r#""next_cursor":"{}"}}"#, cursor("c", OLDEST));
    assert!(answer.body.ends_with(&next), "{}", answer.body);
}

#[actix_web::test]
async fn pages_in_either_order() {
    for (sent, order) in [
        ("", OLDEST),
        ("&order=oldest", OLDEST),
        ("&order=new%65st", NEWEST),
    ] {
        let ports = showing("c", order, None, 1_000, empty());
        let answer = ask(ports, "c", &format!("{sent}&limit=1000")).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer
                .body
                .ends_with(r#""messages":[],"next_cursor":null}"#)
        );
        let ports = showing("c", order, Some(place()), 100, empty());
        let next = format!("{sent}&cursor={}", cursor("c", order));
        assert_eq!(ask(ports, "c", &next).await.status, 200);
    }
    let without_slash = get("/api/conversations/c?user_id=u");
    assert_eq!(show_empty("c").send(without_slash).await.status, 200);
    let head = named(TestRequest::with_uri(&url("c", "")).method(Method::HEAD));
    assert_eq!(show_empty("c").send(head).await.status, 200);
}

#[actix_web::test]
async fn every_id_can_be_named() {
    let encoded_emoji = "%F0%9F%98%80".repeat(128);
    let emoji = "😀".repeat(128);
    for (path, id) in [
        ("c", "c"),
        ("a%2Fb", "a/b"),
        ("a%2fb%2F", "a/b/"),
        ("%2F", "/"),
        ("x::gpt-4", "x::gpt-4"),
        ("a%20b", "a b"),
        ("%20", " "),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("100%25", "100%"),
        ("%2500", "%00"),
        ("%252F", "%2F"),
        ("a%3Fb%23c", "a?b#c"),
        (".", "."),
        ("%2E%2E", ".."),
        ("..", ".."),
        ("%7Bconversation_id%7D", "{conversation_id}"),
        ("messages", "messages"),
        ("%EF%BF%BD", "\u{fffd}"),
        ("%c3%a9", "é"),
        ("e%CC%81", "e\u{301}"),
        (&encoded_emoji, &emoji),
        (
            "6518856D-63AE-5696-B190-8593EF95598B",
            "6518856d-63ae-5696-b190-8593ef95598b",
        ),
    ] {
        let answer = ask(show_empty(id), path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        let without_slash = get(&format!("/api/conversations/{path}?user_id=u"));
        let answer = show_empty(id).send(without_slash).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn what_is_no_id() {
    let too_long = "x".repeat(129);
    let too_many = "%C3%A9".repeat(129);
    for path in [
        &too_long,
        &too_many,
        "%00",
        "a%0Ab",
        "%1b",
        "%7F",
        "%C2%85",
        "%",
        "a%2",
        "%zz",
        "%ff",
        "%ed%a0%bd",
        "%c0%af",
    ] {
        // Before it matters who asks.
        for query in ["", "?user_id=u"] {
            let url = format!("/api/conversations/{path}/{query}");
            let answer = Ports::new().send(get(&url)).await;
            assert_eq!(answer.status, 400, "{path}");
            insta::allow_duplicates! {
                insta::assert_snapshot!(answer.body, @r#"{"error":"Invalid conversation id","code":"invalid_id","request_id":"r"}"#);
            }
        }
    }
    for path in ["/", "//", "/a/b", "/a//"] {
        let url = format!("/api/conversations{path}?user_id=u");
        if path != "/" {
            assert_eq!(Ports::new().send(get(&url)).await.status, 404, "{path}");
        }
    }
}

#[actix_web::test]
async fn a_query_that_is_wrong() {
    let of_newest = format!("&cursor={}", cursor("c", NEWEST));
    let of_another = format!("&cursor={}", cursor("d", OLDEST));
    for (parameters, expected) in [
        ("&limit=0", "limit must be 1 to 1000"),
        ("&order=", "order must be oldest or newest"),
        ("&order=Oldest", "order must be oldest or newest"),
        ("&order=%zz", "order must be oldest or newest"),
        ("&order=oldest&order=oldest", "order given twice"),
        ("&cursor=", "Invalid cursor"),
        ("&cursor=x", "Invalid cursor"),
        (&of_newest, "Invalid cursor"),
        (&of_another, "Invalid cursor"),
        ("&anon_id=x", "Give anon_id or user_id, not both"),
    ] {
        for request in [
            get(&url("c", parameters)),
            get(&url("c", parameters)).insert_header(("If-None-Match", "*")),
        ] {
            let answer = Ports::new().send(request).await;
            assert_eq!(answer.status, 400, "{parameters}");
            let begin = format!("{{\"error\":\"{expected}\",\"code\":");
            assert!(answer.body.starts_with(&begin), "{}", answer.body);
        }
    }
    let nobody = get("/api/conversations/c/?order=x");
    assert_eq!(Ports::new().send(nobody).await.status, 400);
}

#[actix_web::test]
async fn what_the_client_has_is_not_read_again() {
    let after = format!("&cursor={}", cursor("c", OLDEST));
    let mut tags: Vec<String> = vec![];
    for (parameters, order, after, limit) in [
        ("", OLDEST, None, 100),
        ("&limit=5", OLDEST, None, 5),
        ("&order=newest", NEWEST, None, 100),
        (&after, OLDEST, Some(place()), 100),
    ] {
        let ports = || showing("c", order, after, limit, empty());
        let answer = ask(ports(), "c", parameters).await;
        let tag = answer.header("ETag").unwrap().to_owned();
        assert!(tag.starts_with("W/\""), "{tag}");
        for known in [&tag, "*"] {
            // The conversation may not be read.
            let answer = ask_again(with_head(Ports::new(), 2, 1), parameters, known).await;
            assert_eq!(answer.status, 304, "{parameters}");
            assert_eq!(answer.header("ETag"), Some(tag.as_str()));
            assert_eq!(answer.body, "");
        }
        for other in &tags {
            let answer = ask_again(with_head(ports(), 2, 1), parameters, other).await;
            assert_eq!(answer.status, 200, "{parameters}");
        }
        // It has changed since the client read it, or only between the look and the read.
        for latest_change in [3, 1] {
            let ports = with_head(ports(), latest_change, 1);
            let answer = ask_again(ports, parameters, &tag).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("ETag"), Some(tag.as_str()));
        }
        tags.push(tag);
    }
}

#[actix_web::test]
async fn what_does_not_live_is_not_found() {
    let not_there = || showing("c", OLDEST, None, 100, ConversationRead::NotThere);
    let mut never = Ports::new();
    never.reader.expect_head().returning(|_, _| Ok(Some(None)));
    for answer in [
        ask(not_there(), "c", "").await,
        ask_again(with_head(Ports::new(), 2, 0), "", "*").await,
        ask_again(never, "", "*").await,
    ] {
        assert_eq!(answer.status, 404);
        assert_eq!(answer.header("ETag"), None);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Conversation not found","code":"conversation_not_found","request_id":"r"}"#);
        }
    }
}

#[actix_web::test]
async fn who_is_not_there_has_no_conversation() {
    let mut unknown = Ports::new();
    unknown.reader.expect_read().returning(|_, _, _| Ok(None));
    let mut unknown_still = Ports::new();
    unknown_still
        .reader
        .expect_head()
        .returning(|_, _| Ok(None));
    for answer in [
        ask(unknown, "c", "").await,
        ask_again(unknown_still, "", "*").await,
        Ports::new().send(get("/api/conversations/c/")).await,
    ] {
        assert_eq!(answer.status, 404);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Visitor not found","code":"visitor_not_found","request_id":"r"}"#);
        }
    }
    let mut merged = Ports::new();
    merged.reader.expect_read().returning(|_, _, _| {
        let into = visitor();
        Err(StoreError::VisitorGone(VisitorGone::Merged { into }))
    });
    assert_eq!(ask(merged, "c", "").await.status, 410);
}

#[actix_web::test]
async fn a_page_that_finds_no_memory_is_to_be_asked_for_again() {
    let ports = showing("c", OLDEST, None, 100, ConversationRead::NotAdmitted);
    let answer = ask(ports, "c", "").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("Retry-After"), Some("1"));
}

#[actix_web::test]
async fn other_methods_are_told_which_there_are() {
    for method in [Method::POST, Method::PUT, Method::PATCH] {
        for path in ["c", "%ff"] {
            let request = named(TestRequest::with_uri(&url(path, "")).method(method.clone()));
            let answer = Ports::new().send(request).await;
            assert_eq!(answer.status, 405);
            assert_eq!(answer.header("Allow"), Some("GET, HEAD, DELETE"));
        }
    }
}
