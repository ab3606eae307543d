use std::time::Duration;

use actix_web::test::TestRequest;
use convosync_application::sync::RegistrationMode;
use convosync_domain::ports::{Heads, MessageHead, StoreError};
use convosync_domain::posted::Digest;
use convosync_domain::usage::QuotaExceeded;

use crate::settings::Limits;
use crate::testing::{Ports, named, post};

const URL: &str = "/api/sync-conversations/?anon_id=a";
const EMPTY: &str = r#"{"conversations":[]}"#;
const ONE: &str = r#"{"conversations":[{"id":"6518856d-63ae-5696-b190-8593ef95598b","title":"T",
    "messages":[{"message_id":"7518856d-63ae-5696-b190-8593ef95598b"}]}]}"#;

/// Ports that know the visitor and take every post.
fn taking() -> Ports {
    let mut ports = Ports::with_known_visitor();
    ports
        .sync
        .expect_heads()
        .returning(|_, _| Ok(Some(Heads::default())));
    ports.sync.expect_commit().returning(|_, _| Ok(1));
    ports
}

fn failing(error: impl Fn() -> StoreError + Send + 'static) -> Ports {
    let mut ports = Ports::with_known_visitor();
    ports
        .sync
        .expect_heads()
        .returning(move |_, _| Err(error()));
    ports
}

#[actix_web::test]
async fn the_answer_has_the_five_fields() {
    for url in [URL, "/api/sync-conversations?user_id=u"] {
        let answer = taking().send(post(url, ONE)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"message":"1 conversations created, 0 updated. 1 messages created, 0 updated.","created":1,"updated":0,"messages_created":1,"messages_updated":0}"#);
        }
    }
    let answer = taking().send(post(URL, EMPTY)).await;
    insta::assert_snapshot!(answer.body, @r#"{"message":"0 conversations created, 0 updated. 0 messages created, 0 updated.","created":0,"updated":0,"messages_created":0,"messages_updated":0}"#);
}

#[actix_web::test]
async fn an_unchanged_message_is_not_read() {
    // The timestamp is bad, which nobody finds out: the store has this very text already.
    let text = r#"{"message_id":"7518856d-63ae-5696-b190-8593ef95598b","timestamp":5}"#;
    let digest = xxhash_rust::xxh3::xxh3_128_with_seed(text.as_bytes(), 7).to_be_bytes();
    let body = format!(
        r#"{{"conversations":[{{"id":"6518856d-63ae-5696-b190-8593ef95598b","messages":[{text}]}}]}}"#
    );
    let mut ports = Ports::with_known_visitor();
    ports.sync.expect_heads().returning(move |_, named| {
        let mut heads = crate::testing::heads_of(&named);
        heads.conversations[0].messages = vec![MessageHead {
            key: named[0].messages[0],
            content_bytes: 1,
            digest: Some(Digest(digest)),
        }];
        Ok(Some(heads))
    });
    let answer = ports.send(post(URL, body)).await;
    assert_eq!(answer.status, 200);
}

