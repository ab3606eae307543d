//! Bodies as real apps send them, and what becomes of each.

use insta::assert_snapshot;

use crate::support::api::Api;
use crate::support::{Answer, Server};

/// The answer to a body, what another device then pulls, and the answer where nothing is to be mended.
fn told(body: &str) -> String {
    let server = Server::start();
    let api = Api::register(&server.url(), "user_id=ada");
    let answer = shown(api.try_post(body).expect("an answer"));
    let pulled = pulled(&api, body);
    let strict = shown(api.post_strictly(body));
    format!("{answer}\n{pulled}\n{strict}")
}

/// The answer to a body of which the good items are to be taken, and what another device then pulls.
fn told_leniently(body: &str) -> String {
    let server = Server::start();
    let api = Api::register(&server.url(), "user_id=ada");
    let answer = shown(api.post_leniently(body));
    format!("{answer}\n{}", pulled(&api, body))
}

fn shown(Answer { status, text, .. }: Answer) -> String {
    match text.rsplit_once(",\"request_id\":") {
        Some((refused, _)) => format!("{status} {refused}}}"),
        None => format!("{status} {text}"),
    }
}

/// What a device pulls, without the cursor and without moments of receipt.
fn pulled(api: &Api, body: &str) -> String {
    let pulled = api.page_text(None);
    let (pulled, _) = pulled.rsplit_once(",\"cursor\":").expect("a cursor");
    ["created_at", "timestamp"]
        .iter()
        .filter(|name| !body.contains(&format!("\"{name}\"")))
        .fold(format!("{pulled}}}"), |pulled, name| {
            without_moments(&pulled, name)
        })
}

/// Without the moments of receipt in this field.
fn without_moments(pulled: &str, name: &str) -> String {
    let field = format!("\"{name}\":\"");
    let mut pieces = pulled.split(&field);
    let mut without = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (_, after) = piece.split_once('"').expect("the end of a moment");
        without += &format!("\"{name}\":<received>{after}");
    }
    without
}

