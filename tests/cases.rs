//! Bodies as real apps send them, and what becomes of each.

use insta::assert_snapshot;

use crate::support::Server;
use crate::support::api::Api;

/// The answer to a body, what another device then pulls, and the answer where nothing is to be mended.
fn told(body: &str) -> String {
    let server = Server::start();
    let api = Api::register(&server.url(), "user_id=ada");
    let answer = api.try_post(body).expect("an answer");
    let pulled = api.page_text(None);
    let (pulled, _) = pulled.rsplit_once(",\"cursor\":").expect("a cursor");
    let strict = api.post_strictly(body);
    let (refused, _) = strict.text.rsplit_once(",\"request_id\":").expect("an id");
    let pulled = ["created_at", "timestamp"]
        .iter()
        .filter(|name| !body.contains(&format!("\"{name}\"")))
        .fold(format!("{pulled}}}"), |pulled, name| {
            without_moment(&pulled, name)
        });
    format!(
        "{} {}\n{pulled}\n{} {refused}}}",
        answer.status, answer.text, strict.status
    )
}

/// Without the moment of receipt in this field, of which there is one.
fn without_moment(pulled: &str, name: &str) -> String {
    let (before, moment) = pulled
        .split_once(&format!("\"{name}\":\""))
        .expect("a moment");
    let (_, after) = moment.split_once('"').expect("its end");
    format!("{before}\"{name}\":<received>{after}")
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
