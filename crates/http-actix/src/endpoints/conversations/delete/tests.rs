use actix_web::http::Method;
use actix_web::test::TestRequest;
use convosync_application::sync::RegistrationMode;
use convosync_domain::change_set::{ChangeSet, Erasure};
use convosync_domain::conversation::Conversation;
use convosync_domain::feed::ChangedHead;
use convosync_domain::identity::{
    ConversationId, MessageId, MessageKey, VisitorId, VisitorIdentity,
};
use convosync_domain::message::Message;
use convosync_domain::ports::{ConversationHead, Heads, MessageHead, StoreError};
use convosync_domain::reading::{ConversationPage, ConversationRead};
use convosync_domain::stored::{
    ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
};
use convosync_domain::tombstone::VisitorGone;

use crate::testing::{Answer, Ports, get, named};

const CONVERSATION: &str = "/api/conversations/c/?user_id=u";
const MESSAGE: &str = "/api/conversations/c/messages/m/?user_id=u";

fn visitor() -> VisitorId {
    VisitorId::from(&VisitorIdentity::registered("u").unwrap())
}

fn conversation(id: &str, lives: bool) -> StoredConversation {
    StoredConversation {
        id: ConversationId::parse(id).unwrap(),
        history: ConversationHistory::default(),
        content: lives.then(Conversation::default),
    }
}

fn message(id: &str) -> StoredMessage {
    StoredMessage {
        id: MessageId::parse(id).unwrap(),
        history: MessageHistory::default(),
        content: Some(Box::new(Message::default())),
        digest: None,
    }
}

/// Ports with the visitor `u`, who has this conversation with this message, both alive.
fn storing(conversation_id: &'static str, message_id: &'static str) -> Ports {
    let mut ports = Ports::new();
    ports.sync.expect_heads().returning(move |asked, named| {
        assert_eq!(asked, visitor());
        let stored = conversation(conversation_id, true);
        let message = MessageId::parse(message_id).unwrap().key();
        let is_named = |key: &MessageKey| *key == message;
        let found = named.iter().filter(|it| it.key == stored.id.key());
        let conversations = found.map(|named| ConversationHead {
            conversation: stored.clone(),
            messages: named
                .messages
                .iter()
                .copied()
                .filter(is_named)
                .map(|key| MessageHead {
                    key,
                    digest: None,
                    content_bytes: 1,
                })
                .collect(),
        });
        Ok(Some(Heads {
            change_counter: 3,
            conversations: conversations.collect(),
        }))
    });
    ports.sync.expect_load().returning(move |_, _| {
        let key = ConversationId::parse(conversation_id).unwrap().key();
        Ok(vec![(key, message(message_id))])
    });
    ports
}

/// These ports, which take one deletion of the conversation or of its message.
fn deleting(mut ports: Ports, is_message: bool) -> Ports {
    ports
        .sync
        .expect_commit()
        .withf(move |_, changes| deletes(changes, is_message))
        .once()
        .returning(|_, _| Ok(4));
    ports
}

fn deletes(changes: &ChangeSet, is_message: bool) -> bool {
    let [change] = changes.conversations.as_slice() else {
        return false;
    };
    let conversation = change.conversation.as_ref();
    let has_died = conversation.is_some_and(|write| write.item().content.is_none());
    let messages = change.messages.iter();
    let dead_messages = messages.filter(|write| write.item().content.is_none());
    match is_message {
        true => change.conversation.is_none() && dead_messages.count() == 1,
        false => has_died && change.erasure == Some(Erasure::Everything),
    }
}

async fn delete(ports: Ports, url: &str) -> Answer {
    ports.send(named(TestRequest::delete().uri(url))).await
}

async fn delete_if(ports: Ports, url: &str, expected: &str) -> Answer {
    let request = named(TestRequest::delete().uri(url));
    ports
        .send(request.insert_header(("If-Match", expected)))
        .await
}

