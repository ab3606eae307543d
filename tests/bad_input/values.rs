//! Texts and JSON values that cannot be kept.

use super::{ID, MESSAGE_ID, Request, Visitor, conversation, message};

const PARTS: [(&str, &str); 3] = [
    ("request", "request_input"),
    ("response", "instructions"),
    ("output", "output_content_text"),
];

/// Bodies with this value in every field that takes a text, and the path to it.
fn in_texts(value: &str) -> Vec<(String, String)> {
    let mut bodies = vec![
        (
            conversation(&format!(",\"title\":{value}")),
            "conversations[0].title".to_owned(),
        ),
        (
            message(&format!(",\"img\":{value}")),
            "conversations[0].messages[0].img".to_owned(),
        ),
    ];
    for (part, field) in PARTS {
        bodies.push((
            message(&format!(",\"{part}\":{{\"{field}\":{value}}}")),
            format!("conversations[0].messages[0].{part}.{field}"),
        ));
    }
    bodies
}

/// Bodies with this value in fields that take any JSON value, and the path to it.
fn in_json(value: &str) -> Vec<(String, String)> {
    let mut bodies = vec![(
        conversation(&format!(",\"unknown\":{value}")),
        "conversations[0].unknown".to_owned(),
    )];
    for field in ["metadata", "embedding", "doc", "unknown"] {
        bodies.push((
            message(&format!(",\"{field}\":{value}")),
            format!("conversations[0].messages[0].{field}"),
        ));
    }
    for (part, field) in [
        ("request", "request_stop"),
        ("response", "tools"),
        ("response", "error"),
        ("output", "output_content_annotations"),
        ("output", "unknown"),
    ] {
        bodies.push((
            message(&format!(",\"{part}\":{{\"{field}\":{value}}}")),
            format!("conversations[0].messages[0].{part}.{field}"),
        ));
    }
    bodies
}

/// Expects that a string with what no store can hold is taken everywhere: in texts as it is mended, in JSON
/// as it was sent. A client that wants nothing to be mended is told of each.
fn expect_mended(visitor: &Visitor, sent: &str, mended: &str, problem: &str) {
    let texts = in_texts(sent).into_iter().map(|case| (case, mended));
    let json = in_json(sent).into_iter().map(|case| (case, sent));
    for ((body, path), kept) in texts.chain(json) {
        let (_, field) = path.rsplit_once('.').unwrap();
        let problem = match field {
            "unknown" => "unknown field",
            _ => problem,
        };
        let told = visitor.strict_violations(&*body);
        assert_eq!(told, format!("{path}: {problem}"), "{sent}");
        visitor.expect_taken(&Request::post(body));
        let page = visitor.api.page_text(None);
        assert!(page.contains(&format!("\"{field}\":{kept}")), "{page}");
    }
}