#[test]
fn output_of_a_tool_with_zero_characters() {
    assert_snapshot!(told(include_str!("data/cases/tool-output.json")), @r#"
    200 {"message":"1 conversations created, 0 updated. 1 messages created, 0 updated.","created":1,"updated":0,"messages_created":1,"messages_updated":0}
    {"conversations":[{"id":"0d3c2a58-1f1e-4a0e-9b41-6f7b0a1c2d3e","title":"cat a.bin","created_at":<received>,"messages":[{"message_id":"5e0e3f1c-7a5e-4a57-8a35-1c2b3d4e5f60","timestamp":<received>,"metadata":{"tool":"bash","stdout":"\u0000level=info\u0000 started"},"output":{"id":1,"output_type":"text","output_content_text":"The file begins with �PNG"}}]}]}
    400 {"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"conversations[0].messages[0].metadata.stdout","message":"contains U+0000"},{"path":"conversations[0].messages[0].output.output_content_text","message":"contains U+0000"}]}
    "#);
}

#[test]
fn texts_cut_in_the_middle_of_an_emoji() {
    assert_snapshot!(told(include_str!("data/cases/cut-emoji.json")), @r#"
    200 {"message":"1 conversations created, 0 updated. 1 messages created, 0 updated.","created":1,"updated":0,"messages_created":1,"messages_updated":0}
    {"conversations":[{"id":"1d3c2a58-1f1e-4a0e-9b41-6f7b0a1c2d3e","title":"Plan the party �","created_at":<received>,"messages":[{"message_id":"6e0e3f1c-7a5e-4a57-8a35-1c2b3d4e5f60","timestamp":<received>,"metadata":{"preview":"so much fun \ud83d"},"request":{"id":1,"request_messages_content":"so much fun ��"}}]}]}
    400 {"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"conversations[0].title","message":"unpaired surrogate"},{"path":"conversations[0].messages[0].metadata.preview","message":"unpaired surrogate"},{"path":"conversations[0].messages[0].request.request_messages_content","message":"unpaired surrogate"}]}
    "#);
}

#[test]
fn times_as_numbers() {
    assert_snapshot!(told(include_str!("data/cases/unix-times.json")), @r#"
    200 {"message":"1 conversations created, 0 updated. 1 messages created, 0 updated.","created":1,"updated":0,"messages_created":1,"messages_updated":0}
    {"conversations":[{"id":"2d3c2a58-1f1e-4a0e-9b41-6f7b0a1c2d3e","title":"from an export","created_at":"2026-01-05T03:32:10.285031Z","updated_at":"2026-01-05T03:33:19Z","messages":[{"message_id":"7e0e3f1c-7a5e-4a57-8a35-1c2b3d4e5f60","timestamp":"2026-01-05T03:32:10.285Z","response":{"id":"resp_1","created_at":"2026-01-05T03:32:11Z"}}]}]}
    400 {"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"conversations[0].created_at","message":"not an RFC 3339 date-time"},{"path":"conversations[0].updated_at","message":"not an RFC 3339 date-time"},{"path":"conversations[0].messages[0].timestamp","message":"not an RFC 3339 date-time"},{"path":"conversations[0].messages[0].response.created_at","message":"not an RFC 3339 date-time"}]}
    "#);
}

#[test]
fn ids_of_every_kind() {
    let body = include_str!("data/cases/ids.json");
    assert_snapshot!(told(body), @r#"
    200 {"message":"2 conversations created, 0 updated. 3 messages created, 0 updated.","created":2,"updated":0,"messages_created":3,"messages_updated":0}
    {"conversations":[{"id":"V1StGXR8_Z5jdHi6B-myT","title":"nanoid","created_at":<received>,"messages":[{"message_id":"msg_68a1f0","timestamp":<received>,"vote":true},{"message_id":"4ccab2ce-f948-4a7b-bec6-103d5125687c-mxb7wz","timestamp":<received>}]},{"id":"4ccab2ce-f948-4a7b-bec6-103d5125687c","title":"Swift writes UUIDs in upper case","created_at":<received>,"messages":[{"message_id":"4ccab2ce-f948-4a7b-bec6-103d5125687c::gpt-4","timestamp":<received>}]}]}
    200 {"message":"0 conversations created, 2 updated. 0 messages created, 3 updated.","created":0,"updated":2,"messages_created":0,"messages_updated":3}
    "#);
    assert_snapshot!(told_leniently(body), @r#"
    200 {"message":"2 conversations created, 0 updated. 3 messages created, 0 updated.","created":2,"updated":0,"messages_created":3,"messages_updated":0,"rejected":[]}
    {"conversations":[{"id":"V1StGXR8_Z5jdHi6B-myT","title":"nanoid","created_at":<received>,"messages":[{"message_id":"msg_68a1f0","timestamp":<received>,"vote":true},{"message_id":"4ccab2ce-f948-4a7b-bec6-103d5125687c-mxb7wz","timestamp":<received>}]},{"id":"4ccab2ce-f948-4a7b-bec6-103d5125687c","title":"Swift writes UUIDs in upper case","created_at":<received>,"messages":[{"message_id":"4ccab2ce-f948-4a7b-bec6-103d5125687c::gpt-4","timestamp":<received>}]}]}
    "#);
}

#[test]
fn a_bad_message_and_a_bad_conversation_among_good_ones() {
    let body = include_str!("data/cases/one-odd.json");
    assert_snapshot!(told(body), @r#"
    400 {"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"conversations[0].messages[1].vote","message":"must be true, false, 0 or 1"},{"path":"conversations[1].id","message":"must be a text of 1 to 128 characters without control characters"}]}
    {"conversations":[]}
    400 {"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"conversations[0].messages[1].vote","message":"must be true, false, 0 or 1"},{"path":"conversations[1].id","message":"must be a text of 1 to 128 characters without control characters"}]}
    "#);
    assert_snapshot!(told_leniently(body), @r#"
    200 {"message":"2 conversations created, 0 updated. 1 messages created, 0 updated.","created":2,"updated":0,"messages_created":1,"messages_updated":0,"rejected":[{"path":"conversations[0].messages[1].vote","id":"9e0e3f1c-7a5e-4a57-8a35-1c2b3d4e5f60","message":"must be true, false, 0 or 1"},{"path":"conversations[1].id","id":null,"message":"must be a text of 1 to 128 characters without control characters"}]}
    {"conversations":[{"id":"3d3c2a58-1f1e-4a0e-9b41-6f7b0a1c2d3e","title":"fine","created_at":<received>,"messages":[{"message_id":"8e0e3f1c-7a5e-4a57-8a35-1c2b3d4e5f60","timestamp":<received>,"vote":true}]},{"id":"4d3c2a58-1f1e-4a0e-9b41-6f7b0a1c2d3e","title":"fine, too","created_at":<received>,"messages":[]}]}
    "#);
}

/// The example of the API's document, as it is printed there but for its comments.
#[test]
fn the_documented_example() {
    let body = include_str!("data/cases/documented.json");
    assert_snapshot!(told(body), @r#"
    200 {"message":"1 conversations created, 0 updated. 1 messages created, 0 updated.","created":1,"updated":0,"messages_created":1,"messages_updated":0}
    {"conversations":[{"id":"conversation-uuid","title":"Conversation Title","created_at":"2025-07-27T12:34:56Z","updated_at":"2025-07-27T12:34:56Z","local_only":false,"messages":[{"message_id":"message-uuid","timestamp":"2025-07-27T12:35:00Z","vote":true,"metadata":{},"embedding":{},"request":{"id":1,"request_model":"gpt-4","request_messages_role":"user"},"response":{"id":1,"response_id":"resp_123","model":"gpt-4"},"output":{"id":1,"output_type":"text","output_content_text":"Hello!"}}]}]}
    200 {"message":"0 conversations created, 1 updated. 0 messages created, 1 updated.","created":0,"updated":1,"messages_created":0,"messages_updated":1}
    "#);
    let server = Server::start();
    let api = Api::register(&server.url(), "anon_id=somebody");
    assert_eq!(api.try_post(body).expect("an answer").status, 200);
    assert_eq!(api.ids(), ["conversation-uuid"]);
}
