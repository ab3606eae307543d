//! What a posted value means: the type that its place gives it, and the one form in which the
//! model keeps it, so that equal values are equal.

use std::collections::BTreeMap;
use std::iter::repeat;

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Number, Value, json};

use super::stand_ins::STAND_INS;

/// Where in a body an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// An element of `conversations`.
    Conversation,
    /// An element of a conversation's `messages`.
    Message,
    /// A message's `request`.
    Request,
    /// A message's `response`.
    Response,
    /// A message's `output`.
    Output,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text, kept but for what no store can hold.
    Text,
    /// True, false, 0 or 1.
    Boolean,
    /// A 64-bit integer, which 40.0 is too.
    Integer,
    /// A finite number.
    Number,
    /// An RFC 3339 date-time, or a number that is Unix time.
    Timestamp,
    /// An integer or a text.
    PartId,
    /// Any JSON value.
    Json,
}

/// The three parts of a message, by name.
pub const PARTS: [(&str, Level); 3] = [
    ("request", Level::Request),
    ("response", Level::Response),
    ("output", Level::Output),
];

const CONVERSATION: &[(&str, Kind)] = &[
    ("title", Kind::Text),
    ("created_at", Kind::Timestamp),
    ("updated_at", Kind::Timestamp),
    ("local_only", Kind::Boolean),
];

const MESSAGE: &[(&str, Kind)] = &[
    ("timestamp", Kind::Timestamp),
    ("updated_at", Kind::Timestamp),
    ("vote", Kind::Boolean),
    ("img", Kind::Text),
    ("metadata", Kind::Json),
    ("embedding", Kind::Json),
    ("doc", Kind::Json),
];

const REQUEST: &[(&str, Kind)] = &[
    ("id", Kind::PartId),
    ("request_model", Kind::Text),
    ("request_messages_role", Kind::Text),
    ("request_messages_content", Kind::Text),
    ("request_messages_system_role", Kind::Text),
    ("request_messages_system_content", Kind::Text),
    ("request_messages_user_role", Kind::Text),
    ("request_messages_user_content", Kind::Text),
    ("request_system_prompt", Kind::Text),
    ("request_input", Kind::Text),
    ("request_temperature", Kind::Number),
    ("request_top_p", Kind::Number),
    ("request_n", Kind::Integer),
    ("request_stream", Kind::Boolean),
    ("request_stop", Kind::Json),
    ("request_max_tokens", Kind::Integer),
    ("top_k", Kind::Integer),
    ("repeat_penalty", Kind::Number),
    ("min_p", Kind::Number),
];

const RESPONSE: &[(&str, Kind)] = &[
    ("id", Kind::PartId),
    ("response_id", Kind::Text),
    ("object", Kind::Text),
    ("model", Kind::Text),
    ("created_at", Kind::Timestamp),
    ("status", Kind::Text),
    ("error", Kind::Json),
    ("incomplete_details", Kind::Json),
    ("instructions", Kind::Text),
    ("max_output_tokens", Kind::Integer),
    ("parallel_tool_calls", Kind::Boolean),
    ("previous_response_id", Kind::Text),
    ("reasoning_effort", Kind::Text),
    ("reasoning_summary", Kind::Text),
    ("store", Kind::Boolean),
    ("temperature", Kind::Number),
    ("top_p", Kind::Number),
    ("text_format_type", Kind::Text),
    ("tool_choice", Kind::Json),
    ("tools", Kind::Json),
    ("truncation", Kind::Text),
    ("usage_input_tokens", Kind::Integer),
    ("usage_output_tokens", Kind::Integer),
    ("usage_total_tokens", Kind::Integer),
    ("user", Kind::Text),
    ("metadata", Kind::Json),
];

const OUTPUT: &[(&str, Kind)] = &[
    ("id", Kind::PartId),
    ("output_type", Kind::Text),
    ("output_id", Kind::Text),
    ("output_status", Kind::Text),
    ("output_role", Kind::Text),
    ("output_content_type", Kind::Text),
    ("output_content_text", Kind::Text),
    ("output_content_annotations", Kind::Json),
];

/// The known fields of an object, without its id, its messages, its parts and its deletion.
pub fn known_fields(level: Level) -> &'static [(&'static str, Kind)] {
    match level {
        Level::Conversation => CONVERSATION,
        Level::Message => MESSAGE,
        Level::Request => REQUEST,
        Level::Response => RESPONSE,
        Level::Output => OUTPUT,
    }
}

