//! How much a post may hold.

use super::*;

#[test]
fn limits_of_a_post() {
    let limits = Limits {
        conversations: 2,
        messages: 3,
        value_bytes: 10,
        ..Limits::default()
    };
    let two = format!("{{{MESSAGE_ID}}},{{{MESSAGE_ID}}}");
    let with = |count: usize, messages: &str| {
        let conversation = format!("{{{ID},\"messages\":[{messages}]}}");
        let body = format!(
            "{{\"conversations\":[{}]}}",
            vec![conversation; count].join(",")
        );
        submission(body.as_bytes(), limits).map(|post| post.conversations.len())
    };
    assert_eq!(with(2, ""), Ok(2));
    assert_eq!(with(1, &two), Ok(1));
    assert_eq!(with(3, ""), Err(Refusal::TooMany(2, "conversations")));
    assert_eq!(with(2, &two), Err(Refusal::TooMany(3, "messages")));

    for (field, path) in [
        (",\"title\":\"12345678901\"", "conversations[0].title"),
        (",\"x\":\"123456789\"", "conversations[0].x"),
    ] {
        let large = submission(conversation(field).as_bytes(), limits);
        let Err(Refusal::Invalid(violations)) = large else {
            panic!("{large:?}");
        };
        assert_eq!(violations[0].path(), path);
        assert_eq!(violations[0].message(), "larger than 10 bytes");
    }
    assert!(submission(conversation(",\"title\":\"1234567890\"").as_bytes(), limits).is_ok());
}

#[test]
fn a_title_is_as_long_as_any_text() {
    let title = |count| format!(",\"title\":\"{}\"", "x".repeat(count));
    assert!(violations(conversation(&title(8 << 20))).is_empty());
    assert_eq!(
        violations(conversation(&title((8 << 20) + 1))),
        ["conversations[0].title: larger than 8388608 bytes"]
    );
}
