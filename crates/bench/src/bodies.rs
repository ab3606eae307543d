//! The bodies that are posted: the seed's shape with all three parts, about 1.9 kB a message, the same
//! in every run.

use std::fmt::{self, Write as _};

use chrono::{DateTime, SecondsFormat};

/// How many conversations a body has, and how many messages each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Conversations of a body.
    pub conversations: usize,
    /// Messages of each conversation.
    pub messages: usize,
}

impl Shape {
    /// So many conversations of so many messages each.
    pub const fn new(conversations: usize, messages: usize) -> Self {
        Self {
            conversations,
            messages,
        }
    }

    /// Messages of a body.
    pub fn messages_a_body(self) -> usize {
        self.conversations * self.messages
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.conversations, self.messages)
    }
}

/// The body of this number: bodies of different numbers share no conversation and no message.
pub fn body(shape: Shape, number: u64) -> String {
    let mut ids = Ids::of_body(number);
    let mut body = String::with_capacity(shape.messages_a_body() * 2_000 + 1_024);
    body.push_str(r#"{"conversations":["#);
    for conversation in 0..shape.conversations {
        if conversation > 0 {
            body.push(',');
        }
        push_conversation(&mut body, &mut ids, "2025-07-27T12:34:56.789Z");
        for message in 0..shape.messages {
            if message > 0 {
                body.push(',');
            }
            push_message(&mut body, &mut ids, message + 1);
        }
        body.push_str("]}");
    }
    body.push_str("]}");
    body
}

/// The body of a turn: the first conversation of the body of this shape and number goes on by one message.
/// Turns of different numbers share no message, with each other or with a body, and each is later than those
/// of lower numbers.
pub fn turn(shape: Shape, number: u64, turn: u64) -> String {
    /// No body has so high a number.
    const FIRST: u64 = 1 << 30;
    let mut body = String::from(r#"{"conversations":["#);
    let at = DateTime::from_timestamp_micros(TURNS_BEGIN + turn as i64 * 1_000_000);
    let updated_at = at
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Secs, true);
    push_conversation(&mut body, &mut Ids::of_body(number), &updated_at);
    push_message(
        &mut body,
        &mut Ids::of_body(FIRST + turn),
        shape.messages + 1,
    );
    body.push_str("]}]}");
    body
}

/// A day after the bodies, in microseconds.
const TURNS_BEGIN: i64 = 1_753_704_000_000_000;

/// Begins a conversation, up to its first message.
fn push_conversation(body: &mut String, ids: &mut Ids, updated_at: &str) {
    push(
        body,
        format_args!(
            r#"{{"id":"{}","title":"{}","created_at":"2025-07-27T12:34:56Z","updated_at":"{updated_at}","local_only":false,"messages":["#,
            ids.next_uuid(),
            words(ids.next(), 40),
        ),
    );
}

fn push_message(body: &mut String, ids: &mut Ids, place: usize) {
    let random = ids.next();
    push(
        body,
        format_args!(
            r#"{{"message_id":"{}","timestamp":"2025-07-27T12:35:00Z","vote":true,"img":null,"metadata":{{"source":"bench","place":{place}}},"embedding":{{}},"doc":null,"#,
            ids.next_uuid(),
        ),
    );
    push(
        body,
        format_args!(
            r#""request":{{"id":{place},"request_model":"gpt-4","request_messages_role":"user","request_messages_content":"{}","request_temperature":0.7,"request_top_p":1.0,"request_stream":false,"request_max_tokens":1024}},"#,
            words(random, 400),
        ),
    );
    push(
        body,
        format_args!(
            r#""response":{{"id":{place},"response_id":"resp_{random:016x}","object":"response","model":"gpt-4","created_at":"2025-07-27T12:35:01Z","status":"completed","temperature":0.7,"top_p":1.0,"tool_choice":"auto","tools":[],"usage_input_tokens":80,"usage_output_tokens":140,"usage_total_tokens":220}},"#,
        ),
    );
    push(
        body,
        format_args!(
            r#""output":{{"id":{place},"output_type":"message","output_id":"msg_{random:016x}","output_status":"completed","output_role":"assistant","output_content_type":"output_text","output_content_text":"{}\n{}","output_content_annotations":[]}}}}"#,
            words(random.rotate_left(16), 300),
            words(random.rotate_left(32), 300),
        ),
    );
}

fn push(body: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = body.write_fmt(text);
}

const PROSE: &str = "The quickest way to learn what a device wrote while it was offline is to ask for whatever has changed \
since the number it has seen last; a server that keeps one counter for each visitor can answer that \
without looking at the clock of anybody. Two devices may have edited the same title, and then the \
later stamp wins, field by field, so that nobody loses what the other one did not touch. A message \
that was deleted leaves a tombstone behind, because otherwise the next device which comes back from a \
long journey would bring it to life again. Everything that was acknowledged is on the disk before the \
answer leaves, and what was sent twice is stored once. The model answered at length, as models do, \
and the whole of its answer is kept beside the request that asked for it and the response that \
carried it, each in a table of its own, with the tokens they took and the reason why they ended. ";

/// So many bytes of prose, from a place that follows from the number.
fn words(number: u64, length: usize) -> &'static str {
    let start = number as usize % (PROSE.len() - length);
    &PROSE[start..start + length]
}

