//! What a post says about each field.

use super::*;

#[test]
fn fields_that_were_sent_null_and_not_sent() {
    let patch = conversation_patch(
        r#","title":null,"local_only":1,"updated_at":null,"deleted_at":null,"messages":null"#,
    );
    let expected = ConversationPatch {
        title: Patch::Null,
        local_only: Patch::Value(true),
        ..ConversationPatch::default()
    };
    assert_eq!(patch, expected);

    let patch = message_patch(
        r#","vote":null,"doc":null,"updated_at":null,"deleted_at":null,"request":null,"response":{},"output":{"id":"","output_type":null}"#,
    );
    let mut expected = MessagePatch {
        response: Some(Default::default()),
        output: Some(Default::default()),
        ..MessagePatch::default()
    };
    expected.fields.vote = Patch::Null;
    expected.fields.doc = Patch::Null;
    expected.output.as_mut().unwrap().output_type = Patch::Null;
    assert_eq!(patch, expected);
}

#[test]
fn an_updated_at_is_a_stamp_and_a_field() {
    let moment = at("2025-07-27T12:34:56Z");
    let post = read(&conversation(r#","updated_at":"2025-07-27T12:34:56Z""#));
    let change = &post.conversations[0].change;
    assert_eq!(change.updated_at(), Some(moment));
    assert!(
        matches!(change, PostedChange::Fields { patch, .. } if patch.updated_at == Patch::Value(moment))
    );

    let change = message_change(r#","updated_at":"2025-07-27T12:34:56Z""#);
    assert_eq!(change.updated_at(), Some(moment));
    assert!(
        matches!(change, PostedChange::Fields { patch, .. } if patch.fields.updated_at == Patch::Value(moment))
    );
}

#[test]
fn a_deletion_carries_no_content_but_is_checked() {
    let fields =
        r#","deleted_at":"2025-01-02T00:00:00Z","updated_at":"2025-01-01T00:00:00Z","x":1"#;
    let deletion = |deleted_at, updated_at| (at(deleted_at), Some(at(updated_at)));
    let expected = deletion("2025-01-02T00:00:00Z", "2025-01-01T00:00:00Z");

    let post = read(&conversation(&format!(
        "{fields},\"messages\":[{{{MESSAGE_ID}}}]"
    )));
    let deleted = &post.conversations[0];
    assert!(
        matches!(deleted.change, PostedChange::Deletion { deleted_at, updated_at } if (deleted_at, updated_at) == expected)
    );
    assert_eq!(deleted.messages.len(), 1);

    let change = message_change(fields);
    assert!(
        matches!(change, PostedChange::Deletion { deleted_at, updated_at } if (deleted_at, updated_at) == expected)
    );

    assert_eq!(
        violations(message(
            r#","deleted_at":"2025-01-02T00:00:00Z","vote":2,"output":1"#
        )),
        [
            "conversations[0].messages[0].vote: must be true, false, 0 or 1",
            "conversations[0].messages[0].output: must be an object or null",
        ]
    );
}

#[test]
fn unknown_fields_are_kept_where_they_were_sent() {
    let fields = r#","__proto__":{"a": 1.0},"":null,"visitor_id":"v","id":1,"deleted":12345678901234567890123"#;
    let message = message_patch(fields);
    let extra = [
        ("__proto__".to_owned(), Some(json(r#"{"a": 1.0}"#))),
        (String::new(), None),
        ("visitor_id".to_owned(), Some(json("\"v\""))),
        ("id".to_owned(), Some(json("1"))),
        ("deleted".to_owned(), Some(json("12345678901234567890123"))),
    ];
    assert_eq!(message.fields.extra, extra.into());

    let conversation = conversation_patch(r#","message_id":1,"vote":true,"k\u0065y":2"#);
    let keys: Vec<_> = conversation.extra.keys().map(String::as_str).collect();
    assert_eq!(keys, ["key", "message_id", "vote"]);

    let message = message_patch(r#","response":{"deleted_at":5,"updated_at":null,"model":"m"}"#);
    let response = message.response.unwrap();
    assert_eq!(response.model, Patch::Value("m".into()));
    let extra = [
        ("deleted_at".to_owned(), Some(json("5"))),
        ("updated_at".to_owned(), None),
    ];
    assert_eq!(response.extra, extra.into());
}

#[test]
fn every_part_is_read() {
    let patch = message_patch(
        r#","request":{"id":1,"top_k":4e1,"request_temperature":0.7,"request_stream":0,"request_stop":["\n"]},"response":{"created_at":"2025-01-01T00:00:00Z"},"output":{"id":"1","output_content_text":"Hello!"}"#,
    );
    let request = patch.request.unwrap();
    assert_eq!(request.id, Patch::Value(PartId::Number(1)));
    assert_eq!(request.top_k, Patch::Value(40));
    assert_eq!(request.request_temperature, Patch::Value(0.7));
    assert_eq!(request.request_stream, Patch::Value(false));
    assert_eq!(request.request_stop, Patch::Value(json(r#"["\n"]"#)));
    assert_eq!(
        patch.response.unwrap().created_at,
        Patch::Value(at("2025-01-01T00:00:00Z"))
    );
    let output = patch.output.unwrap();
    assert_eq!(output.id, Patch::Value(PartId::Text("1".into())));
    assert_eq!(output.output_content_text, Patch::Value("Hello!".into()));
}
