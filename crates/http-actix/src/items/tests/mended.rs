//! Values that are mended, or refused where the client wants nothing of the kind.

use super::*;

#[test]
fn every_place_of_a_post_that_has_something_to_mend() {
    let body = format!(
        r#"{{"device":"\ud83d","conversations":[
            {{{ID},"title":"cut \ud83d","created_at":1767583930.285031,"foo":"\u0000","messages":[
                {{{MESSAGE_ID},"timestamp":1767583930285,"metadata":{{"a":["\u0000","\ud83d"]}},
                "request":{{"id":"\u0000","request_input":"\ude00\ud83d","request_stop":["\ud83d"]}}}}
            ],"updated_at":0}}
        ]}}"#
    );
    assert_eq!(violations(&body), [""; 0]);
    assert_eq!(
        violations_at_once(&body, Leniency::STRICT),
        [
            "conversations[0].title: unpaired surrogate",
            "conversations[0].created_at: not an RFC 3339 date-time",
            "conversations[0].foo: unknown field",
            "conversations[0].messages[0].timestamp: not an RFC 3339 date-time",
            "conversations[0].messages[0].metadata.a[0]: contains U+0000",
            "conversations[0].messages[0].request.id: contains U+0000",
            "conversations[0].messages[0].request.request_input: unpaired surrogate",
            "conversations[0].messages[0].request.request_stop[0]: unpaired surrogate",
            "conversations[0].updated_at: not an RFC 3339 date-time",
        ]
    );
    // Where the server refuses unknown fields, it mends all the same.
    assert_eq!(
        violations_at_once(&body, Leniency::with(UnknownFields::Reject)),
        ["conversations[0].foo: unknown field"]
    );
}

#[test]
fn keys_and_ids_are_not_mended() {
    for (body, expected) in [
        (
            conversation(",\"\\ud83d\":1"),
            "conversations[0]: unpaired surrogate",
        ),
        (
            message(",\"metadata\":[{\"a\":{\"\\u0000\":1}}]"),
            "conversations[0].messages[0].metadata[0].a: contains U+0000",
        ),
        (
            message(",\"output\":{\"x\":{\"\\ud83d\":1}}"),
            "conversations[0].messages[0].output.x: unpaired surrogate",
        ),
        (
            "{\"x\":{\"\\ud83d\":1},\"conversations\":[]}".into(),
            "x: unpaired surrogate",
        ),
    ] {
        assert_eq!(violations(&body), [expected], "{body}");
    }
    let id = ID.replace("65", "\\u0000");
    let body = format!("{{\"conversations\":[{{{id}}}]}}");
    assert_eq!(violations(body).len(), 1);
}