#[actix_web::test]
async fn a_bad_message_is_told_like_any_other_place() {
    let body = ONE.replace("598b\"}]", "598b\",\"vote\":2,\"img\":7}]");
    let answer = taking().send(post(URL, body)).await;
    assert_eq!(answer.status, 400);
    insta::assert_snapshot!(answer.body, @r#"{"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"conversations[0].messages[0].vote","message":"must be true, false, 0 or 1"},{"path":"conversations[0].messages[0].img","message":"must be a string"}],"request_id":"r"}"#);
}

#[actix_web::test]
async fn an_invalid_body_does_not_reach_the_store() {
    for (body, expected) in [
        ("", r#"[{"path":"body","message":"empty"}]"#),
        (
            "{}",
            r#"[{"path":"conversations","message":"must be an array"}]"#,
        ),
        (
            r#"{"conversations":[null]}"#,
            r#"[{"path":"conversations[0]","message":"must be an object"}]"#,
        ),
    ] {
        let answer = Ports::with_known_visitor().send(post(URL, body)).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(
            answer.body,
            format!(
                r#"{{"error":"Invalid conversations format","code":"invalid_conversations","details":{expected},"request_id":"r"}}"#
            )
        );
    }
}

#[actix_web::test]
async fn an_unknown_visitor_is_told_before_the_headers_are_judged() {
    let unknown = || {
        let mut ports = Ports::new();
        ports.visitors.expect_find().returning(|_| Ok(None));
        ports
    };
    for request in [
        post(URL, EMPTY),
        post(URL, "{"),
        named(TestRequest::post().uri(URL)),
        post("/api/sync-conversations/", "{"),
    ] {
        let answer = unknown().send(request).await;
        assert_eq!(answer.status, 404);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Visitor not found","code":"visitor_not_found","request_id":"r"}"#);
        }
    }
}

#[actix_web::test]
async fn the_query_is_judged_before_the_visitor() {
    for (query, expected) in [
        ("?anon_id=a&user_id=b", "Give anon_id or user_id, not both"),
        ("?anon_id=a&anon_id=b", "anon_id given twice"),
        ("?user_id=", "Invalid user_id"),
        ("?anon_id=%00", "Invalid anon_id"),
    ] {
        let url = format!("/api/sync-conversations/{query}");
        let answer = Ports::new().send(post(&url, "")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(
            answer
                .body
                .starts_with(&format!("{{\"error\":\"{expected}\""))
        );
    }
}

#[actix_web::test]
async fn only_json_is_taken() {
    let sent =
        |content_type: &'static str| post(URL, EMPTY).insert_header(("Content-Type", content_type));
    for content_type in [
        "application/json; charset=utf-8",
        "APPLICATION/JSON;charset=\"UTF-8\"",
    ] {
        assert_eq!(taking().send(sent(content_type)).await.status, 200);
    }
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
        "application/jsonx",
        "",
    ] {
        let answer = Ports::with_known_visitor().send(sent(content_type)).await;
        assert_eq!(answer.status, 415, "{content_type}");
        assert_eq!(answer.header("Accept"), Some("application/json"));
    }
    let bare = named(TestRequest::post().uri(URL)).set_payload(EMPTY);
    let answer = Ports::with_known_visitor().send(bare).await;
    assert_eq!(answer.status, 415);
    insta::assert_snapshot!(answer.body, @r#"{"error":"Content-Type must be application/json","code":"unsupported_content_type","request_id":"r"}"#);
}

#[actix_web::test]
async fn a_body_over_the_limit_is_refused() {
    let limited = |mut ports: Ports| {
        ports.limits = Limits {
            body_bytes: EMPTY.len(),
            ..Limits::default()
        };
        ports
    };
    assert_eq!(limited(taking()).send(post(URL, EMPTY)).await.status, 200);
    let longer = format!("{EMPTY} ");
    let declared = post(URL, longer.clone()).insert_header(("Content-Length", "21"));
    let absurd = post(URL, EMPTY).insert_header(("Content-Length", "9".repeat(30)));
    for request in [post(URL, longer), declared, absurd] {
        let answer = limited(Ports::with_known_visitor()).send(request).await;
        assert_eq!(answer.status, 413);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Body larger than 20 bytes","code":"body_too_large","request_id":"r"}"#);
        }
    }
}

#[actix_web::test]
async fn too_many_items_are_refused() {
    let mut ports = Ports::with_known_visitor();
    ports.limits.conversations = 0;
    let answer = ports.send(post(URL, ONE)).await;
    assert_eq!(answer.status, 413);
    insta::assert_snapshot!(answer.body, @r#"{"error":"More than 0 conversations in one request","code":"too_many_items","request_id":"r"}"#);
}

#[actix_web::test]
async fn the_first_sync_may_register_a_visitor_but_no_invalid_one_does() {
    let on_first_sync = || {
        let mut ports = Ports::new();
        ports.registration = RegistrationMode::OnFirstSync;
        ports
    };
    let mut ports = on_first_sync();
    ports.sync.expect_heads().returning(|_, _| Ok(None));
    ports
        .sync
        .expect_commit()
        .withf(|_, changes| changes.registers.is_some())
        .once()
        .returning(|_, _| Ok(0));
    assert_eq!(ports.send(post(URL, EMPTY)).await.status, 200);
    assert_eq!(on_first_sync().send(post(URL, "{}")).await.status, 400);
}

#[actix_web::test]
async fn a_store_that_is_away_says_when_to_come_back() {
    let ports = failing(|| StoreError::Unavailable {
        retry_after: Duration::from_millis(1_200),
        source: Some("marker".into()),
    });
    let answer = ports.send(post(URL, ONE)).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("Retry-After"), Some("2"));
    insta::assert_snapshot!(answer.body, @r#"{"error":"Storage is unavailable","code":"storage_unavailable","request_id":"r"}"#);
}

#[actix_web::test]
async fn a_full_store_says_so() {
    let ports = failing(|| StoreError::Full {
        source: "marker".into(),
    });
    let answer = ports.send(post(URL, ONE)).await;
    assert_eq!(answer.status, 507);
    insta::assert_snapshot!(answer.body, @r#"{"error":"Storage is full","code":"storage_full","request_id":"r"}"#);
}

#[actix_web::test]
async fn a_quota_is_told_with_its_setting() {
    let posted = |limit: QuotaExceeded| {
        let mut ports = Ports::with_known_visitor();
        ports
            .sync
            .expect_heads()
            .returning(|_, _| Ok(Some(Heads::default())));
        ports
            .sync
            .expect_commit()
            .returning(move |_, _| Err(StoreError::QuotaExceeded(limit)));
        ports.send(post(URL, ONE))
    };
    let answer = posted(QuotaExceeded::Conversations(1_000)).await;
    assert_eq!(answer.status, 507);
    insta::assert_snapshot!(answer.body, @r#"{"error":"Visitor may have at most 1,000 conversations (visitors.max_conversations)","code":"quota_exceeded","request_id":"r"}"#);
    let answer = posted(QuotaExceeded::ContentBytes(5_000_000_000)).await;
    assert_eq!(answer.status, 507);
    insta::assert_snapshot!(answer.body, @r#"{"error":"Visitor may have at most 5,000,000,000 bytes of content (visitors.max_bytes)","code":"quota_exceeded","request_id":"r"}"#);
}

#[actix_web::test]
async fn what_else_fails_is_not_told() {
    let corrupt = failing(|| StoreError::Corrupt {
        table: "marker",
        key: "marker".into(),
        column: "marker",
    });
    let internal = failing(|| StoreError::Internal {
        source: "marker".into(),
    });
    let mut visitors = Ports::new();
    visitors.visitors.expect_find().returning(|_| {
        Err(StoreError::Internal {
            source: "marker".into(),
        })
    });
    for ports in [corrupt, internal, visitors] {
        let answer = ports.send(post(URL, ONE)).await;
        assert_eq!(answer.status, 500);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Internal error","code":"internal_error","request_id":"r"}"#);
        }
    }
}
