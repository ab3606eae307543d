//! Posts of which nothing is taken that is not as it should be: on the client's wish, or, as to unknown
//! fields, by the server's default.

use convosync_domain::ports::{Heads, MessageHead};
use convosync_domain::posted::Digest;

use crate::settings::UnknownFields;
use crate::testing::{Answer, Ports, heads_of, post};

const URL: &str = "/api/sync-conversations/?anon_id=a";
const KNOWN: &str =
    r#"{"conversations":[{"id":"6518856d-63ae-5696-b190-8593ef95598b","title":"T"}],"device":1}"#;
const UNKNOWN: &str = r#"{"conversations":[{"id":"6518856d-63ae-5696-b190-8593ef95598b","foo":1,
    "messages":[{"message_id":"7518856d-63ae-5696-b190-8593ef95598b","foo":1,"output":{"foo":1}}]}]}"#;
const APPLIED: Option<&str> = Some("handling=strict");

fn ports(unknown_fields: UnknownFields) -> Ports {
    let mut ports = Ports::with_known_visitor();
    ports.unknown_fields = unknown_fields;
    ports
}

/// Ports that take every post.
fn taking(unknown_fields: UnknownFields) -> Ports {
    let mut ports = ports(unknown_fields);
    let heads = || Ok(Some(Heads::default()));
    ports.sync.expect_heads().returning(move |_, _| heads());
    ports.sync.expect_commit().returning(|_, _| Ok(1));
    ports
}

async fn send(ports: Ports, body: impl Into<Vec<u8>>, prefer: &[&str]) -> Answer {
    let mut request = post(URL, body);
    for value in prefer {
        request = request.append_header(("Prefer", *value));
    }
    ports.send(request).await
}

fn applied(answer: &Answer) -> Option<&str> {
    answer.header("Preference-Applied")
}

#[actix_web::test]
async fn unknown_fields_are_refused_where_the_client_prefers_it() {
    for default in [UnknownFields::Keep, UnknownFields::Reject] {
        // The store may not be touched.
        let answer = send(ports(default), UNKNOWN, &["wait=1", "Handling=\"strict\""]).await;
        assert_eq!(answer.status, 400);
        assert_eq!(applied(&answer), APPLIED);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"conversations[0].foo","message":"unknown field"},{"path":"conversations[0].messages[0].foo","message":"unknown field"},{"path":"conversations[0].messages[0].output.foo","message":"unknown field"}],"request_id":"r"}"#);
        }
        let answer = send(taking(default), KNOWN, &["handling=strict"]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(applied(&answer), APPLIED);
    }
}

#[actix_web::test]
async fn what_else_would_be_mended_is_refused_where_the_client_prefers_it() {
    let body = r#"{"conversations":[{"id":"6518856d-63ae-5696-b190-8593ef95598b","title":"cut \ud83d",
        "messages":[{"message_id":"7518856d-63ae-5696-b190-8593ef95598b","timestamp":1,"doc":"\u0000"}]}]}"#;
    for default in [UnknownFields::Keep, UnknownFields::Reject] {
        assert_eq!(send(taking(default), body, &[]).await.status, 200);
        let answer = send(ports(default), body, &["handling=strict"]).await;
        assert_eq!(answer.status, 400);
        assert_eq!(applied(&answer), APPLIED);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"conversations[0].title","message":"unpaired surrogate"},{"path":"conversations[0].messages[0].timestamp","message":"not an RFC 3339 date-time"},{"path":"conversations[0].messages[0].doc","message":"contains U+0000"}],"request_id":"r"}"#);
        }
    }
}

#[actix_web::test]
async fn without_that_preference_the_default_of_the_server_holds() {
    for prefer in [&[][..], &["handling=x, handling=strict"], &["wait=1"]] {
        let kept = send(taking(UnknownFields::Keep), UNKNOWN, prefer).await;
        assert_eq!(kept.status, 200, "{prefer:?}");
        assert_eq!(applied(&kept), None);
        let refused = send(ports(UnknownFields::Reject), UNKNOWN, prefer).await;
        assert_eq!(refused.status, 400, "{prefer:?}");
        assert_eq!(applied(&refused), None);
    }
}

#[actix_web::test]
async fn a_message_that_was_taken_before_is_refused() {
    let text = r#"{"message_id":"7518856d-63ae-5696-b190-8593ef95598b","foo":1,"img":"\u0000"}"#;
    let digest = xxhash_rust::xxh3::xxh3_128_with_seed(text.as_bytes(), 7).to_be_bytes();
    let body = format!(
        r#"{{"conversations":[{{"id":"6518856d-63ae-5696-b190-8593ef95598b","messages":[{text}]}}]}}"#
    );
    let stored = || {
        let mut ports = ports(UnknownFields::Keep);
        ports.sync.expect_heads().returning(move |_, named| {
            let mut heads = heads_of(&named);
            heads.conversations[0].messages = vec![MessageHead {
                key: named[0].messages[0],
                content_bytes: 1,
                digest: Some(Digest(digest)),
            }];
            Ok(Some(heads))
        });
        ports
    };
    assert_eq!(send(stored(), body.clone(), &[]).await.status, 200);
    let answer = send(stored(), body, &["handling=strict"]).await;
    assert_eq!(answer.status, 400);
    insta::assert_snapshot!(answer.body, @r#"{"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"conversations[0].messages[0].foo","message":"unknown field"},{"path":"conversations[0].messages[0].img","message":"contains U+0000"}],"request_id":"r"}"#);
}
