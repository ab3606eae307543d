use actix_web::http::Method;
use actix_web::test::TestRequest;
use convosync_application::cursor::pages::ListCursor;
use convosync_domain::conversation::Conversation;
use convosync_domain::identity::{ConversationId, VisitorId, VisitorIdentity};
use convosync_domain::json::JsonValue;
use convosync_domain::ports::StoreError;
use convosync_domain::reading::{ListPage, ListPlace, ListRead, ListedConversation};
use convosync_domain::stored::{ConversationHistory, StoredConversation};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::VisitorGone;
use uuid::Uuid;

use crate::testing::{Answer, Ports, get, named};

const URL: &str = "/api/conversations/?user_id=u";

fn visitor() -> VisitorId {
    VisitorId::from(&VisitorIdentity::registered("u").unwrap())
}

fn place(latest_change: u64) -> ListPlace {
    ListPlace {
        latest_change,
        key: ConversationId::parse("c").unwrap().key(),
    }
}

/// A cursor of the visitor `u`; the epoch of the test ports is 5.
fn cursor(latest_change: u64, epoch: u128) -> String {
    let (epoch, place) = (Uuid::from_u128(epoch), place(latest_change));
    ListCursor { epoch, place }.encode(visitor())
}

fn page(conversations: Vec<ListedConversation>, next: Option<ListPlace>) -> ListRead {
    ListRead::Page(ListPage {
        conversations,
        next,
        change_counter: 3,
    })
}

/// Ports with a list at change 3 of which just this may be asked.
fn listing(after: Option<ListPlace>, limit: usize, read: ListRead) -> Ports {
    also_listing(Ports::new(), after, limit, read)
}

fn also_listing(mut ports: Ports, after: Option<ListPlace>, limit: usize, read: ListRead) -> Ports {
    ports
        .reader
        .expect_list()
        .withf(move |asked, request, _| {
            (*asked, request.after, request.limit) == (visitor(), after, limit)
        })
        .once()
        .returning(move |_, _, _| Ok(Some(read.clone())));
    ports
}

fn empty() -> ListRead {
    page(Vec::new(), None)
}

async fn ask(ports: Ports, parameters: &str) -> Answer {
    ports.send(get(&format!("{URL}{parameters}"))).await
}

#[actix_web::test]
async fn conversations_with_their_own_fields_and_how_many_messages_live() {
    let json = |text: &str| JsonValue::parse(text).unwrap();
    let listed = ListedConversation {
        conversation: StoredConversation {
            id: ConversationId::parse("a/b").unwrap(),
            history: ConversationHistory::default(),
            content: Some(Conversation {
                title: Some("T".into()),
                created_at: Some(Timestamp::from_micros(1_500_000).unwrap()),
                local_only: Some(false),
                // The app's own field of that name comes back by a pull, not here.
                extra: [
                    ("folder".to_owned(), json("[1]")),
                    ("message_count".to_owned(), json("7")),
                ]
                .into(),
                ..Conversation::default()
            }),
        },
        message_count: 2,
    };
    let read = page(vec![listed], Some(place(2)));
    let answer = ask(listing(None, 100, read), "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let expected = format!(
        r#"{{"conversations":[{{"id":"a/b","title":"T","created_at":"1970-01-01T00:00:01.500Z","local_only":false,"folder":[1],"message_count":2}}],"next_cursor":"{}"}}"#,
        cursor(2, 5)
    );
    assert_eq!(answer.body, expected);
}

