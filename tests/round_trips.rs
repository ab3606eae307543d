//! Fields at their extremes: what was sent comes back unchanged, and what was pulled can be posted
//! back without changing anything.

use crate::model::values::{Kind, Level, PARTS, known_fields};
use crate::support::Server;
use crate::support::api::Api;
use crate::support::json_text::Json;

const ID: &str = "6518856d-63ae-5696-b190-8593ef95598b";
const MESSAGE_ID: &str = "7518856d-63ae-5696-b190-8593ef95598b";

/// Texts as JSON strings.
fn texts() -> Vec<String> {
    let controls: String = (1..0x20).map(|unit| format!("\\u{unit:04x}")).collect();
    let mut texts = vec![
        format!("\"{controls}\""),
        format!("\"{}\"", "😀".repeat(1_024)),
        format!("\"{}\"", "e\u{301}".repeat(512)),
    ];
    texts.extend(
        [
            "\"\"",
            "\" \"",
            "\"\u{7f}\u{80}\u{9f}\"",
            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
            "\"\\u00e9\\ud83d\\ude00\"",
            "\"👩‍👩‍👧‍👦 🇨🇭 👍🏽\"",
            "\"e\u{301}\u{323} é \u{212b} ﬁ\"",
            "\"\u{202e}right\u{202c} \u{200f}\u{2066}left\u{2069}\"",
            "\"\u{feff}\u{fffe}\u{ffff}\u{fdd0}\u{10ffff}\u{1fffe}\"",
            "\"\u{2028}\u{2029}\u{85}\u{a0}\"",
            "\"line\\r\\nline\\rline\\nline\"",
            "\" leading and trailing \\t\"",
            "\"null\"",
            "\"'; DROP TABLE messages; -- %s ${x} {{y}} <script>\"",
            "\"\\\\u0000\"",
            "\"İıſK\"",
        ]
        .map(str::to_owned),
    );
    texts
}

