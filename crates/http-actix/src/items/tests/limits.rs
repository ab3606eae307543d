//! How much a post may hold.

use super::*;

#[test]
fn limits_of_a_post() {
    let limits = Limits {
        conversations: 2,
        messages: 3,
        title_characters: 2,
        json_bytes: 10,
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

    let long = submission(conversation(",\"title\":\"😀😀😀\"").as_bytes(), limits);
    let Err(Refusal::Invalid(violations)) = long else {
        panic!("{long:?}");
    };
    assert_eq!(violations[0].message(), "longer than 2 characters");
    assert!(submission(conversation(",\"title\":\"😀😀\"").as_bytes(), limits).is_ok());

    let large = submission(conversation(",\"x\":\"123456789\"").as_bytes(), limits);
    let Err(Refusal::Invalid(violations)) = large else {
        panic!("{large:?}");
    };
    assert_eq!(violations[0].path(), "conversations[0].x");
    assert_eq!(violations[0].message(), "larger than 10 bytes");
}

#[test]
fn a_title_of_1024_characters_fits() {
    let title = |count| format!(",\"title\":\"{}\"", "😀".repeat(count));
    assert!(violations(conversation(&title(1_024))).is_empty());
    assert_eq!(
        violations(conversation(&title(1_025))),
        ["conversations[0].title: longer than 1,024 characters"]
    );
}
