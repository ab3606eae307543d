//! Posts of which the good items are taken and the bad ones told.

use convosync_domain::ports::{Heads, MessageHead};
use convosync_domain::posted::Digest;

use crate::settings::UnknownFields;
use crate::testing::{Answer, Ports, heads_of, post};

const URL: &str = "/api/sync-conversations/?anon_id=a";

/// Ports that take a post in which so many conversations and messages are good.
fn taking(conversations: usize, messages: usize) -> Ports {
    let mut ports = Ports::with_known_visitor();
    let heads = || Ok(Some(Heads::default()));
    ports.sync.expect_heads().returning(move |_, _| heads());
    ports
        .sync
        .expect_commit()
        .withf(move |_, changes| {
            let changed = changes.conversations.iter();
            let written: usize = changed.map(|change| change.messages.len()).sum();
            (changes.conversations.len(), written) == (conversations, messages)
        })
        .returning(|_, _| Ok(1));
    ports
}

async fn send(ports: Ports, body: impl Into<Vec<u8>>) -> Answer {
    let request = post(URL, body).insert_header(("Prefer", "handling=lenient"));
    let answer = ports.send(request).await;
    assert_eq!(
        answer.header("Preference-Applied"),
        Some("handling=lenient")
    );
    answer
}

#[actix_web::test]
async fn every_kind_of_bad_item_is_left_out() {
    let body = r#"{"conversations":[
        7,
        {"id":"good","title":"T","messages":[
            {"message_id":"bad","vote":2},
            {"message_id":"good"},
            {"message_id":"bad part","output":{"output_type":[]},"timestamp":""},
            {"vote":true},
            "x",
            {"message_id":"twice","message_id":"twice"},
            {"message_id":"\ud83d"}
        ]},
        {"id":"bad","messages":[{"message_id":"good"},{"message_id":5}],"title":[]},
        {"title":"no id"},
        {"id":"","title":7},
        {"id":"also good","messages":[{"message_id":"good"},{"message_id":"deep","doc":{"a":{"b":1,"b":2}}}]},
        {"id":"not an array","messages":{}},
        1e999
    ]}"#;
    let answer = send(taking(2, 2), body).await;
    assert_eq!(answer.status, 200);
    let shown = answer.body.replace("},{", "},\n{");
    insta::assert_snapshot!(shown, @r#"
    {"message":"2 conversations created, 0 updated. 2 messages created, 0 updated.","created":2,"updated":0,"messages_created":2,"messages_updated":0,"rejected":[{"path":"conversations[0]","id":null,"message":"must be an object"},
    {"path":"conversations[1].messages[0].vote","id":"bad","message":"must be true, false, 0 or 1"},
    {"path":"conversations[1].messages[2].output.output_type","id":"bad part","message":"must be a string"},
    {"path":"conversations[1].messages[3].message_id","id":null,"message":"must be a text of 1 to 128 characters without control characters"},
    {"path":"conversations[1].messages[4]","id":null,"message":"must be an object"},
    {"path":"conversations[1].messages[5].message_id","id":"twice","message":"duplicate key"},
    {"path":"conversations[1].messages[6].message_id","id":null,"message":"must be a text of 1 to 128 characters without control characters"},
    {"path":"conversations[2].title","id":"bad","message":"must be a string"},
    {"path":"conversations[3].id","id":null,"message":"must be a text of 1 to 128 characters without control characters"},
    {"path":"conversations[4].id","id":null,"message":"must be a text of 1 to 128 characters without control characters"},
    {"path":"conversations[5].messages[1].doc.a.b","id":"deep","message":"duplicate key"},
    {"path":"conversations[6].messages","id":"not an array","message":"must be an array"},
    {"path":"conversations[7]","id":null,"message":"must be an object"}]}
    "#);
}

#[actix_web::test]
async fn what_is_all_good_has_an_empty_list() {
    let answer = send(
        taking(1, 1),
        r#"{"conversations":[{"id":"c","messages":[{"message_id":"m"}]}]}"#,
    )
    .await;
    insta::assert_snapshot!(answer.body, @r#"{"message":"1 conversations created, 0 updated. 1 messages created, 0 updated.","created":1,"updated":0,"messages_created":1,"messages_updated":0,"rejected":[]}"#);
}

#[actix_web::test]
async fn a_bad_document_is_still_refused() {
    for (body, status) in [
        ("{\"conversations\":[{\"id\":\"a\"}]", 400),
        ("{\"conversations\":[{\"id\":\"a\"},]}", 400),
        ("{\"conversations\":{}}", 400),
        ("{\"conversations\":[],\"conversations\":[]}", 400),
        ("[]", 400),
    ] {
        // The store may not be touched.
        let answer = send(Ports::with_known_visitor(), body).await;
        assert_eq!(answer.status, status, "{body}");
    }
    let mut ports = Ports::with_known_visitor();
    ports.limits.conversations = 1;
    let answer = send(ports, r#"{"conversations":[{"id":5},{"id":"a"}]}"#).await;
    assert_eq!(answer.status, 413);
}

/// A message that is stored as it is posted may have been taken when the server kept unknown fields.
#[actix_web::test]
async fn a_stored_message_is_read_where_the_server_refuses_more() {
    let text = r#"{"message_id":"7518856d-63ae-5696-b190-8593ef95598b","foo":1}"#;
    let digest = xxhash_rust::xxh3::xxh3_128_with_seed(text.as_bytes(), 7).to_be_bytes();
    for (unknown_fields, rejected) in [(UnknownFields::Keep, 0), (UnknownFields::Reject, 1)] {
        let mut ports = Ports::with_known_visitor();
        ports.unknown_fields = unknown_fields;
        ports.sync.expect_heads().returning(move |_, named| {
            let mut heads = heads_of(&named);
            let named = named.iter().flat_map(|named| &named.messages);
            heads.conversations[0].messages = named
                .map(|key| MessageHead {
                    key: *key,
                    content_bytes: 1,
                    digest: Some(Digest(digest)),
                })
                .collect();
            Ok(Some(heads))
        });
        let body = format!(r#"{{"conversations":[{{"id":"c","messages":[{text}]}}]}}"#);
        let answer = send(ports, body).await;
        assert_eq!(answer.status, 200);
        let told = answer.body.matches("unknown field").count();
        assert_eq!(told, rejected, "{}", answer.body);
    }
}