/// The type of a field; an unknown field takes any JSON value.
pub fn kind(level: Level, name: &str) -> Kind {
    known_fields(level)
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(Kind::Json, |(_, kind)| *kind)
}

/// Microseconds since 1970 of an RFC 3339 date-time, cut to the microsecond. One without a
/// zone is UTC; a leap second is the second after it.
pub fn instant(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}Z")))
        .ok()
        .map(|moment| moment.timestamp_micros())
}

/// Microseconds since 1970 of a number that is Unix time and not before 1970: in seconds below 10^11,
/// else in milliseconds.
fn unix_time(number: &Number) -> Option<i64> {
    let digits = if number.as_f64()? < 1e11 { 6 } else { 3 };
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let cut: String = fraction.chars().chain(repeat('0')).take(digits).collect();
    format!("{whole}{cut}").parse().ok()
}

/// The instant that a posted value stands for.
fn posted_instant(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => instant(text),
        Value::Number(number) => unix_time(number),
        _ => None,
    }
}

/// U+0000 and unpaired surrogates become U+FFFD in a text, each of them.
fn mended(text: &str) -> String {
    let is_unstorable = |character| character == '\0' || STAND_INS.contains(&character);
    text.replace(is_unstorable, "\u{fffd}")
}

/// The one form in which the model writes an instant.
pub fn rfc3339(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .expect("an instant of the years 1 to 9999")
        .to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A valid value in the form in which it comes back: booleans as booleans, integers as
/// integers, timestamps as instants, texts mended, everything else as it was sent.
fn canonical(kind: Kind, value: &Value) -> Value {
    match kind {
        Kind::Timestamp => {
            posted_instant(value).map_or_else(|| value.clone(), |micros| json!(rfc3339(micros)))
        }
        Kind::Boolean => match value.as_i64() {
            Some(number) => json!(number != 0),
            None => value.clone(),
        },
        Kind::Integer => match (value.as_i64(), value.as_f64()) {
            (None, Some(number)) => number
                .to_string()
                .parse::<i64>()
                .map_or_else(|_| value.clone(), |integer| json!(integer)),
            _ => value.clone(),
        },
        Kind::Number => value
            .as_f64()
            .map_or_else(|| value.clone(), |number| json!(number)),
        Kind::Text | Kind::PartId => value
            .as_str()
            .map_or_else(|| value.clone(), |text| json!(mended(text))),
        Kind::Json => value.clone(),
    }
}

/// Fields as posted, null included.
pub type PostedFields = BTreeMap<String, Value>;

/// A conversation as posted.
pub struct PostedConversation {
    /// In the form in which it comes back.
    pub id: String,
    /// The stamp, as sent.
    pub updated_at: Option<i64>,
    /// A deletion, as sent.
    pub deleted_at: Option<i64>,
    /// Its content, `updated_at` included.
    pub fields: PostedFields,
    /// Whether a value of its own does not come back as it was sent.
    pub is_mended: bool,
    /// In the order of the body.
    pub messages: Vec<PostedMessage>,
}

/// A message as posted.
pub struct PostedMessage {
    /// In the form in which it comes back.
    pub message_id: String,
    /// Its own stamp, as sent.
    pub updated_at: Option<i64>,
    /// A deletion, as sent.
    pub deleted_at: Option<i64>,
    /// Its content, `updated_at` included, parts apart.
    pub fields: PostedFields,
    /// The parts sent as objects, by name.
    pub parts: BTreeMap<&'static str, PostedFields>,
    /// Whether a value of it does not come back as it was sent.
    pub is_mended: bool,
}

/// Reads a valid conversation of a body.
pub fn read_conversation(posted: &Value) -> PostedConversation {
    let object = posted.as_object().expect("a conversation is an object");
    let messages = object.get("messages").and_then(Value::as_array);
    PostedConversation {
        id: id(object, "id"),
        updated_at: moment(object, "updated_at"),
        deleted_at: moment(object, "deleted_at"),
        fields: fields(
            object,
            Level::Conversation,
            &["id", "deleted_at", "messages"],
        ),
        is_mended: has_mended(object, Level::Conversation),
        messages: messages.into_iter().flatten().map(read_message).collect(),
    }
}

fn read_message(posted: &Value) -> PostedMessage {
    let object = posted.as_object().expect("a message is an object");
    let special = ["message_id", "deleted_at", "request", "response", "output"];
    PostedMessage {
        message_id: id(object, "message_id"),
        updated_at: moment(object, "updated_at"),
        deleted_at: moment(object, "deleted_at"),
        fields: fields(object, Level::Message, &special),
        parts: PARTS
            .into_iter()
            // A part sent as null is as not sent; one sent as {} exists.
            .filter_map(|(name, level)| {
                let part = object.get(name)?.as_object()?;
                Some((name, fields(part, level, &[])))
            })
            .collect(),
        is_mended: has_mended(object, Level::Message)
            || PARTS.into_iter().any(|(name, level)| {
                let part = object.get(name).and_then(Value::as_object);
                part.is_some_and(|part| has_mended(part, level))
            }),
    }
}

/// Whether a field of an object is a text that is mended, Unix time, or a moment with more digits than
/// microseconds have.
fn has_mended(object: &Map<String, Value>, level: Level) -> bool {
    let is_mended = |(name, value): (&String, &Value)| {
        let is_deletion =
            name == "deleted_at" && matches!(level, Level::Conversation | Level::Message);
        let kind = if is_deletion {
            Kind::Timestamp
        } else {
            kind(level, name)
        };
        match (kind, value) {
            (Kind::Timestamp, Value::Number(_)) => true,
            (Kind::Timestamp, Value::String(text)) => {
                let (_, fraction) = text.split_once('.').unwrap_or_default();
                fraction.chars().take_while(char::is_ascii_digit).count() > 6
            }
            (Kind::Text | Kind::PartId, Value::String(text)) => mended(text) != *text,
            _ => false,
        }
    };
    object.iter().any(is_mended)
}

fn id(object: &Map<String, Value>, name: &str) -> String {
    canonical_id(object[name].as_str().expect("an id"))
}

/// A UUID is read in any case and comes back in lower case, any other id as it was sent.
pub fn canonical_id(id: &str) -> String {
    if is_uuid(id) {
        id.to_lowercase()
    } else {
        id.to_owned()
    }
}

/// Whether an id has the form of a UUID: 8-4-4-4-12 hexadecimal digits.
pub fn is_uuid(id: &str) -> bool {
    let groups: Vec<&str> = id.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_hexadecimal = |group: &&str| group.bytes().all(|digit| digit.is_ascii_hexdigit());
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(is_hexadecimal)
}

/// `updated_at` and `deleted_at` sent as null are as not sent.
fn moment(object: &Map<String, Value>, name: &str) -> Option<i64> {
    posted_instant(object.get(name)?)
}

/// The fields of an object, known and unknown alike, but for those that are not content.
fn fields(object: &Map<String, Value>, level: Level, special: &[&str]) -> PostedFields {
    object
        .iter()
        .filter(|(name, _)| !special.contains(&name.as_str()))
        .filter(|(name, value)| !is_as_not_sent(level, name, value))
        .map(|(name, value)| (name.clone(), canonical(kind(level, name), value)))
        .collect()
}

fn is_as_not_sent(level: Level, name: &str, value: &Value) -> bool {
    match level {
        // `updated_at` sent as null is as not sent.
        Level::Conversation | Level::Message => name == "updated_at" && value.is_null(),
        // A part's id of "" means absent.
        _ => name == "id" && value == "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_instants_cut_to_the_microsecond() {
        let base = instant("2025-01-01T10:00:00Z");
        assert!(base.is_some());
        for same in [
            "2025-01-01T12:00:00+02:00",
            "2025-01-01T10:00:00",
            "2025-01-01t10:00:00z",
            "2025-01-01 10:00:00Z",
            "2025-01-01T10:00:00.000000999Z",
            "2025-01-01T09:59:59.9999999+00:00",
        ] {
            let difference = base.zip(instant(same)).map(|(base, same)| base - same);
            let cut = i64::from(same.contains(".9999999"));
            assert_eq!(difference, Some(cut), "{same}");
        }
        for same in [
            json!(1_735_725_600),
            json!(1_735_725_600.0),
            json!(1_735_725_600_000_i64),
            json!(1_735_725_600_000.000_2),
        ] {
            assert_eq!(posted_instant(&same), base, "{same}");
        }
        assert_eq!(posted_instant(&json!(0.25)), Some(250_000));
        assert_eq!(
            instant("2016-12-31T23:59:60Z"),
            instant("2017-01-01T00:00:00Z")
        );
        assert_eq!(
            instant("1969-12-31T23:59:59.9999999Z").map(rfc3339),
            Some("1969-12-31T23:59:59.999999Z".into())
        );
    }
}