#[actix_web::test]
async fn the_next_page_and_the_last() {
    let parameters = format!("&limit=1000&cursor={}", cursor(2, 5));
    let answer = ask(listing(Some(place(2)), 1_000, empty()), &parameters).await;
    assert_eq!(answer.body, r#"{"conversations":[],"next_cursor":null}"#);
    let without_slash = get("/api/conversations?user_id=u&limit=1");
    let answer = listing(None, 1, empty()).send(without_slash).await;
    assert_eq!(answer.status, 200);
    let head = named(TestRequest::with_uri(URL).method(Method::HEAD));
    assert_eq!(listing(None, 100, empty()).send(head).await.status, 200);
}

#[actix_web::test]
async fn a_query_that_is_wrong() {
    let twice = format!("&cursor={0}&cursor={0}", cursor(1, 5));
    for (parameters, expected) in [
        ("&limit=0", "limit must be 1 to 1000"),
        ("&limit=1001", "limit must be 1 to 1000"),
        ("&limit=x", "limit must be 1 to 1000"),
        ("&limit=1&limit=1", "limit given twice"),
        ("&cursor=", "Invalid cursor"),
        ("&cursor=x", "Invalid cursor"),
        ("&cursor=%zz", "Invalid cursor"),
        (&twice, "cursor given twice"),
        ("&anon_id=x", "Give anon_id or user_id, not both"),
    ] {
        let answer = ask(Ports::new(), parameters).await;
        assert_eq!(answer.status, 400, "{parameters}");
        let begin = format!("{{\"error\":\"{expected}\",\"code\":");
        assert!(answer.body.starts_with(&begin), "{}", answer.body);
    }
    let nobody = get("/api/conversations/?limit=0");
    assert_eq!(Ports::new().send(nobody).await.status, 400);
    let of_another = format!("/api/conversations/?anon_id=u&cursor={}", cursor(1, 5));
    let answer = Ports::new().send(get(&of_another)).await;
    insta::assert_snapshot!(answer.body, @r#"{"error":"Invalid cursor","code":"invalid_cursor","request_id":"r"}"#);
}

#[actix_web::test]
async fn a_cursor_of_another_life_of_the_store_has_expired() {
    for (latest_change, epoch) in [(2, 6), (4, 5)] {
        let ports = listing(Some(place(latest_change)), 100, empty());
        let parameters = format!("&cursor={}", cursor(latest_change, epoch));
        let answer = ask(ports, &parameters).await;
        assert_eq!(answer.status, 410);
        assert_eq!(answer.header("ETag"), None);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Cursor expired, start again","code":"cursor_expired","request_id":"r"}"#);
        }
    }
}

async fn ask_again(ports: Ports, parameters: &str, known: &str) -> Answer {
    let request = get(&format!("{URL}{parameters}"));
    ports
        .send(request.insert_header(("If-None-Match", known)))
        .await
}

#[actix_web::test]
async fn what_the_client_has_is_not_read_again() {
    let mut tags: Vec<String> = vec![];
    for (after, limit) in [(None, 100), (None, 5), (Some(2), 100), (Some(3), 100)] {
        let mut parameters = format!("&limit={limit}");
        if let Some(after) = after {
            parameters.push_str(&format!("&cursor={}", cursor(after, 5)));
        }
        let ports = |ports| also_listing(ports, after.map(place), limit, empty());
        let answer = ask(ports(Ports::new()), &parameters).await;
        let tag = answer.header("ETag").unwrap().to_owned();
        assert!(tag.starts_with("W/\""), "{tag}");
        for known in [&tag, "*"] {
            // The list may not be read.
            let answer = ask_again(Ports::with_visitor_at(3), &parameters, known).await;
            assert_eq!(answer.status, 304, "{parameters}");
            assert_eq!(answer.header("ETag"), Some(tag.as_str()));
            assert_eq!(answer.body, "");
        }
        for other in &tags {
            let answer = ask_again(ports(Ports::with_visitor_at(3)), &parameters, other).await;
            assert_eq!(answer.status, 200);
        }
        tags.push(tag);
    }
}

#[actix_web::test]
async fn what_has_changed_comes_with_the_tag_of_its_own_read() {
    let answer = ask(listing(None, 100, empty()), "").await;
    let tag = answer.header("ETag").unwrap();
    // The visitor changes between the look at the counter and the read.
    let ports = also_listing(Ports::with_visitor_at(2), None, 100, empty());
    let answer = ask_again(ports, "", tag).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("ETag"), Some(tag));
}

#[actix_web::test]
async fn whatever_a_client_has_of_a_wrong_question_is_refused() {
    let unknown = || {
        let mut ports = Ports::new();
        ports.visitors.expect_find().returning(|_| Ok(None));
        ports
    };
    let expired = format!("&cursor={}", cursor(4, 5));
    for (ports, parameters, status) in [
        (Ports::new(), "&limit=0", 400),
        (Ports::new(), "&cursor=x", 400),
        (unknown(), "", 404),
        (unknown(), &expired, 404),
        (Ports::with_visitor_at(3), &expired, 410),
    ] {
        let answer = ask_again(ports, parameters, "*").await;
        assert_eq!(answer.status, status, "{parameters}");
        assert_eq!(answer.header("ETag"), None);
    }
}

#[actix_web::test]
async fn who_is_not_there_has_no_list() {
    let mut unknown = Ports::new();
    unknown.reader.expect_list().returning(|_, _, _| Ok(None));
    let answer = ask(unknown, "").await;
    assert_eq!(answer.status, 404);
    insta::assert_snapshot!(answer.body, @r#"{"error":"Visitor not found","code":"visitor_not_found","request_id":"r"}"#);
    let nobody = get("/api/conversations/");
    assert_eq!(Ports::new().send(nobody).await.status, 404);
    let mut erased = Ports::new();
    erased
        .reader
        .expect_list()
        .returning(|_, _, _| Err(StoreError::VisitorGone(VisitorGone::Erased)));
    assert_eq!(ask(erased, "").await.status, 410);
}

#[actix_web::test]
async fn a_page_that_finds_no_memory_is_to_be_asked_for_again() {
    let answer = ask(listing(None, 100, ListRead::NotAdmitted), "").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("Retry-After"), Some("1"));
}

#[actix_web::test]
async fn other_methods_are_told_which_there_are() {
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let request = named(TestRequest::with_uri(URL).method(method));
        let answer = Ports::new().send(request).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("Allow"), Some("GET, HEAD"));
    }
}
