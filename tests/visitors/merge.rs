use std::thread;

use serde_json::{Value, json};

use super::{T1, T2, T3, assert_gone, everything, everywhere, living};
use crate::support::api::Api;
use crate::support::{Finished, Server};

/// What the user has before, some of it under the ids of the other.
fn before() -> Value {
    json!({ "conversations": [
        { "id": "stamped", "title": "newer", "updated_at": T3, "created_at": T1, "messages": [
            { "message_id": "plain", "timestamp": T1, "img": "kept", "vote": false },
            { "message_id": "dead", "timestamp": T1, "updated_at": T2 },
        ] },
        { "id": "dead", "created_at": T1, "updated_at": T1, "messages": [{ "message_id": "m", "timestamp": T1 }] },
        { "id": "own", "created_at": T1 },
    ] })
}

/// Everything that is exported of a visitor, as one body.
fn exported(server: &Server, visitor: &str) -> Value {
    let answer = server.get(&format!("/api/visitors/export/?{visitor}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let conversations = answer.text.lines().flat_map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        match line["conversations"].take() {
            Value::Array(conversations) => conversations,
            other => panic!("{other}"),
        }
    });
    json!({ "conversations": conversations.collect::<Vec<_>>() })
}

#[test]
fn a_merge_is_a_post_of_everything_by_the_user() {
    let server = Server::start();
    let register = |visitor| Api::register(&server.url(), visitor);
    let anonymous = register("anon_id=theirs");
    let (ada, twin) = (register("user_id=ada"), register("user_id=twin"));
    assert_eq!(anonymous.post(&everything()).status, 200);
    for user in [&ada, &twin] {
        assert_eq!(user.post(&before()).status, 200);
    }
    let bob = register("user_id=bob");
    let posted = twin.post(&exported(&server, "anon_id=theirs"));
    let merged = ada.merge("theirs");
    assert_eq!(merged.status, 200, "{merged:?}");
    assert_eq!(merged.json(), posted.json());
    assert_eq!(
        exported(&server, "user_id=ada"),
        exported(&server, "user_id=twin")
    );
    assert_eq!(living(&ada), living(&twin));

    // Again there is nothing to merge; for another there never was.
    let again = ada.merge("theirs").json();
    for count in ["created", "updated", "messages_created", "messages_updated"] {
        assert_eq!(again[count], json!(0), "{again}");
    }
    let elsewhere = bob.merge("theirs");
    assert_eq!(elsewhere.status, 409);
    assert_eq!(elsewhere.json()["code"], "visitor_merged_elsewhere");
    assert_gone(
        &everywhere(&anonymous, "anon_id=theirs"),
        "Visitor was merged",
        "visitor_merged",
    );
    // A device of the anonymous visitor that posts as the user now changes nothing.
    let cursor = ada.drain(None, 100, |_| {});
    assert_eq!(ada.post(&exported(&server, "user_id=ada")).status, 200);
    assert_eq!(ada.page(Some(&cursor), 10)["conversations"], json!([]));

    assert_eq!(ada.erase().status, 204);
    let gone = [ada.merge("theirs")];
    assert_gone(&gone, "Visitor was erased", "visitor_erased");
}

#[test]
fn who_cannot_be_merged() {
    let server = Server::start();
    let register = |visitor| Api::register(&server.url(), visitor);
    let ada = register("user_id=ada");
    assert_eq!(ada.merge("nobody").status, 404);
    let erased = register("anon_id=erased");
    assert_eq!(erased.erase().status, 204);
    assert_gone(
        &[ada.merge("erased")],
        "Visitor was erased",
        "visitor_erased",
    );
    register("anon_id=theirs");
    let nobody = Api::unregistered(&server.url(), "user_id=nobody");
    assert_eq!(nobody.merge("theirs").status, 404);
    let anonymous = Api::unregistered(&server.url(), "anon_id=theirs");
    assert_eq!(anonymous.merge("theirs").status, 400);
    let both = json!({ "anon_id": "theirs", "user_id": "ada" }).to_string();
    let merge = "/api/visitors/merge/?user_id=ada";
    assert_eq!(ada.send("POST", merge, Some(&both)).status, 400);
    // They are all there still.
    assert_eq!(ada.merge("theirs").status, 200);
}

