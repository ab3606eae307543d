//! Deletions that depend on what the client has seen.

use std::thread;

use serde_json::{Value, json};

use super::{LIST, T1, T2, Visitor, conversation_path, message_path};
use crate::support::Server;

fn with_conversation(server: &Server) -> Visitor<'_> {
    let ada = Visitor::register(server, "ada");
    let messages = ["1", "2", "3"].map(|id| json!({ "message_id": id, "timestamp": T1 }));
    ada.post(&json!({ "id": "c", "messages": messages }));
    ada.post(&json!({ "id": "other" }));
    ada
}

#[test]
fn the_tag_of_any_page_is_good_as_long_as_the_conversation_is_the_same() {
    let server = Server::start();
    let ada = with_conversation(&server);
    let path = conversation_path("c");
    let tags = ["", "&limit=1", "&order=newest"].map(|more| ada.tag(&path, more));
    // That another one has changed does not matter.
    ada.post(&json!({ "id": "other", "title": "T" }));
    assert_eq!(ada.delete_if(&message_path("c", "1"), &tags[1]), 204);
    // Now it has changed itself.
    for tag in &tags {
        assert_eq!(ada.delete_if(&message_path("c", "2"), tag), 412);
        assert_eq!(ada.delete_if(&path, tag), 412);
    }
    let answer = ada.send("DELETE", &path, "", &[("If-Match", &tags[0])]);
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(body["code"], "precondition_failed");
    assert_eq!(
        ada.shown(&path, "")["messages"].as_array().unwrap().len(),
        2
    );

    let newest = ada.tag(&path, "&order=newest&limit=1");
    let among_others = format!("{}, {newest}", tags[0]);
    assert_eq!(ada.delete_if(&path, &among_others), 204);
    // What is dead is not what it was.
    for tag in [&newest, "*"] {
        assert_eq!(ada.delete_if(&path, tag), 412);
        assert_eq!(ada.delete_if(&message_path("c", "2"), tag), 412);
    }
    assert_eq!(ada.delete(&path), 204);
}

#[test]
fn anything_will_do_that_lives() {
    let server = Server::start();
    let ada = with_conversation(&server);
    let message = message_path("c", "1");
    assert_eq!(ada.delete_if(&message, "*"), 204);
    assert_eq!(ada.delete_if(&message, "*"), 412);
    assert_eq!(ada.delete(&message), 204);
    assert_eq!(ada.delete_if(&conversation_path("c"), "*"), 204);
    assert_eq!(ada.delete_if(&conversation_path("c"), "*"), 412);
}

#[test]
fn what_is_no_tag_of_the_conversation_is_not_passed_over() {
    let server = Server::start();
    let ada = with_conversation(&server);
    let grace = Visitor::register(&server, "grace");
    grace.post(&json!({ "id": "c" }));
    let path = conversation_path("c");
    let foreign = grace.tag(&path, "");
    let of_list = ada.tag(LIST, "");
    let of_other = ada.tag(&conversation_path("other"), "");
    let before = ada.everything();
    for tag in ["", ",", "x", "\"*\"", "\"\"", &foreign, &of_list, &of_other] {
        assert_eq!(ada.delete_if(&path, tag), 412, "{tag}");
        assert_eq!(ada.delete_if(&message_path("c", "1"), tag), 412, "{tag}");
    }
    assert_eq!(ada.everything(), before);
}

/// A device edits while another one deletes what it has seen before: either the deletion comes first, and the device
/// is told so in the answer to its own post, or the edit does, and the deletion is refused. Conversations are
/// named after the process that takes the edits.
fn expect_one_of_edit_and_deletion(editor: &Visitor<'_>, deleter: &Visitor<'_>) {
    for round in 0..40 {
        let id = format!("{round} of {}", editor.address);
        let path = conversation_path(&id);
        let message = json!({ "message_id": "m", "timestamp": T1 });
        editor.post(&json!({ "id": id, "messages": [message] }));
        let tag = deleter.tag(&path, "");
        let edit = json!({ "id": id, "messages": [{ "message_id": "m", "timestamp": T2 }] });
        let edit = json!({ "conversations": [edit] }).to_string();
        let (deleted, edited) = thread::scope(|scope| {
            let edit = scope.spawn(|| editor.api.post_preferring(&edit, None, "&since="));
            let deletion = scope.spawn(|| deleter.delete_if(&path, &tag));
            (deletion.join().unwrap(), edit.join().unwrap())
        });
        assert_eq!(edited.status, 200, "{edited:?}");
        let told = edited.json();
        let told = told["conversations"].as_array().expect("an array").iter();
        let mut told = told.filter(|conversation| conversation["id"] == json!(id));
        let was_dead = told.any(|conversation| conversation.get("deleted_at").is_some());
        match deleted {
            204 => {
                assert!(was_dead, "the edit is lost: {edited:?}");
                assert_eq!(editor.get(&path, "").status, 404);
            }
            412 => {
                assert!(!was_dead, "{edited:?}");
                let shown = editor.shown(&path, "");
                assert_eq!(shown["messages"][0]["timestamp"], json!(T2));
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn an_edit_and_a_deletion_of_what_was_before_it_exclude_each_other() {
    let server = Server::start();
    let ada = Visitor::register(&server, "ada");
    expect_one_of_edit_and_deletion(&ada, &ada);
}

#[test]
fn an_edit_and_a_deletion_exclude_each_other_in_two_processes() {
    let server = Server::start();
    let neighbour = server.neighbour();
    let here = Visitor::register(&server, "ada");
    let there = Visitor::register_at(neighbour.address(), "ada");
    expect_one_of_edit_and_deletion(&here, &there);
    expect_one_of_edit_and_deletion(&there, &here);
}

#[test]
fn of_many_who_delete_what_they_have_seen_one_does() {
    let server = Server::start();
    let ada = Visitor::register(&server, "ada");
    for round in 0..10 {
        let id = format!("c{round}");
        let path = conversation_path(&id);
        let messages: Vec<_> = (0..8)
            .map(|number| json!({ "message_id": number.to_string() }))
            .collect();
        ada.post(&json!({ "id": id, "messages": messages }));
        let tag = ada.tag(&path, "");
        let statuses: Vec<_> = thread::scope(|scope| {
            let deletions = (0..8).map(|number| {
                let message = message_path(&id, &number.to_string());
                let (ada, tag) = (&ada, &tag);
                scope.spawn(move || ada.delete_if(&message, tag))
            });
            let deletions: Vec<_> = deletions.collect();
            deletions.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let done = statuses.iter().filter(|status| **status == 204).count();
        assert_eq!(done, 1, "{statuses:?}");
        let refused = statuses.iter().filter(|status| **status == 412).count();
        assert_eq!(refused, 7, "{statuses:?}");
        let left = ada.shown(&path, "")["messages"].as_array().unwrap().len();
        assert_eq!(left, 7);
    }
}
