//! Messages are taken by their ids and digests.

use super::*;

#[test]
fn a_message_is_not_read_before_it_is_asked_for() {
    let post = read(&message(r#","timestamp":"yesterday""#));
    assert!(post.conversations[0].messages[0].text.read().is_err());
}

#[test]
fn a_message_id_may_stand_anywhere() {
    for fields in [
        r#""a":{"message_id":1},"b":[1,"]"],"message_id":"7518856D-63AE-5696-B190-8593EF95598B""#,
        r#" "messag\u0065_id" : "7518856d-63ae-5696-b190-8593ef95598b" , "x" : 1 "#,
    ] {
        let post = read(&conversation(&format!(",\"messages\":[{{{fields}}}]")));
        let message = &post.conversations[0].messages[0];
        assert_eq!(
            message.id.to_string(),
            "7518856d-63ae-5696-b190-8593ef95598b"
        );
        assert!(message.text.read().is_ok());
    }
}

#[test]
fn a_digest_is_that_of_the_text_and_the_seed() {
    let digest = |fields: &str, seed| {
        let body = message(fields).into_bytes();
        let body = Arc::new(Body::new(body, Limits::default(), seed).unwrap());
        let post = read_submission(&body, Leniency::FULL).unwrap().submission;
        post.conversations[0].messages[0].digest
    };
    assert_eq!(digest("", 7), digest("", 7));
    assert_ne!(digest("", 7), digest("", 8));
    assert_ne!(digest(",\"a\":1", 7), digest(",\"a\": 1", 7));
    // What is beside the message does not matter, nor the white space around it.
    let spaced = conversation(&format!(
        ",\"title\":\"x\",\"messages\":[\n {{{MESSAGE_ID}}} ]"
    ));
    assert_eq!(
        read(&spaced).conversations[0].messages[0].digest,
        digest("", 7)
    );
}

#[test]
fn an_id_may_stand_twice_in_a_body() {
    let body = format!(
        "{{\"conversations\":[{{{ID},\"messages\":[{{{MESSAGE_ID}}},{{{MESSAGE_ID}}}]}},{{{ID}}}]}}"
    );
    let post = read(&body);
    assert_eq!(post.conversations.len(), 2);
    assert_eq!(post.conversations[0].messages.len(), 2);
}