#[test]
fn a_merge_registers_whom_a_post_would() {
    let server = Server::start_with(&[("CONVOSYNC__VISITORS__REGISTRATION", "on_first_sync")]);
    let anonymous = Api::unregistered(&server.url(), "anon_id=theirs");
    assert_eq!(anonymous.post(&everything()).status, 200);
    let expected = living(&anonymous);
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    assert_eq!(ada.merge("theirs").status, 200);
    assert_eq!(living(&ada), expected);
    // So is one to whom nothing comes.
    Api::register(&server.url(), "anon_id=empty");
    let bob = Api::unregistered(&server.url(), "user_id=bob");
    assert_eq!(bob.merge("empty").status, 200);
    assert_eq!(bob.ids(), [""; 0]);
}

#[test]
fn a_quota_holds_for_a_merge() {
    let server = Server::start_with(&[("CONVOSYNC__VISITORS__MAX_CONVERSATIONS", "5")]);
    let anonymous = Api::register(&server.url(), "anon_id=theirs");
    assert_eq!(anonymous.post(&everything()).status, 200);
    let ada = Api::register(&server.url(), "user_id=ada");
    let own = |ids: &[&str]| {
        let conversations: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
        json!({ "conversations": conversations })
    };
    assert_eq!(ada.post(&own(&["a", "b"])).status, 200);
    let refused = ada.merge("theirs");
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (507, &json!("quota_exceeded"))
    );
    // Nothing has changed for either.
    assert_eq!((ada.ids().len(), anonymous.ids().len()), (2, 4));
    let deletion = json!({ "conversations": [{ "id": "a", "deleted_at": T3 }] });
    assert_eq!(ada.post(&deletion).status, 200);
    assert_eq!(ada.merge("theirs").status, 200);
    assert_eq!(ada.ids().len(), 5);
}

/// What a post that runs meanwhile was told is stored is in the merged data; any other got 410.
#[test]
fn posts_that_run_meanwhile_are_merged_or_refused() {
    let server = Server::start();
    for round in 0..5 {
        let theirs = format!("theirs-{round}");
        let anonymous = Api::register(&server.url(), &format!("anon_id={theirs}"));
        let ada = Api::register(&server.url(), &format!("user_id=ada-{round}"));
        let posts: Vec<_> = (0..8)
            .map(|device| {
                let anonymous = anonymous.clone();
                thread::spawn(move || {
                    let mut stored = Vec::new();
                    for number in 0..200 {
                        let id = format!("{device}-{number}");
                        let body = json!({ "conversations": [{ "id": id }] });
                        match anonymous.post(&body).status {
                            200 => stored.push(id),
                            410 => break,
                            other => panic!("{other}"),
                        }
                    }
                    stored
                })
            })
            .collect();
        let merges: Vec<_> = (0..2)
            .map(|_| {
                let (ada, theirs) = (ada.clone(), theirs.clone());
                thread::spawn(move || ada.merge(&theirs))
            })
            .collect();
        for merge in merges {
            let answer = merge.join().unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let mut stored: Vec<_> = posts
            .into_iter()
            .flat_map(|it| it.join().unwrap())
            .collect();
        stored.sort();
        assert_eq!(ada.ids(), stored);
    }
}

#[test]
fn more_than_the_memory_for_it_is_merged_by_the_command() {
    let server = Server::start_with(&[("CONVOSYNC__LIMITS__READS_IN_FLIGHT_BYTES", "8388608")]);
    let anonymous = Api::register(&server.url(), "anon_id=theirs");
    for number in 0..6 {
        let message = json!({ "message_id": "m", "timestamp": T1, "img": "x".repeat(1 << 20) });
        let conversation =
            json!({ "id": format!("c{number}"), "created_at": T1, "messages": [message] });
        let body = json!({ "conversations": [conversation] });
        assert_eq!(anonymous.post(&body).status, 200);
    }
    let expected = living(&anonymous);
    let ada = Api::register(&server.url(), "user_id=ada");
    let refused = ada.merge("theirs");
    assert_eq!(refused.status, 413, "{refused:?}");
    let refused = refused.json();
    assert_eq!(refused["code"], "too_much_stored");
    let text = refused["error"].as_str().unwrap();
    assert!(text.contains("limits.reads_in_flight_bytes"), "{text}");
    let mut merge = server.command();
    let merge = merge.args([
        "visitor",
        "merge",
        "--anon-id",
        "theirs",
        "--user-id",
        "ada",
    ]);
    let finished = Finished::of(merge.env("CONVOSYNC__LOG__LEVEL", "off"));
    assert_eq!(
        (finished.code, finished.stdout.as_str()),
        (
            Some(0),
            "6 conversations created, 0 updated. 6 messages created, 0 updated.\n"
        )
    );
    assert_eq!(living(&ada), expected);
    assert_gone(
        &everywhere(&anonymous, "anon_id=theirs"),
        "Visitor was merged",
        "visitor_merged",
    );
}
