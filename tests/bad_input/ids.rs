//! Ids that are none, and what else an id may be.

use insta::assert_snapshot;

use super::{MARKER, MESSAGE_ID, Request, Visitor, conversation};

#[test]
fn what_is_no_id() {
    let visitor = Visitor::new();
    for value in [
        "null".to_owned(),
        "\"\"".to_owned(),
        "5".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        "true".to_owned(),
        format!("\"{}\"", "x".repeat(129)),
        format!("\"{}\"", "é".repeat(129)),
        format!("\"{MARKER}\\n\""),
        format!("\"{MARKER}\\u001b\""),
        format!("\"{MARKER}\u{7f}\""),
        format!("\"{MARKER}\\u0085\""),
        format!("\"{MARKER}\\u0000\""),
        format!("\"{MARKER}\\ud83d\""),
        "\"\\ude00\\ud83d\"".to_owned(),
    ] {
        let of_conversation = format!("{{\"conversations\":[{{\"id\":{value}}}]}}");
        let of_message = conversation(&format!(",\"messages\":[{{\"message_id\":{value}}}]"));
        insta::allow_duplicates! {
            assert_snapshot!(visitor.violations(of_conversation), @"conversations[0].id: must be a text of 1 to 128 characters without control characters");
            assert_snapshot!(visitor.violations(of_message), @"conversations[0].messages[0].message_id: must be a text of 1 to 128 characters without control characters");
        }
    }
    let told = visitor.violations("{\"conversations\":[{}]}");
    assert_snapshot!(told, @"conversations[0].id: must be a text of 1 to 128 characters without control characters");
    let told = visitor.violations(conversation(&format!(
        ",\"messages\":[{{}},{{{MESSAGE_ID}}}]"
    )));
    assert_snapshot!(told, @"conversations[0].messages[0].message_id: must be a text of 1 to 128 characters without control characters");
}

/// Each is an id of its own, which comes back as it was sent, by itself and in a conversation.
#[test]
fn any_other_text_is_an_id() {
    let visitor = Visitor::new();
    let id = "6518856d-63ae-5696-b190-8593ef95598b";
    let mut ids = vec![
        id.to_owned(),
        id[1..].to_owned(),
        format!("{id}b"),
        id.replace('b', "g"),
        format!(" {id}"),
        format!("{id} "),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        id.replace('-', ""),
        id.replace('-', "_"),
        format!("{id}::gpt-4"),
        "5".to_owned(),
        " ".to_owned(),
        "msg_1".to_owned(),
        "MSG_1".to_owned(),
        "😀".to_owned(),
        "é".to_owned(),
        "e\u{301}".to_owned(),
        "\u{feff}".to_owned(),
        "\u{fffd}".to_owned(),
        "%00&since=../".to_owned(),
        "x".repeat(128),
        "é".repeat(128),
        "😀".repeat(128),
    ];
    for id in &ids {
        let message = serde_json::json!({ "message_id": id });
        let posted = serde_json::json!({ "id": id, "messages": [message] });
        let body = serde_json::json!({ "conversations": [posted] }).to_string();
        let answer = visitor.expect_taken(&Request::post(&*body));
        assert_eq!(
            (&answer["created"], &answer["messages_created"]),
            (&1.into(), &1.into()),
            "{id}"
        );
        let again = visitor.expect_taken(&Request::post(body).with("Prefer", "handling=strict"));
        assert_eq!(
            (&again["updated"], &again["messages_updated"]),
            (&1.into(), &1.into()),
            "{id}"
        );
    }
    ids.push(super::KNOWN.to_owned());
    let mut listed = visitor.api.ids();
    // UUIDs come first.
    assert_eq!(listed[..2], [super::KNOWN, id]);
    assert!(listed[2..].is_sorted(), "{listed:?}");
    ids.sort();
    listed.sort();
    assert_eq!(listed, ids);
    visitor.api.drain(None, 1_000, |page| {
        for conversation in page["conversations"].as_array().unwrap() {
            if conversation["id"] != super::KNOWN {
                assert_eq!(
                    conversation["messages"][0]["message_id"],
                    conversation["id"]
                );
            }
        }
    });
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
        let lower_case = id.to_lowercase();
        assert!(visitor.api.ids().contains(&lower_case));
        // In any case it is the same one.
        for same in [lower_case, id.to_uppercase()] {
            let body = format!("{{\"conversations\":[{{\"id\":\"{same}\"}}]}}");
            assert_eq!(visitor.expect_taken(&Request::post(body))["updated"], 1);
        }
    }
    assert_eq!(visitor.api.ids().len(), 5);
}
