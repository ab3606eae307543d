//! Ids, texts and JSON values that cannot be kept.

use super::{ID, MARKER, MESSAGE_ID, Request, Visitor, conversation, message};

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

#[test]
fn ids_that_are_no_uuids() {
    let visitor = Visitor::new();
    let id = "6518856d-63ae-5696-b190-8593ef95598b";
    for value in [
        "null".to_owned(),
        "\"\"".to_owned(),
        "5".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        "true".to_owned(),
        format!("\"{MARKER}\""),
        format!("\"{}\"", &id[1..]),
        format!("\"{id}b\""),
        format!("\"{}\"", id.replace('b', "g")),
        format!("\" {id}\""),
        format!("\"{id} \""),
        format!("\"{{{id}}}\""),
        format!("\"urn:uuid:{id}\""),
        format!("\"{}\"", id.replace('-', "")),
        format!("\"{}\"", id.replace('-', "_")),
        format!("\"{}\\u0000\"", &id[1..]),
        format!("\"{}\\ud83d\"", &id[1..]),
    ] {
        assert_eq!(
            visitor.violations(format!("{{\"conversations\":[{{\"id\":{value}}}]}}")),
            "conversations[0].id: must be a UUID",
            "{value}"
        );
        assert_eq!(
            visitor.violations(conversation(&format!(
                ",\"messages\":[{{\"message_id\":{value}}}]"
            ))),
            "conversations[0].messages[0].message_id: must be a UUID",
            "{value}"
        );
    }
    visitor.expect_violations([
        (
            "{\"conversations\":[{}]}".to_owned(),
            "conversations[0].id: must be a UUID".to_owned(),
        ),
        (
            conversation(",\"messages\":[{}]"),
            "conversations[0].messages[0].message_id: must be a UUID".to_owned(),
        ),
    ]);
}

#[test]
fn any_uuid_is_an_id() {
    let visitor = Visitor::new();
    for id in [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "6518856D-63AE-5696-B190-8593EF95598B",
        "01234567-89ab-0def-0123-456789abcdef",
    ] {
        let body = format!("{{\"conversations\":[{{\"id\":\"{id}\"}}]}}");
        assert_eq!(visitor.expect_taken(&Request::post(body))["created"], 1);
        assert!(visitor.api.ids().contains(&id.to_lowercase()));
    }
}

#[test]
fn a_zero_character_in_any_text() {
    let visitor = Visitor::new();
    for value in ["\"\\u0000\"", "\"m4rker\\u0000m4rker\"", "\"\\\\\\u0000\""] {
        let bodies = in_texts(value).into_iter().chain(in_json(value));
        let bodies: Vec<_> = bodies
            .map(|(body, path)| (body, format!("{path}: contains U+0000")))
            .collect();
        visitor.expect_violations(bodies);
    }
    for (body, path) in in_json(r#"{"a":["m4rker",{"b":"\u0000"}]}"#) {
        assert_eq!(
            visitor.violations(body),
            format!("{path}.a[1].b: contains U+0000")
        );
    }
    // An escaped backslash before what only looks like the escape of a zero.
    for (body, _) in in_texts(r#""\\u0000""#) {
        visitor.expect_taken(&Request::post(body));
    }
}

#[test]
fn half_of_a_surrogate_pair_in_any_text() {
    let visitor = Visitor::new();
    for value in [
        r#""\ud83d""#,
        r#""m4rker\uD83D m4rker""#,
        r#""\ude00""#,
        r#""\ude00\ud83d""#,
        r#""\ud83d\ud83d\ude00""#,
        r#""\ud83d\u0041""#,
        r#""\ud83d\n""#,
    ] {
        for (body, path) in in_texts(value).into_iter().chain(in_json(value)) {
            assert_eq!(
                visitor.violations(body),
                format!("{path}: unpaired surrogate"),
                "{value}"
            );
        }
    }
    for (body, _) in in_texts(r#""\ud83d\ude00""#) {
        visitor.expect_taken(&Request::post(body));
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
fn a_title_is_measured_in_characters() {
    let visitor = Visitor::new();
    for character in ["a", "é", "😀", "\\ud83d\\ude00"] {
        let title = |length| conversation(&format!(",\"title\":\"{}\"", character.repeat(length)));
        visitor.expect_taken(&Request::post(title(1_024)));
        assert_eq!(
            visitor.violations(title(1_025)),
            "conversations[0].title: longer than 1,024 characters",
            "{character}"
        );
    }
}

#[test]
fn texts_longer_than_a_field_holds() {
    let visitor = Visitor::new();
    let longest = 8 << 20;
    let text = |length| {
        message(&format!(
            ",\"output\":{{\"output_content_text\":\"{}\"}}",
            "x".repeat(length)
        ))
    };
    assert_eq!(
        visitor.violations(text(longest + 1)),
        "conversations[0].messages[0].output.output_content_text: longer than 8,388,608 bytes"
    );
    let answer = visitor.send(&Request::post(text(longest))).unwrap();
    assert_eq!(answer.status, 200);

    let visitor = Visitor::with_settings(&[("CONVOSYNC__LIMITS__TEXT_BYTES", "30")]);
    for (value, fits) in [("é".repeat(15), true), ("é".repeat(16), false)] {
        for (body, path) in in_texts(&format!("\"{value}\"")).split_off(1) {
            if fits {
                visitor.expect_taken(&Request::post(body));
            } else {
                assert_eq!(
                    visitor.violations(body),
                    format!("{path}: longer than 30 bytes")
                );
            }
        }
    }
}

#[test]
fn json_values_larger_than_a_field_holds() {
    let visitor = Visitor::new();
    let longest = 256 << 10;
    for length in [longest, longest + 1] {
        let value = format!("\"{}\"", "x".repeat(length - 2));
        for (body, path) in in_json(&value) {
            if length == longest {
                visitor.expect_taken(&Request::post(body));
            } else {
                assert_eq!(
                    visitor.violations(body),
                    format!("{path}: larger than 262,144 bytes")
                );
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
