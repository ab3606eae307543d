//! What is done with a visitor as a whole: by whom.

use serde_json::{Value, json};

use super::{Ask, Protected, SYNC, VISITORS, token, user};

const EXPORT: &str = "/api/visitors/export/";
const MERGE: &str = "/api/visitors/merge/";

fn delete(target: String) -> Ask {
    Ask {
        method: "DELETE",
        ..Ask::get(target)
    }
}

fn merge(user_id: &str, anon_id: &str) -> Ask {
    let body = json!({ "anon_id": anon_id });
    Ask::post(format!("{MERGE}{}", user(user_id)), &body)
}

fn one() -> Value {
    json!({ "conversations": [{ "id": "theirs" }] })
}

/// A visitor of this token who has a conversation.
fn fill(server: &Protected, user_id: &str) {
    let post = Ask::post(format!("{SYNC}{}", user(user_id)), &one());
    assert_eq!(server.send(&post.by(&token(user_id))).status, 200);
}

#[test]
fn a_user_needs_their_own_token_for_all_of_it() {
    let server = Protected::start();
    let anon_id = server.anon_id();
    fill(&server, "ada");
    let asks = [
        Ask::get(format!("{VISITORS}{}", user("ada"))),
        Ask::get(format!("{EXPORT}{}", user("ada"))),
        merge("ada", &anon_id),
        delete(format!("{VISITORS}{}", user("ada"))),
    ];
    for ask in &asks {
        assert_eq!(server.send(ask).status, 401, "{}", ask.target);
        let of_another = ask.clone().by(&token("bob"));
        assert_eq!(server.send(&of_another).status, 403, "{}", ask.target);
    }
    for (ask, status) in asks.into_iter().zip([200, 200, 200, 204]) {
        let target = ask.target.clone();
        assert_eq!(
            server.send(&ask.by(&token("ada"))).status,
            status,
            "{target}"
        );
    }
}

#[test]
fn an_anonymous_visitor_knows_its_name() {
    let server = Protected::start();
    let anon_id = server.anon_id();
    let query = format!("?anon_id={anon_id}");
    for (ask, status) in [
        (Ask::get(format!("{VISITORS}{query}")), 200),
        (Ask::get(format!("{EXPORT}{query}")), 200),
        (delete(format!("{VISITORS}{query}")), 204),
        (Ask::get(format!("{EXPORT}{query}")), 410),
    ] {
        assert_eq!(server.send(&ask).status, status, "{}", ask.target);
    }
}

#[test]
fn each_has_a_scope_of_its_own() {
    let server = Protected::start();
    fill(&server, "ada");
    let anon_id = server.anon_id();
    let all = [
        "sync:any",
        "visitors:export",
        "visitors:merge",
        "visitors:erase",
    ];
    let keys = all.map(|scope| server.api_key(scope));
    let asks = [
        Ask::get(format!("{VISITORS}{}", user("ada"))),
        Ask::get(format!("{EXPORT}{}", user("ada"))),
        merge("ada", &anon_id),
        delete(format!("{VISITORS}{}", user("ada"))),
    ];
    for (needed, (ask, status)) in asks.iter().zip([200, 200, 200, 204]).enumerate() {
        for (scope, key) in keys
            .iter()
            .enumerate()
            .filter(|(scope, _)| *scope != needed)
        {
            let refused = server.shown(&ask.clone().by(key));
            let expected = format!(
                r#"403 {{"error":"API key lacks the scope {}","code":"missing_scope"}}"#,
                all[needed]
            );
            assert_eq!(refused, expected, "{}", all[scope]);
        }
        let answer = server.send(&ask.clone().by(&keys[needed]));
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[test]
fn only_an_anon_id_that_can_be_is_merged() {
    let server = Protected::start();
    fill(&server, "ada");
    let not_found = r#"404 {"error":"Visitor not found","code":"visitor_not_found"}"#;
    // One that nobody can have, and one that nobody has.
    for anon_id in ["short", &"A".repeat(43)] {
        let ask = merge("ada", anon_id).by(&token("ada"));
        assert_eq!(server.shown(&ask), not_found, "{anon_id}");
    }
    // Whoever else merges what was merged is told so only by its name.
    let anon_id = server.anon_id();
    let ask = merge("ada", &anon_id).by(&token("ada"));
    assert_eq!(server.send(&ask).status, 200);
    let ask = merge("bob", &anon_id).by(&token("bob"));
    assert_eq!(
        server.shown(&ask),
        r#"409 {"error":"Visitor was merged into another user","code":"visitor_merged_elsewhere"}"#
    );
}

#[test]
fn the_log_tells_who_did_it_and_not_to_whom() {
    let mut server = Protected::start();
    fill(&server, "marker-user");
    let anon_id = server.anon_id();
    let merges = server.api_key("visitors:merge");
    let erases = server.api_key("visitors:erase");
    assert_eq!(
        server
            .send(&merge("marker-user", &anon_id).by(&merges))
            .status,
        200
    );
    let erase = delete(format!("{VISITORS}{}", user("marker-user"))).by(&erases);
    assert_eq!(server.send(&erase).status, 204);
    assert_eq!(server.send(&Ask::get("/version")).status, 200);
    let stderr = server.0.stderr_to_its_end();
    let lines = stderr
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let audit: Vec<_> = lines.filter(|line| line["message"] == "audit").collect();
    let id = |key: &str| json!(key.get("csk_".len().."csk_".len() + 16).unwrap());
    assert_eq!(audit.len(), 2, "{stderr}");
    for (line, (action, key)) in audit.iter().zip([("merge", &merges), ("erase", &erases)]) {
        assert_eq!(
            [&line["action"], &line["api_key"], &line["result"]],
            [&json!(action), &id(key), &json!("done")]
        );
        assert_eq!(line["visitor"], audit[0]["visitor"]);
    }
    for secret in ["marker-user", anon_id.as_str()] {
        assert!(!stderr.contains(secret), "{stderr}");
    }
}
