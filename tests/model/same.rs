//! Whether an answer is the one expected, and the first place where it is not.

use serde_json::{Map, Number, Value};

use super::reference::RECEIVED;
use super::values::{Kind, Level, PARTS, instant, kind};

/// Compares an answer (`{"conversations": [..]}`) with the expected one, and names the first
/// place that differs with both values.
///
/// [`RECEIVED`] in the expected answer stands for any date-time. Timestamps are compared as
/// instants, numbers by value, objects regardless of the order of their keys, arrays in order.
/// Anything inside a JSON-valued or unknown field is plain JSON, whatever its keys are called.
/// A conversation without `messages` has none: that equals an empty array.
pub fn difference(expected: &Value, actual: &Value) -> Option<String> {
    in_object(Shape::Document, "", expected, actual)
}

/// What stands at a place of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Document,
    Conversations,
    Messages,
    Object(Level),
    Timestamp,
    Json,
}

impl Shape {
    fn of(self, name: &str) -> Self {
        match (self, name) {
            (Self::Document, "conversations") => Self::Conversations,
            (Self::Object(Level::Conversation), "messages") => Self::Messages,
            (Self::Object(Level::Conversation | Level::Message), "deleted_at") => Self::Timestamp,
            (Self::Object(level), _) => {
                let part = PARTS.iter().find(|(part, _)| *part == name);
                match part {
                    Some((_, part)) if level == Level::Message => Self::Object(*part),
                    _ if kind(level, name) == Kind::Timestamp => Self::Timestamp,
                    _ => Self::Json,
                }
            }
            _ => Self::Json,
        }
    }

    fn of_element(self) -> Self {
        match self {
            Self::Conversations => Self::Object(Level::Conversation),
            Self::Messages => Self::Object(Level::Message),
            _ => Self::Json,
        }
    }
}

fn anywhere(shape: Shape, path: &str, expected: &Value, actual: &Value) -> Option<String> {
    let is_same = match (expected, actual) {
        (Value::Object(_), Value::Object(_)) => return in_object(shape, path, expected, actual),
        (Value::Array(expected), Value::Array(actual)) => {
            return in_array(shape, path, expected, actual);
        }
        (Value::Number(expected), Value::Number(actual)) => same_number(expected, actual),
        (Value::String(expected), Value::String(actual)) if shape == Shape::Timestamp => {
            same_timestamp(expected, actual)
        }
        _ => expected == actual,
    };
    (!is_same).then(|| describe(path, Some(expected), Some(actual)))
}

fn in_object(shape: Shape, path: &str, expected: &Value, actual: &Value) -> Option<String> {
    let (Some(expected), Some(actual)) = (expected.as_object(), actual.as_object()) else {
        return (expected != actual).then(|| describe(path, Some(expected), Some(actual)));
    };
    let unexpected = actual.keys().filter(|name| !expected.contains_key(*name));
    expected.keys().chain(unexpected).find_map(|name| {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let shape = shape.of(name);
        match (get(shape, expected, name), get(shape, actual, name)) {
            (None, None) => None,
            (Some(expected), Some(actual)) => anywhere(shape, &path, expected, actual),
            (expected, actual) => Some(describe(&path, expected, actual)),
        }
    })
}

/// A member; no messages are as no `messages`.
fn get<'a>(shape: Shape, object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .filter(|value| shape != Shape::Messages || value.as_array().is_none_or(|a| !a.is_empty()))
}

fn in_array(shape: Shape, path: &str, expected: &[Value], actual: &[Value]) -> Option<String> {
    (0..expected.len().max(actual.len())).find_map(|index| {
        let path = format!("{path}[{index}]");
        match (expected.get(index), actual.get(index)) {
            (Some(expected), Some(actual)) => anywhere(shape.of_element(), &path, expected, actual),
            (expected, actual) => Some(describe(&path, expected, actual)),
        }
    })
}

fn same_number(expected: &Number, actual: &Number) -> bool {
    match (expected.as_i128(), actual.as_i128()) {
        (Some(expected), Some(actual)) => expected == actual,
        _ => expected.as_f64() == actual.as_f64(),
    }
}

fn same_timestamp(expected: &str, actual: &str) -> bool {
    match (instant(expected), instant(actual)) {
        (None, Some(_)) => expected == RECEIVED,
        (Some(expected), Some(actual)) => expected == actual,
        (_, None) => expected == actual,
    }
}

fn describe(path: &str, expected: Option<&Value>, actual: Option<&Value>) -> String {
    let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".into(), Value::to_string);
    let (expected, actual) = (shown(expected), shown(actual));
    format!("{path}: expected {expected}, got {actual}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_compared_by_what_they_mean_at_their_place() {
        let expected = json!({"conversations": [{
            "id": "c", "created_at": RECEIVED, "updated_at": "2025-01-01T00:00:00.000000Z",
            "messages": [{"message_id": "m", "request": {"top_k": 40},
                "response": {"created_at": "2025-01-01T00:00:00.000000Z"}}],
        }, {"id": "d", "messages": []}]});
        let actual = json!({"conversations": [{
            "updated_at": "2025-01-01T01:00:00+01:00", "created_at": "2026-05-05T00:00:00Z",
            "messages": [{"message_id": "m", "request": {"top_k": 40.0},
                "response": {"created_at": "2025-01-01T00:00:00Z"}}], "id": "c",
        }, {"id": "d"}]});
        assert_eq!(difference(&expected, &actual), None);
    }

    #[test]
    fn the_first_difference_is_named_with_its_place() {
        let with = |metadata: Value| {
            json!({"conversations": [{"id": "c", "messages": [
                {"message_id": "m", "metadata": metadata}]}]})
        };
        assert_eq!(
            difference(
                &with(json!({"created_at": "2025-01-01T00:00:00Z"})),
                &with(json!({"created_at": "2025-01-01T00:00:00.0Z"}))
            ),
            Some(
                "conversations[0].messages[0].metadata.created_at: expected \
                 \"2025-01-01T00:00:00Z\", got \"2025-01-01T00:00:00.0Z\""
                    .into()
            )
        );
        assert_eq!(
            difference(&json!({"conversations": []}), &with(json!({}))),
            Some(
                "conversations[0]: expected nothing, got \
                 {\"id\":\"c\",\"messages\":[{\"message_id\":\"m\",\"metadata\":{}}]}"
                    .into()
            )
        );
        assert!(difference(&with(json!(true)), &with(json!(1))).is_some());
        assert!(
            difference(
                &json!({"conversations": [{"deleted_at": RECEIVED}]}),
                &json!({"conversations": [{"deleted_at": "today"}]})
            )
            .is_some()
        );
    }
}