#[actix_web::test]
async fn what_lives_is_deleted() {
    for (url, is_message) in [
        (CONVERSATION, false),
        ("/api/conversations/c?user_id=u", false),
        (MESSAGE, true),
        ("/api/conversations/c/messages/m?user_id=u", true),
    ] {
        let answer = delete(deleting(storing("c", "m"), is_message), url).await;
        assert_eq!(answer.status, 204, "{url}");
        assert_eq!(answer.body, "");
        assert_eq!(answer.header("Content-Type"), None);
        assert_eq!(answer.header("Cache-Control"), Some("private, no-cache"));
    }
}

#[actix_web::test]
async fn every_id_can_be_named() {
    for (path, id) in [
        ("a%2Fmessages%2Fb", "a/messages/b"),
        ("%2F", "/"),
        ("%2E%2E", ".."),
        ("%2500", "%00"),
        ("a+b%20c", "a+b c"),
        ("%EF%BF%BD", "\u{fffd}"),
        (
            "6518856D-63AE-5696-B190-8593EF95598B",
            "6518856d-63ae-5696-b190-8593ef95598b",
        ),
    ] {
        let url = format!("/api/conversations/{path}?user_id=u");
        let answer = delete(deleting(storing(id, "m"), false), &url).await;
        assert_eq!(answer.status, 204, "{path}");
        let url = format!("/api/conversations/{path}/messages/{path}/?user_id=u");
        let answer = delete(deleting(storing(id, id), true), &url).await;
        assert_eq!(answer.status, 204, "{path}");
    }
}

#[actix_web::test]
async fn what_is_no_id() {
    for id in ["%", "%ff", "%00", &"x".repeat(129)] {
        for (url, expected) in [
            (format!("/api/conversations/{id}/"), "conversation"),
            (
                format!("/api/conversations/{id}/messages/m/"),
                "conversation",
            ),
            (format!("/api/conversations/c/messages/{id}/"), "message"),
        ] {
            // Before it matters who asks.
            let answer = delete(Ports::new(), &url).await;
            assert_eq!(answer.status, 400, "{url}");
            assert_eq!(
                answer.body,
                format!(
                    r#"{{"error":"Invalid {expected} id","code":"invalid_id","request_id":"r"}}"#
                )
            );
        }
    }
}

#[actix_web::test]
async fn what_was_never_there_is_not_found() {
    for expected in [None, Some("*"), Some("W/\"x\"")] {
        let ask = |url: &'static str| {
            let ports = storing("c", "m");
            async move {
                match expected {
                    Some(expected) => delete_if(ports, url, expected).await,
                    None => delete(ports, url).await,
                }
            }
        };
        for url in [
            "/api/conversations/d/?user_id=u",
            "/api/conversations/d/messages/m/?user_id=u",
        ] {
            let answer = ask(url).await;
            assert_eq!(answer.status, 404);
            insta::allow_duplicates! {
                insta::assert_snapshot!(answer.body, @r#"{"error":"Conversation not found","code":"conversation_not_found","request_id":"r"}"#);
            }
        }
        let answer = ask("/api/conversations/c/messages/n/?user_id=u").await;
        assert_eq!(answer.status, 404);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Message not found","code":"message_not_found","request_id":"r"}"#);
        }
    }
}

/// The tag of a page of the conversation `c` at this change.
async fn tag_at(latest_change: u64, parameters: &str) -> String {
    let mut ports = Ports::new();
    ports.reader.expect_read().returning(move |_, _, _| {
        Ok(Some(ConversationRead::Page(Box::new(ConversationPage {
            conversation: conversation("c", true),
            latest_change,
            messages: Vec::new(),
            next: None,
        }))))
    });
    let answer = ports
        .send(get(&format!("{CONVERSATION}{parameters}")))
        .await;
    answer.header("ETag").unwrap().to_owned()
}

