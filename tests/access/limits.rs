//! How often somebody may ask, and fail.

use serde_json::json;

use super::{AUDIENCE, Ask, Protected, SECRET, SYNC, VISITORS, token, user};
use crate::support::raw::RawAnswer;

/// A server that knows clients apart by what a proxy on this machine tells of them.
fn start(settings: &[(&str, &str)]) -> Protected {
    let mut all = vec![
        ("CONVOSYNC__AUTH__JWT__SECRET", SECRET),
        ("CONVOSYNC__AUTH__JWT__AUDIENCE", AUDIENCE),
        ("CONVOSYNC__SERVER__TRUSTED_PROXIES", "127.0.0.1"),
    ];
    all.extend(settings);
    Protected::start_with(&all)
}

fn from(address: &str, ask: Ask) -> Ask {
    ask.with("X-Forwarded-For", address)
}

fn list(user_id: &str) -> Ask {
    Ask::get(format!("{SYNC}{}", user(user_id)))
}

fn expect_too_many(answer: &RawAnswer, setting: &str) {
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(
        answer.body.contains(r#""code":"too_many_requests""#),
        "{answer:?}"
    );
    assert!(answer.body.contains(setting), "{answer:?}");
    let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(after >= 1, "{answer:?}");
    assert!(answer.header("ratelimit").is_some(), "{answer:?}");
}

#[test]
fn proofs_that_fail_are_slowed_down_for_their_address_alone() {
    let setting = ("CONVOSYNC__LIMITS__FAILED_PROOFS_PER_MINUTE", "20");
    let server = start(&[setting]);
    let good = || list("ada").by(&token("ada"));
    let unknown = "?anon_id=0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcde";
    let failures = [
        (list("ada").by("x"), 401),
        (list("ada").by("csk_0000000000000000_x"), 401),
        (list("ada").by(&token("bob")), 403),
        (Ask::get(format!("{SYNC}{unknown}")), 404),
        (
            Ask::post(VISITORS, &json!({ "user_id": "ada" })).by("x"),
            401,
        ),
    ];
    for (ask, status) in failures.iter().cycle().take(20) {
        let answer = server.send(&from("192.0.2.1", ask.clone()));
        assert_eq!(answer.status, *status, "{answer:?}");
    }
    let name = "limits.failed_proofs_per_minute";
    for ask in [list("ada").by("x"), good()] {
        expect_too_many(&server.send(&from("192.0.2.1", ask)), name);
    }
    for other in ["192.0.2.2", "2001:db8::1"] {
        // Ada has posted nothing yet.
        assert_eq!(server.send(&from(other, good())).status, 404);
    }
    let probe = server.send(&from("192.0.2.1", Ask::get("/livez")));
    assert_eq!(probe.status, 200);
}

#[test]
fn good_proofs_and_missing_ones_are_not_counted_as_failures() {
    let server = start(&[("CONVOSYNC__LIMITS__FAILED_PROOFS_PER_MINUTE", "2")]);
    for _ in 0..5 {
        for (ask, status) in [
            (list("ada"), 401),
            (list("ada").by(&token("ada")), 404),
            (Ask::get(SYNC), 404),
        ] {
            let answer = server.send(&from("192.0.2.1", ask));
            assert_eq!(answer.status, status, "{answer:?}");
        }
    }
}

#[test]
fn a_visitor_may_not_ask_too_often_from_anywhere() {
    let server = start(&[("CONVOSYNC__LIMITS__VISITOR_REQUESTS_PER_SECOND", "1")]);
    let statuses: Vec<_> = (0..30)
        .map(|number| {
            let address = format!("192.0.2.{number}");
            server.send(&from(&address, list("ada").by(&token("ada"))))
        })
        .collect();
    let taken = statuses
        .iter()
        .filter(|answer| answer.status == 404)
        .count();
    assert!((10..30).contains(&taken), "{taken}");
    let last = statuses.last().unwrap();
    expect_too_many(last, "limits.visitor_requests_per_second");
    let other = server.send(&from("192.0.2.1", list("bob").by(&token("bob"))));
    assert_eq!(other.status, 404);
}

#[test]
fn an_address_may_not_ask_too_often() {
    let server = start(&[("CONVOSYNC__LIMITS__ADDRESS_REQUESTS_PER_SECOND", "1")]);
    let answers: Vec<_> = (0..30)
        .map(|_| server.send(&from("192.0.2.1", Ask::get("/version"))))
        .collect();
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((10..30).contains(&taken), "{taken}");
    let last = answers.last().unwrap();
    expect_too_many(last, "limits.address_requests_per_second");
    let other = server.send(&from("192.0.2.2", Ask::get("/version")));
    assert_eq!(other.status, 200);
}
