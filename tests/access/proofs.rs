//! What proves who asks.

use insta::assert_snapshot;
use serde_json::json;

use super::{Ask, CHANGES, Protected, SYNC, VISITORS, nothing, token, user};

#[test]
fn nobody_is_let_in_without_a_proof() {
    let server = Protected::start();
    let key = server.api_key("visitors:create");
    let ada = Ask::post(VISITORS, &json!({ "user_id": "ada" })).by(&key);
    assert_eq!(server.send(&ada).status, 201);
    for path in [SYNC, CHANGES] {
        for user_id in ["ada", "nobody"] {
            let target = format!("{path}{}", user(user_id));
            let answer = server.send(&Ask::get(target.as_str()));
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            insta::allow_duplicates! {
                assert_snapshot!(server.shown(&Ask::get(target)), @r#"401 {"error":"Proof of identity is missing","code":"proof_missing"}"#);
            }
        }
        assert_snapshot_404(&server.shown(&Ask::get(path)));
    }
    let post = Ask::post(format!("{SYNC}{}", user("ada")), &nothing());
    assert_eq!(server.send(&post).status, 401);
    for open in ["/", "/livez", "/readyz", "/version"] {
        assert_eq!(server.send(&Ask::get(open)).status, 200, "{open}");
    }
}

fn assert_snapshot_404(shown: &str) {
    insta::allow_duplicates! {
        assert_snapshot!(shown, @r#"404 {"error":"Visitor not found","code":"visitor_not_found"}"#);
    }
}

#[test]
fn a_token_opens_the_data_of_its_user_and_no_other() {
    let server = Protected::start();
    let body = json!({ "conversations": [{ "id": "c", "title": "of ada" }] });
    let post = Ask::post(format!("{SYNC}{}&since=", user("ada")), &body).by(&token("ada"));
    let answer = server.send(&post);
    assert_eq!(answer.status, 200, "{answer:?}");
    let ids = server.send(&Ask::get(format!("{SYNC}{}", user("ada"))).by(&token("ada")));
    assert_eq!(ids.body, r#"{"conversations":["c"]}"#);
    for (other, user_id) in [("bob", "ada"), ("ada", "bob"), ("bob", "nobody")] {
        for path in [SYNC, CHANGES] {
            let ask = Ask::get(format!("{path}{}", user(user_id))).by(&token(other));
            insta::allow_duplicates! {
                assert_snapshot!(server.shown(&ask), @r#"403 {"error":"Token is for another user","code":"other_user"}"#);
            }
        }
    }
    // A good token of somebody who has posted nothing yet.
    assert_snapshot_404(
        &server.shown(&Ask::get(format!("{SYNC}{}", user("bob"))).by(&token("bob"))),
    );
}

#[test]
fn users_who_look_alike_are_not_the_same() {
    let server = Protected::start();
    let names = [
        ("42", "42"),
        ("42%20", "42 "),
        ("%2042", " 42"),
        ("%C3%A9", "\u{e9}"),
        ("e%CC%81", "e\u{301}"),
        ("ada", "ada"),
        ("Ada", "Ada"),
        ("ADA", "ADA"),
        ("ada.", "ada."),
        ("%EF%BC%94%EF%BC%92", "\u{ff14}\u{ff12}"),
        ("user%5Fid%3Dada", "user_id=ada"),
    ];
    for (encoded, _) in names {
        for (_, named) in names {
            let ask = Ask::get(format!("{SYNC}{}", user(encoded))).by(&token(named));
            let (_, own) = names.iter().find(|(other, _)| *other == encoded).unwrap();
            let expected = if *own == named { 404 } else { 403 };
            assert_eq!(server.send(&ask).status, expected, "{encoded} by {named}");
        }
    }
}

#[test]
fn an_anonymous_visitor_is_named_in_the_url_or_in_the_header() {
    let server = Protected::start();
    let anon_id = server.anon_id();
    let body = json!({ "conversations": [{ "id": "c" }] });
    let in_url = format!("{SYNC}?anon_id={anon_id}");
    assert_eq!(server.send(&Ask::post(in_url.as_str(), &body)).status, 200);
    let in_header = |ask: Ask, id: &str| ask.with("Authorization", format!("Anon {id}"));
    for ask in [
        Ask::get(in_url.as_str()),
        in_header(Ask::get(SYNC), &anon_id),
        in_header(Ask::get(in_url.as_str()), &anon_id),
    ] {
        assert_eq!(server.send(&ask).body, r#"{"conversations":["c"]}"#);
    }
    for ask in [
        in_header(Ask::get(in_url.as_str()), &server.anon_id()),
        in_header(Ask::get(format!("{SYNC}{}", user("ada"))), &anon_id),
        Ask::get(format!("{in_url}&user_id=ada")),
    ] {
        insta::allow_duplicates! {
            assert_snapshot!(server.shown(&ask), @r#"400 {"error":"Give anon_id or user_id, not both","code":"conflicting_identity"}"#);
        }
    }
}

#[test]
fn every_wrong_anon_id_gets_the_same_answer() {
    let server = Protected::start();
    let known = server.anon_id();
    let flipped = match known.strip_suffix('A') {
        Some(start) => format!("{start}B"),
        None => format!("{}A", &known[..known.len() - 1]),
    };
    let anon_ids = [
        flipped,
        known.to_lowercase(),
        known[1..].to_owned(),
        format!("{known}A"),
        "x".to_owned(),
        "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcde".to_owned(),
        format!("{known}%20"),
    ];
    for anon_id in anon_ids {
        for ask in [
            Ask::get(format!("{SYNC}?anon_id={anon_id}")),
            Ask::get(format!("{CHANGES}?anon_id={anon_id}")),
            Ask::post(format!("{SYNC}?anon_id={anon_id}"), &nothing()),
            Ask::post(format!("{SYNC}?anon_id={anon_id}&since="), &nothing()),
        ] {
            assert_snapshot_404(&server.shown(&ask));
        }
    }
}

#[test]
fn a_header_for_somebody_else_is_ignored() {
    let server = Protected::start();
    let anon_id = server.anon_id();
    let ask = Ask::get(format!("{SYNC}?anon_id={anon_id}"))
        .with("Authorization", "Basic dXNlcjpwYXNz")
        .with("X-User-ID", "ada")
        .with("X-Forwarded-For", "203.0.113.7")
        .with("X-Forwarded-User", "ada")
        .with("X-HTTP-Method-Override", "POST")
        .with("Cookie", "user_id=ada");
    assert_eq!(server.send(&ask).body, r#"{"conversations":[]}"#);
    let user = Ask::get(format!("{SYNC}{}", user("ada"))).with("Authorization", "Basic YWRhOng=");
    assert_eq!(server.send(&user).status, 401);
}