/// The conversation, whose latest change is 2.
fn at_2() -> Ports {
    let mut ports = storing("c", "m");
    ports.reader.expect_head().once().returning(|_, key| {
        Ok(Some(Some(ChangedHead {
            latest_change: 2,
            key,
            change_number: 1,
            content_bytes: 1,
        })))
    });
    ports
}

#[actix_web::test]
async fn what_is_still_as_it_was_seen_is_deleted() {
    for parameters in ["", "&limit=1", "&order=newest"] {
        let tag = tag_at(2, parameters).await;
        let among_others = format!("\"x\", {tag}");
        let strong = tag.trim_start_matches("W/");
        for expected in [&tag, &among_others, strong] {
            for (url, is_message) in [(CONVERSATION, false), (MESSAGE, true)] {
                let answer = delete_if(deleting(at_2(), is_message), url, expected).await;
                assert_eq!(answer.status, 204, "{expected}");
            }
        }
    }
    for (url, is_message) in [(CONVERSATION, false), (MESSAGE, true)] {
        let answer = delete_if(deleting(storing("c", "m"), is_message), url, "*").await;
        assert_eq!(answer.status, 204);
    }
}

#[actix_web::test]
async fn what_has_changed_since_it_was_seen_is_not_deleted() {
    let [older, newer] = [tag_at(1, "").await, tag_at(3, "").await];
    let of_list = "W/\"0123456789abcdef0123456789abcdef\"";
    for expected in [&older, &newer, of_list, "", ",", "broken", "\"*\""] {
        for url in [CONVERSATION, MESSAGE] {
            let answer = delete_if(at_2(), url, expected).await;
            assert_eq!(answer.status, 412, "{expected}");
            insta::allow_duplicates! {
                insta::assert_snapshot!(answer.body, @r#"{"error":"Conversation is not what If-Match says","code":"precondition_failed","request_id":"r"}"#);
            }
        }
    }
}

#[actix_web::test]
async fn what_is_dead_is_not_there_for_if_match() {
    let dead = || {
        let mut ports = Ports::new();
        ports.sync.expect_heads().returning(|_, _| {
            let head = ConversationHead {
                conversation: conversation("c", false),
                messages: Vec::new(),
            };
            Ok(Some(Heads {
                change_counter: 3,
                conversations: vec![head],
            }))
        });
        ports
    };
    assert_eq!(delete_if(dead(), CONVERSATION, "*").await.status, 412);
    let mut taken = dead();
    taken.sync.expect_commit().once().returning(|_, _| Ok(4));
    assert_eq!(delete(taken, CONVERSATION).await.status, 204);
}

#[actix_web::test]
async fn nobody_is_made_by_a_deletion() {
    for registration in [RegistrationMode::Explicit, RegistrationMode::OnFirstSync] {
        let mut unknown = Ports::new();
        unknown.registration = registration;
        unknown.sync.expect_heads().returning(|_, _| Ok(None));
        for answer in [
            delete(unknown, CONVERSATION).await,
            delete(Ports::new(), "/api/conversations/c/").await,
        ] {
            assert_eq!(answer.status, 404);
            insta::allow_duplicates! {
                insta::assert_snapshot!(answer.body, @r#"{"error":"Visitor not found","code":"visitor_not_found","request_id":"r"}"#);
            }
        }
    }
    let mut erased = Ports::new();
    erased
        .sync
        .expect_heads()
        .returning(|_, _| Err(StoreError::VisitorGone(VisitorGone::Erased)));
    assert_eq!(delete(erased, CONVERSATION).await.status, 410);
    let both = "/api/conversations/c/?user_id=u&anon_id=a";
    assert_eq!(delete(Ports::new(), both).await.status, 400);
}

#[actix_web::test]
async fn a_message_by_itself_is_only_deleted() {
    for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT] {
        let request = named(TestRequest::with_uri(MESSAGE).method(method));
        let answer = Ports::new().send(request).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("Allow"), Some("DELETE"));
    }
}
