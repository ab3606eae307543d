//! Who becomes a visitor where proof is asked for.

use serde_json::json;

use super::{Ask, Protected, SECRET, SYNC, VISITORS, nothing, token, user};

const FORBIDDEN: &str = r#"403 {"error":"Only the server or an API key makes this visitor","code":"registration_forbidden"}"#;
const UNKNOWN: &str = r#"404 {"error":"Visitor not found","code":"visitor_not_found"}"#;
const CHOSEN: &str = "6518856d-63ae-5696-b190-8593ef95598b";
const LIKE_ISSUED: &str = "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcde";

fn first_post(query: &str) -> Ask {
    Ask::post(format!("{SYNC}{query}"), &nothing())
}

#[test]
fn a_user_is_registered_by_a_post_or_in_person() {
    let server = Protected::start();
    let named = Ask::post(VISITORS, &json!({ "user_id": "ada" }));
    assert_eq!(server.send(&named).status, 401);
    assert_eq!(server.send(&named.clone().by(&token("bob"))).status, 403);
    assert_eq!(server.send(&named.clone().by(&token("ada"))).status, 201);
    assert_eq!(server.send(&named.by(&token("ada"))).status, 200);

    let list = Ask::get(format!("{SYNC}{}", user("bob"))).by(&token("bob"));
    assert_eq!(server.shown(&list), UNKNOWN);
    let post = first_post(&user("bob")).by(&token("bob"));
    assert_eq!(server.send(&post).status, 200);
    assert_eq!(server.send(&list).status, 200);
}

#[test]
fn registration_can_be_asked_for_all_the_same() {
    let server = Protected::start_with(&[
        ("CONVOSYNC__AUTH__JWT__SECRET", SECRET),
        ("CONVOSYNC__VISITORS__REGISTRATION", "explicit"),
    ]);
    let post = first_post(&user("bob")).by(&token("bob"));
    assert_eq!(server.shown(&post), UNKNOWN);
}

#[test]
fn the_server_alone_chooses_the_ids_of_anonymous_visitors() {
    let server = Protected::start_with(&[("CONVOSYNC__VISITORS__REGISTRATION", "on_first_sync")]);
    for anon_id in [CHOSEN, LIKE_ISSUED, "short"] {
        let named = Ask::post(VISITORS, &json!({ "anon_id": anon_id }));
        assert_eq!(server.shown(&named), FORBIDDEN);
        let post = first_post(&format!("?anon_id={anon_id}"));
        assert_eq!(server.shown(&post), UNKNOWN, "{anon_id}");
    }
    let key = server.api_key("visitors:create");
    let named = Ask::post(VISITORS, &json!({ "anon_id": LIKE_ISSUED })).by(&key);
    assert_eq!(server.send(&named).status, 201);
    assert_eq!(
        server
            .send(&first_post(&format!("?anon_id={LIKE_ISSUED}")))
            .status,
        200
    );
}

#[test]
fn ids_of_earlier_apps_go_on_where_that_is_set() {
    let server = Protected::start_with(&[
        ("CONVOSYNC__VISITORS__REGISTRATION", "on_first_sync"),
        ("CONVOSYNC__AUTH__ANON__ACCEPT_CLIENT_IDS", "true"),
    ]);
    for anon_id in [CHOSEN, "0123456789012345678901"] {
        let post = first_post(&format!("?anon_id={anon_id}"));
        assert_eq!(server.send(&post).status, 200, "{anon_id}");
    }
    let short = "012345678901234567890";
    assert_eq!(
        server.shown(&first_post(&format!("?anon_id={short}"))),
        UNKNOWN
    );
    let named = Ask::post(VISITORS, &json!({ "anon_id": short }));
    assert_eq!(server.shown(&named), FORBIDDEN);
}

#[test]
fn anonymous_visitors_can_be_left_to_back_ends() {
    let server = Protected::start_with(&[("CONVOSYNC__AUTH__ANON__ANYONE_MAY_REGISTER", "false")]);
    let anybody = Ask::post(VISITORS, &json!({}));
    assert_eq!(server.shown(&anybody), FORBIDDEN);
    let key = server.api_key("visitors:create");
    let made = server.send(&anybody.by(&key));
    assert_eq!(made.status, 201, "{made:?}");
}