/// Texts that no store can hold, as they are sent and as they come back.
const MENDED: &[(&str, &str)] = &[
    (r#""\u0000""#, "\"\u{fffd}\""),
    (
        r#""level=info\u0000\u0000\n""#,
        "\"level=info\u{fffd}\u{fffd}\\n\"",
    ),
    (r#""so much fun \ud83d""#, "\"so much fun \u{fffd}\""),
    (r#""\ude00\uD83D""#, "\"\u{fffd}\u{fffd}\""),
    (r#""\ud83d\ud83d\ude00 é""#, "\"\u{fffd}😀 é\""),
];

const INTEGERS: &[(&str, &str)] = &[
    ("0", "0"),
    ("-0", "0"),
    ("40.0", "40"),
    ("4e1", "40"),
    ("9223372036854775807", "9223372036854775807"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("9007199254740993", "9007199254740993"),
    ("9.223372036854775807e18", "9223372036854775807"),
];

const NUMBERS: &[&str] = &[
    "0",
    "5e-324",
    "-0.0",
    "2.2250738585072014e-308",
    "1.7976931348623157e308",
    "-1.7976931348623157e308",
    "0.1",
    "0.30000000000000004",
    "9007199254740993",
    "1e21",
    "1",
];

const TIMESTAMPS: &[(&str, &str)] = &[
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ("0001-01-01T15:59:00+15:59", "0001-01-01T00:00:00Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    (
        "9999-12-31T23:59:59.999999999Z",
        "9999-12-31T23:59:59.999999Z",
    ),
    (
        "1969-12-31T23:59:59.9999999Z",
        "1969-12-31T23:59:59.999999Z",
    ),
    ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
    ("2015-06-30T23:59:60.5Z", "2015-07-01T00:00:00.500Z"),
    ("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00Z"),
    ("2025-07-27t12:34:56.1z", "2025-07-27T12:34:56.100Z"),
    ("2025-07-27 12:34:56", "2025-07-27T12:34:56Z"),
    (
        "2025-07-27T12:34:56.123456789Z",
        "2025-07-27T12:34:56.123456Z",
    ),
    ("2024-02-29T12:34:56-12:00", "2024-03-01T00:34:56Z"),
    ("1582-10-10T00:00:00Z", "1582-10-10T00:00:00Z"),
];

/// Numbers and the moments that they are as Unix time.
const UNIX_TIMES: &[(&str, &str)] = &[
    ("0", "1970-01-01T00:00:00Z"),
    ("-0.0", "1970-01-01T00:00:00Z"),
    ("1767583930.285031", "2026-01-05T03:32:10.285031Z"),
    ("1767583930.2850319", "2026-01-05T03:32:10.285031Z"),
    ("1767583930285", "2026-01-05T03:32:10.285Z"),
    ("1.767583930285e12", "2026-01-05T03:32:10.285Z"),
    ("-0.0000001", "1969-12-31T23:59:59.999999Z"),
    ("99999999999.999999", "5138-11-16T09:46:39.999999Z"),
    ("100000000000", "1973-03-03T09:46:40Z"),
    ("-62135596800000", "0001-01-01T00:00:00Z"),
    ("253402300799999.999", "9999-12-31T23:59:59.999999Z"),
];

fn json_values() -> Vec<String> {
    let deep = format!("{}0{}", "[".repeat(64), "]".repeat(64));
    let many_keys: Vec<_> = (0..1_000).map(|key| format!("\"{key}\":{key}")).collect();
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    let mut values = texts();
    values.extend([deep, format!("{{{}}}", many_keys.join(",")), large]);
    values.extend(MENDED.iter().map(|(sent, _)| (*sent).to_owned()));
    values.extend(
        [
            "0",
            "-0",
            "-0.0",
            "1.0",
            "1.50e+07",
            "5e-324",
            "1e400",
            "-1e-400",
            "123456789012345678901234567890",
            "-123456789012345678901234567890.123456789012345678901234567890",
            "0.1000000000000000055",
            "18446744073709551616",
            "true",
            "false",
            "[]",
            "{}",
            "[[],{},null,\"\",0]",
            "{\"\":0,\"__proto__\":{\"__proto__\":null},\"constructor\":[],\"a.b[0]\":1,\" \":2}",
            "{\"\\u001b\":\"\\u0001\",\"😀\":\"😀\",\"é\":1,\"e\u{301}\":2}",
            "{\"b\":[1.0,1.00,1e0],\"a\":{\"n\":null}}",
            " { \"a\" : [ 1 , 2 ] } ",
            "{\"id\":5,\"deleted_at\":\"never\",\"messages\":{}}",
            r#"{"stdout":"\u0000started","cut":["\ud83d",{"swapped":"\ude00\uD83D"}]}"#,
        ]
        .map(str::to_owned),
    );
    values
}

/// Values of a type, as they are sent and as they come back.
fn extremes(kind: Kind) -> Vec<(String, String)> {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let owned = |(sent, kept): &(&str, &str)| ((*sent).to_owned(), (*kept).to_owned());
        pairs.iter().map(owned).collect()
    };
    let same = |values: Vec<String>| {
        values
            .into_iter()
            .map(|value| (value.clone(), value))
            .collect()
    };
    let quoted = |text: String| format!("\"{text}\"");
    match kind {
        Kind::Text => [same(texts()), pairs(MENDED)].concat(),
        Kind::Boolean => pairs(&[
            ("true", "true"),
            ("false", "false"),
            ("1", "true"),
            ("0", "false"),
        ]),
        Kind::Integer => pairs(INTEGERS),
        Kind::Number => same(NUMBERS.iter().map(|&number| number.to_owned()).collect()),
        Kind::Timestamp => {
            let texts = pairs(TIMESTAMPS).into_iter();
            let texts = texts.map(|(sent, kept)| (quoted(sent), quoted(kept)));
            let numbers = pairs(UNIX_TIMES).into_iter();
            texts
                .chain(numbers.map(|(sent, kept)| (sent, quoted(kept))))
                .collect()
        }
        Kind::PartId => {
            let mut ids = same(texts());
            ids.retain(|(sent, _)| sent != "\"\"");
            ids.extend(pairs(MENDED));
            ids.extend(pairs(INTEGERS));
            ids.extend(pairs(&[("\"1\"", "\"1\""), ("\"01\"", "\"01\"")]));
            ids
        }
        Kind::Json => same(json_values()),
    }
}

/// A visitor with a server of its own.
struct Visitor {
    api: Api,
    cursor: String,
    _server: Server,
}

impl Visitor {
    fn new() -> Self {
        let server = Server::start();
        let api = Api::register(&server.url(), "user_id=ada");
        Self {
            cursor: api.drain(None, 500, |_| ()),
            api,
            _server: server,
        }
    }

    /// Posts conversations and pulls what that changed; posting this back changes nothing.
    fn round_trip(&mut self, conversations: &str) -> Json {
        self.post(conversations);
        let text = self.api.page_text(Some(&self.cursor));
        let cursor = cursor_of(&text);
        assert_ne!(cursor, self.cursor, "{conversations}");
        self.cursor = cursor;

        let (pulled, _) = text.rsplit_once(",\"cursor\":").unwrap();
        let pulled = pulled.strip_prefix("{\"conversations\":").unwrap();
        self.post(pulled);
        let nothing = self.api.page_text(Some(&self.cursor));
        assert_eq!(cursor_of(&nothing), self.cursor, "{pulled}");
        assert!(nothing.starts_with("{\"conversations\":[],"), "{nothing}");
        Json::parse(pulled)
    }

    fn post(&self, conversations: &str) {
        let body = format!("{{\"conversations\":{conversations}}}");
        let answer = self.api.try_post(&body).expect("an answer");
        assert_eq!(answer.status, 200, "{body}: {answer:?}");
    }
}

/// The cursor of the only page of a pull.
fn cursor_of(page: &str) -> String {
    let page = Json::parse(page);
    assert_eq!(page.get("has_more"), Some(&Json::Literal("false".into())));
    match page.get("cursor") {
        Some(Json::Text(cursor)) => cursor.clone(),
        other => panic!("no cursor: {other:?}"),
    }
}

/// The object of a level with these fields, within all that is around it.
fn within(level: Level, fields: &str) -> String {
    let message = |fields: &str| {
        format!("{{\"id\":\"{ID}\",\"messages\":[{{\"message_id\":\"{MESSAGE_ID}\"{fields}}}]}}")
    };
    let part = |name: &str| {
        let fields = fields.trim_start_matches(',');
        message(&format!(",\"{name}\":{{{fields}}}"))
    };
    match level {
        Level::Conversation => format!("{{\"id\":\"{ID}\"{fields}}}"),
        Level::Message => message(fields),
        Level::Request => part("request"),
        Level::Response => part("response"),
        Level::Output => part("output"),
    }
}

/// The object of a level in the only conversation of a pull.
fn object_of(pulled: &Json, level: Level) -> &Json {
    let [conversation] = pulled.items() else {
        panic!("one conversation, not {pulled:?}");
    };
    if level == Level::Conversation {
        return conversation;
    }
    let message = &conversation.get("messages").unwrap().items()[0];
    match PARTS.iter().find(|(_, part)| *part == level) {
        Some((name, _)) => message.get(name).unwrap(),
        None => message,
    }
}

/// By value: a zero has no sign.
fn number(json: Option<&Json>) -> Option<f64> {
    match json {
        Some(Json::Literal(text)) => text.parse().ok(),
        _ => None,
    }
}

/// Sends every field of a level at all extremes of its type; each post sets all fields.
fn expect_round_trips(level: Level) {
    let mut visitor = Visitor::new();
    let fields: Vec<_> = known_fields(level)
        .iter()
        .filter(|(name, _)| *name != "updated_at")
        .copied()
        .chain([
            ("unknown", Kind::Json),
            ("__proto__", Kind::Json),
            ("", Kind::Json),
        ])
        .map(|(name, kind)| (name, kind, extremes(kind)))
        .collect();
    let most = fields.iter().map(|(_, _, values)| values.len()).max();
    for round in 0..most.unwrap() {
        let mut sent = format!(",\"round\":{round}");
        for (name, _, values) in &fields {
            let (value, _) = &values[round % values.len()];
            sent.push_str(&format!(",\"{name}\":{value}"));
        }
        let pulled = visitor.round_trip(&format!("[{}]", within(level, &sent)));
        let object = object_of(&pulled, level);
        for (name, kind, values) in &fields {
            let (value, kept) = &values[round % values.len()];
            let (actual, kept) = (object.get(name), Json::parse(kept));
            if *kind == Kind::Number {
                assert_eq!(number(actual), number(Some(&kept)), "{name}: {value}");
            } else {
                assert_eq!(actual, Some(&kept), "{name}: {value}");
            }
        }
    }
}

#[test]
fn every_field_of_a_conversation() {
    expect_round_trips(Level::Conversation);
}

#[test]
fn every_field_of_a_message() {
    expect_round_trips(Level::Message);
}

#[test]
fn every_field_of_a_request() {
    expect_round_trips(Level::Request);
}

#[test]
fn every_field_of_a_response() {
    expect_round_trips(Level::Response);
}

#[test]
fn every_field_of_an_output() {
    expect_round_trips(Level::Output);
}

#[test]
fn moments_of_change_at_both_ends_of_time() {
    let mut visitor = Visitor::new();
    // Ever later ones, so that each of them counts.
    for (number, (sent, kept)) in [
        ("\"0001-01-01T00:00:00Z\"", "0001-01-01T00:00:00Z"),
        (
            "\"1969-12-31T23:59:59.9999999Z\"",
            "1969-12-31T23:59:59.999999Z",
        ),
        ("\"2016-12-31T23:59:60Z\"", "2017-01-01T00:00:00Z"),
        ("1753619696", "2025-07-27T12:34:56Z"),
        ("\"2025-07-27 12:34:56.5\"", "2025-07-27T12:34:56.500Z"),
        ("1753619696500.001", "2025-07-27T12:34:56.500001Z"),
        (
            "\"9999-12-31T23:59:59.999999999Z\"",
            "9999-12-31T23:59:59.999999Z",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let fields = format!(",\"n\":{number},\"updated_at\":{sent}");
        let of_message = within(Level::Message, &fields);
        let of_conversation =
            of_message.replacen(&format!("\"{ID}\""), &format!("\"{ID}\"{fields}"), 1);
        let pulled = visitor.round_trip(&format!("[{of_conversation}]"));
        for level in [Level::Conversation, Level::Message] {
            let object = object_of(&pulled, level);
            assert_eq!(object.get("updated_at"), Some(&Json::Text(kept.into())));
            assert_eq!(object.get("n"), Some(&Json::Literal(number.to_string())));
        }
    }
}

#[test]
fn empty_parts_and_parts_of_which_nothing_is_left() {
    let mut visitor = Visitor::new();
    let parts =
        ",\"request\":{},\"response\":{\"id\":\"\"},\"output\":{\"output_type\":null,\"x\":null}";
    let pulled = visitor.round_trip(&format!("[{}]", within(Level::Message, parts)));
    let message = object_of(&pulled, Level::Message);
    for (name, _) in PARTS {
        assert_eq!(message.get(name), Some(&Json::Object([].into())), "{name}");
    }
    assert!(message.get("timestamp").is_some());
}

#[test]
fn deletions_at_both_ends_of_time() {
    let mut visitor = Visitor::new();
    visitor.round_trip(&format!("[{}]", within(Level::Message, "")));
    let deleted = within(
        Level::Message,
        ",\"deleted_at\":\"0001-01-01T00:00:00.0000009Z\"",
    );
    let pulled = visitor.round_trip(&format!("[{deleted}]"));
    assert_eq!(
        object_of(&pulled, Level::Message).get("deleted_at"),
        Some(&Json::Text("0001-01-01T00:00:00Z".into()))
    );

    let deleted = within(
        Level::Conversation,
        ",\"deleted_at\":\"9999-12-31T23:59:59.999999Z\"",
    );
    let pulled = visitor.round_trip(&format!("[{deleted}]"));
    let tombstone = object_of(&pulled, Level::Conversation);
    assert!(tombstone.get("deleted_at").is_some() && tombstone.get("messages").is_none());
}

#[test]
fn ids_in_any_case() {
    let mut visitor = Visitor::new();
    let upper = within(Level::Message, ",\"img\":\"i\"").replace(ID, &ID.to_uppercase());
    let upper = upper.replace(MESSAGE_ID, &MESSAGE_ID.to_uppercase());
    let pulled = visitor.round_trip(&format!("[{upper}]"));
    let id = |level, key| object_of(&pulled, level).get(key).cloned();
    assert_eq!(id(Level::Conversation, "id"), Some(Json::Text(ID.into())));
    assert_eq!(
        id(Level::Message, "message_id"),
        Some(Json::Text(MESSAGE_ID.into()))
    );
}