/// Numbers that look random and never repeat within a body (splitmix64).
struct Ids(u64);

impl Ids {
    /// Bodies start 2^32 numbers and more apart, so that none goes on where another one started: the
    /// state has the same low 32 bits again only after so many steps, because a step is odd.
    fn of_body(number: u64) -> Self {
        Self(number << 32)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn next_uuid(&mut self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(
            ((u128::from(self.next()) << 64) | u128::from(self.next())).to_be_bytes(),
        )
        .into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_body_has_its_shape_and_is_the_same_each_time() {
        let shape = Shape {
            conversations: 3,
            messages: 5,
        };
        let text = body(shape, 7);
        assert_eq!(text, body(shape, 7));
        assert_ne!(text, body(shape, 8));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let conversations = json["conversations"].as_array().unwrap();
        assert_eq!(conversations.len(), 3);
        for conversation in conversations {
            assert_eq!(conversation["messages"].as_array().unwrap().len(), 5);
        }
        let a_message = text.len() / shape.messages_a_body();
        assert!((1_800..2_000).contains(&a_message), "{a_message}");
    }

    #[test]
    fn a_turn_goes_on_with_a_conversation_by_a_new_message() {
        let shape = Shape::new(2, 3);
        let json = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
        let first = json(&body(shape, 7))["conversations"][0].clone();
        let turns = [0, 1].map(|number| json(&turn(shape, 7, number)));
        let [one, other] = turns.each_ref().map(|turn| &turn["conversations"][0]);
        for key in ["id", "title", "created_at"] {
            assert_eq!(one[key], first[key], "{key}");
            assert_eq!(one[key], other[key], "{key}");
        }
        let at = |conversation: &serde_json::Value| conversation["updated_at"].to_string();
        assert!(at(&first) < at(one) && at(one) < at(other));
        let id = |of: &serde_json::Value| of["messages"][0]["message_id"].clone();
        assert!(id(one) != id(&first) && id(one) != id(other));
        assert_eq!(one["messages"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn bodies_share_no_ids() {
        let shape = Shape {
            conversations: 10,
            messages: 10,
        };
        let mut seen = HashSet::new();
        for number in 0..100 {
            let json: serde_json::Value = serde_json::from_str(&body(shape, number)).unwrap();
            for conversation in json["conversations"].as_array().unwrap() {
                assert!(seen.insert(conversation["id"].to_string()), "{number}");
                for message in conversation["messages"].as_array().unwrap() {
                    assert!(seen.insert(message["message_id"].to_string()), "{number}");
                }
            }
        }
    }
}
