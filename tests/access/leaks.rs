//! Nothing that proves who somebody is shows in a log.

use serde_json::json;

use super::{Ask, Protected, SECRET, SYNC, VISITORS, claims, nothing, token, token_of, user};

#[test]
fn no_proof_and_no_identity_is_logged_whatever_the_level() {
    for format in ["text", "json"] {
        let mut server = Protected::start_with(&[
            ("CONVOSYNC__AUTH__JWT__SECRET", SECRET),
            ("CONVOSYNC__LOG__LEVEL", "trace"),
            ("CONVOSYNC__LOG__FORMAT", format),
        ]);
        let user_id = "m4rker-of-ada";
        let good = token(user_id);
        let mut late = claims(user_id);
        late["exp"] = json!(1);
        let late = token_of(&late);
        let anon_id = server.anon_id();
        let key = server.api_key("sync:any,visitors:create");
        let (_, secret) = key.strip_prefix("csk_").unwrap().split_once('_').unwrap();
        let wrong_key = key.replace(secret, "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ_m4rkr");
        let target = format!("{SYNC}{}", user(user_id));
        for ask in [
            Ask::get(target.as_str()),
            Ask::get(target.as_str()).by(&good),
            Ask::get(target.as_str()).by(&late),
            Ask::get(target.as_str()).by(&wrong_key),
            Ask::get(target.as_str()).by("m4rker"),
            Ask::get(target.as_str()).by(&good).by(&key),
            Ask::post(target.as_str(), &nothing()).by(&key),
            Ask::post(VISITORS, &json!({ "user_id": user_id })).by(&key),
            Ask::get(format!("{SYNC}?anon_id={anon_id}")),
            Ask::get(SYNC).with("Authorization", format!("Anon {anon_id}")),
            Ask::get(SYNC).with("Authorization", "Basic m4rker"),
        ] {
            let answer = server.send(&ask);
            let answered = format!("{answer:?}");
            assert!(
                !answered.contains("m4rk") || answer.status < 300,
                "{answered}"
            );
        }
        let stderr = server.0.stderr_to_its_end();
        assert!(stderr.contains("TRACE"), "the level was not trace");
        let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
        let markers = [
            "m4rk".to_owned(),
            SECRET.to_owned(),
            anon_id,
            secret.to_owned(),
            signature(&good),
            signature(&late),
        ];
        for marker in &markers {
            let leaks: Vec<_> = stderr
                .lines()
                .filter(|line| line.contains(marker))
                .collect();
            assert!(leaks.is_empty(), "{leaks:#?}");
        }
    }
}

#[test]
fn the_settings_are_printed_without_secrets() {
    let server = Protected::start();
    let mut command = server.0.command();
    let printed = crate::support::Finished::of(command.args(["config", "print"]));
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(
        printed.stdout.contains(r#"jwt.secret = "***""#),
        "{}",
        printed.stdout
    );
    assert!(!printed.stdout.contains(SECRET), "{}", printed.stdout);
}