#[test]
fn a_zero_character_in_any_text() {
    let visitor = Visitor::new();
    for (sent, mended) in [
        (r#""\u0000""#, "\"\u{fffd}\""),
        (r#""m4rker\u0000m4rker""#, "\"m4rker\u{fffd}m4rker\""),
        (r#""\\\u0000""#, "\"\\\\\u{fffd}\""),
    ] {
        expect_mended(&visitor, sent, mended, "contains U+0000");
    }
    for (body, path) in in_json(r#"{"a":["m4rker",{"b":"\u0000"}]}"#) {
        if !path.ends_with("unknown") {
            let told = visitor.strict_violations(&*body);
            assert_eq!(told, format!("{path}.a[1].b: contains U+0000"));
        }
        visitor.expect_taken(&Request::post(body));
    }
    // An escaped backslash before what only looks like the escape of a zero.
    for (body, _) in in_texts(r#""\\u0000""#) {
        visitor.expect_taken(&Request::post(body).with("Prefer", "handling=strict"));
    }
}

#[test]
fn half_of_a_surrogate_pair_in_any_text() {
    let visitor = Visitor::new();
    for (sent, mended) in [
        (r#""\ud83d""#, "\"\u{fffd}\""),
        (r#""m4rker\uD83D m4rker""#, "\"m4rker\u{fffd} m4rker\""),
        (r#""\ude00""#, "\"\u{fffd}\""),
        (r#""\ude00\ud83d""#, "\"\u{fffd}\u{fffd}\""),
        (r#""\ud83d\ud83d\ude00""#, "\"\u{fffd}😀\""),
        (r#""\ud83d\u0041""#, "\"\u{fffd}A\""),
        (r#""\ud83d\n""#, "\"\u{fffd}\\n\""),
    ] {
        expect_mended(&visitor, sent, mended, "unpaired surrogate");
    }
    for (body, _) in in_texts(r#""\ud83d\ude00""#) {
        visitor.expect_taken(&Request::post(body).with("Prefer", "handling=strict"));
    }
}

#[test]
fn values_that_are_no_texts() {
    let visitor = Visitor::new();
    for value in ["1", "true", "{}", "[\"m4rker\"]", "1e999"] {
        for (body, path) in in_texts(value) {
            assert_eq!(
                visitor.violations(body),
                format!("{path}: must be a string"),
                "{value}"
            );
        }
    }
}

#[test]
fn a_title_may_be_as_long_as_any_text() {
    let visitor = Visitor::new();
    let title = format!(",\"title\":\"{}\"", "é".repeat(100_000));
    visitor.expect_taken(&Request::post(conversation(&title)));
}

#[test]
fn values_larger_than_a_field_holds() {
    let visitor = Visitor::new();
    let longest = 8 << 20;
    let string = |length| format!("\"{}\"", "x".repeat(length));
    let text = |value: &str| message(&format!(",\"output\":{{\"output_content_text\":{value}}}"));
    assert_eq!(
        visitor.violations(text(&string(longest + 1))),
        "conversations[0].messages[0].output.output_content_text: larger than 8388608 bytes"
    );
    let json = |value: &str| message(&format!(",\"doc\":{value}"));
    // The quotes are part of a JSON value.
    assert_eq!(
        visitor.violations(json(&string(longest - 1))),
        "conversations[0].messages[0].doc: larger than 8388608 bytes"
    );
    for body in [text(&string(longest)), json(&string(longest - 2))] {
        let answer = visitor.send(&Request::post(body)).unwrap();
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn a_text_is_measured_as_it_is_kept_and_json_as_it_was_sent() {
    let visitor = Visitor::with_settings(&[("CONVOSYNC__LIMITS__VALUE_BYTES", "30")]);
    for (value, fits_as_text, fits_as_json) in [
        ("é".repeat(14), true, true),
        ("é".repeat(15), true, false),
        ("é".repeat(16), false, false),
        ("\\u00e9".repeat(15), true, false),
        ("\\u0000".repeat(4), true, true),
        ("\\u0000".repeat(10), true, false),
        ("\\u0000".repeat(11), false, false),
        ("\\ud83d".repeat(11), false, false),
    ] {
        let value = format!("\"{value}\"");
        let texts = in_texts(&value).into_iter();
        let json = in_json(&value).into_iter();
        let cases = texts
            .map(|case| (case, fits_as_text))
            .chain(json.map(|case| (case, fits_as_json)));
        for ((body, path), fits) in cases {
            if fits {
                visitor.expect_taken(&Request::post(body));
            } else {
                let told = visitor.violations(body);
                assert_eq!(told, format!("{path}: larger than 30 bytes"), "{value}");
            }
        }
    }
}

#[test]
fn the_same_part_id_of_two_messages_and_two_visitors() {
    let visitor = Visitor::new();
    let other = crate::support::api::Api::register(&visitor.server.url(), "user_id=grace");
    let part = r#""request":{"id":1,"request_input":"from"#;
    let body = |name: &str| {
        conversation(&format!(
            ",\"messages\":[{{{MESSAGE_ID},{part} {name}\"}}}},{{\"message_id\":\"8518856d-63ae-5696-b190-8593ef95598b\",{part} {name} again\"}}}}]"
        ))
    };
    visitor.expect_taken(&Request::post(body("ada")));
    assert_eq!(other.try_post(&body("grace")).unwrap().status, 200);
    for (api, name) in [(&visitor.api, "ada"), (&other, "grace")] {
        let page = api.page(None, 500).to_string();
        for text in [format!("\"from {name}\""), format!("\"from {name} again\"")] {
            assert!(page.contains(&text), "{page}");
        }
    }
    assert_eq!(other.ids().len(), 1);
    assert!(ID.contains(&other.ids()[0]));
}
