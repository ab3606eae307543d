//! What API keys open.

use serde_json::{Value, json};

use super::{Ask, CHANGES, Protected, SYNC, VISITORS, nothing, user};
use crate::support::Finished;

#[test]
fn a_key_acts_for_every_user_within_its_scopes() {
    let server = Protected::start_with(&[]);
    let syncs = server.api_key("sync:any");
    let creates = server.api_key("visitors:create");
    for user_id in ["ada", "bob"] {
        let named = json!({ "user_id": user_id });
        assert_eq!(
            server.shown(&Ask::post(VISITORS, &named).by(&syncs)),
            r#"403 {"error":"API key lacks the scope visitors:create","code":"missing_scope"}"#
        );
        for status in [201, 200] {
            let answer = server.send(&Ask::post(VISITORS, &named).by(&creates));
            assert_eq!(answer.status, status, "{answer:?}");
        }
        let path = format!("{SYNC}{}", user(user_id));
        let body = json!({ "conversations": [{ "id": user_id }] });
        for ask in [
            Ask::post(path.as_str(), &body),
            Ask::post(format!("{path}&since="), &body),
            Ask::get(path.as_str()),
            Ask::get(format!("{CHANGES}{}", user(user_id))),
        ] {
            assert_eq!(
                server.shown(&ask.clone().by(&creates)),
                r#"403 {"error":"API key lacks the scope sync:any","code":"missing_scope"}"#
            );
            assert_eq!(server.send(&ask.by(&syncs)).status, 200);
        }
        let ids = server.send(&Ask::get(path).by(&syncs));
        let ids: Value = serde_json::from_str(&ids.body).unwrap();
        assert_eq!(ids, json!({ "conversations": [user_id] }));
    }
}

#[test]
fn a_key_that_is_wrong_over_or_revoked_opens_nothing() {
    let server = Protected::start_with(&[]);
    let key = server.api_key("sync:any");
    let (id, secret) = key.strip_prefix("csk_").unwrap().split_once('_').unwrap();
    let other = server.api_key("sync:any");
    let (other_id, _) = other.strip_prefix("csk_").unwrap().split_once('_').unwrap();
    let good = |key: &str| Ask::post(format!("{SYNC}{}", user("ada")), &nothing()).by(key);
    assert_eq!(server.send(&good(&key)).status, 200);
    let mut flipped = secret.to_owned();
    let last = if flipped.pop() == Some('A') { 'B' } else { 'A' };
    flipped.push(last);
    let wrong = [
        format!("csk_{other_id}_{secret}"),
        format!("csk_{id}_{flipped}"),
        format!("csk_0000000000000000_{secret}"),
        format!("csk_{id}_"),
        format!("csk_{id}"),
        "csk_".to_owned(),
        format!("{key}A"),
        key.to_uppercase(),
    ];
    let refused = r#"401 {"error":"API key is not accepted","code":"invalid_api_key"}"#;
    for key in &wrong {
        let shown = server.shown(&good(key));
        let expected = match key.starts_with("csk_") {
            true => refused,
            false => r#"401 {"error":"Token is not accepted","code":"invalid_token"}"#,
        };
        assert_eq!(shown, expected, "{key}");
    }
    let mut revoke = server.0.command();
    let revoked = Finished::of(revoke.args(["key", "revoke", id]));
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    assert_eq!(server.shown(&good(&key)), refused);
    assert_eq!(server.send(&good(&other)).status, 200);
}

#[test]
fn the_log_tells_which_key_was_used() {
    let mut server = Protected::start_with(&[]);
    let key = server.api_key("sync:any");
    let ask = Ask::get(format!("{SYNC}{}", user("ada"))).by(&key);
    assert_eq!(server.send(&ask).status, 404);
    assert_eq!(server.send(&Ask::get("/version")).status, 200);
    let id = key.get("csk_".len().."csk_".len() + 16).unwrap();
    let stderr = server.0.stderr_to_its_end();
    let lines = stderr
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let used: Vec<_> = lines.filter(|line| line["api_key"] == *id).collect();
    assert_eq!(used.len(), 1, "{stderr}");
    assert_eq!(used[0]["route"], SYNC);
}
