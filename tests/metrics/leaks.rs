//! Nothing that names a visitor, and nothing of what a client sent, is in what operators see.

use serde_json::json;

use super::{SYNC, TOKEN, VISITORS, ask, body, observed, operators};
use crate::support::raw::Connection;

const SECRET: &str = "a m4rker of thirty-two bytes or more";

#[test]
fn no_identity_and_no_content_is_told() {
    for mode in ["open", "protected"] {
        let server = observed(&[
            ("CONVOSYNC__AUTH__MODE", mode),
            ("CONVOSYNC__AUTH__JWT__SECRET", SECRET),
            ("CONVOSYNC__AUTH__ANON__ACCEPT_CLIENT_IDS", "true"),
            ("CONVOSYNC__VISITORS__REGISTRATION", "on_first_sync"),
            ("CONVOSYNC__METRICS__TOKEN", TOKEN),
        ]);
        let address = server.address();
        let anon_id = "m4rker-0123456789-abcdefghij";
        let posted = body(
            "m4rker-c",
            "m4rker-m",
            "m4rker text",
            "2026-01-01T00:00:00Z",
        );
        let answer = server.post(&format!("{SYNC}?anon_id={anon_id}"), &posted);
        assert_eq!(answer.status, 200, "{answer:?}");
        let wrong = json!({ "conversations": [{ "id": "m4rker", "m4rker": [], "title": 5 }] });
        server.post(&format!("{SYNC}?anon_id={anon_id}"), &wrong);
        server.post(VISITORS, &json!({ "user_id": "m4rker-u" }));
        for target in [
            format!("{SYNC}?anon_id={anon_id}"),
            format!("{SYNC}changes/?anon_id={anon_id}&since=m4rker"),
            format!("{SYNC}changes/?anon_id={anon_id}&m4rker=1"),
            format!("/api/conversations/m4rker-c/?anon_id={anon_id}"),
            format!("/api/conversations/m4rker-c/messages/m4rker-m/?anon_id={anon_id}"),
            "/m4rker".to_owned(),
            "/api/m4rker/?user_id=m4rker".to_owned(),
            format!("{SYNC}?user_id=m4rker-u"),
        ] {
            ask(address, &target, "");
            ask(
                address,
                &target,
                "Authorization: Bearer csk_m4rker\r\nX-Request-Id: m4rker\r\n",
            );
            ask(
                address,
                &target,
                "Authorization: Bearer m4rker.m4rker.m4rker\r\n",
            );
            ask(
                address,
                &target,
                "Host: m4rker.example\r\nX-Forwarded-For: m4rker\r\n",
            );
        }
        let mut connection = Connection::open(address);
        connection.send("M4RKER /m4rker HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        connection.last_answer();

        let operators = operators(&server);
        for path in ["/metrics", "/healthz"] {
            let authorization = format!("Authorization: Bearer {TOKEN}\r\n");
            let told = ask(&operators, path, &authorization);
            assert_eq!(told.status, 200, "{told:?}");
            assert!(!told.body.is_empty());
            let told = told.body.to_lowercase();
            for marker in ["m4rk", TOKEN, "127.0.0.1"] {
                let leaks: Vec<_> = told.lines().filter(|line| line.contains(marker)).collect();
                assert!(leaks.is_empty(), "{path} {marker}: {leaks:#?}");
            }
        }
    }
}
