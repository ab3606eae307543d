//! The list of conversations, and one of them.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{LIST, T1, T2, T3, Visitor, conversation_path, encoded, message_path, texts};
use crate::support::Server;

#[test]
fn living_conversations_come_last_changed_first_with_how_many_messages_live() {
    let server = Server::start();
    let ada = Visitor::register(&server, "ada");
    assert_eq!(
        ada.shown(LIST, ""),
        json!({ "conversations": [], "next_cursor": null })
    );
    let message = |id: &str| json!({ "message_id": id, "timestamp": T1 });
    ada.post(&json!({
        "id": "a", "title": "A", "created_at": T1, "updated_at": T2, "local_only": true,
        "folder": { "name": "F" }, "message_count": 9, "messages": [message("1"), message("2")],
    }));
    ada.post(&json!({ "id": "b", "created_at": T1 }));
    ada.post(&json!({ "id": "c", "created_at": T1, "messages": [message("1")] }));
    ada.post(&json!({ "id": "d", "deleted_at": T1 }));
    let of_a = |count: u32| {
        json!({
            "id": "a", "title": "A", "created_at": T1, "updated_at": T2, "local_only": true,
            "folder": { "name": "F" }, "message_count": count,
        })
    };
    let of_b = json!({ "id": "b", "created_at": T1, "message_count": 0 });
    let of_c = |count: u32| json!({ "id": "c", "created_at": T1, "message_count": count });
    let listed = || ada.shown(LIST, "")["conversations"].clone();
    assert_eq!(listed(), json!([of_c(1), of_b, of_a(2)]));

    ada.post(&json!({ "id": "a", "messages": [message("3")] }));
    assert_eq!(listed(), json!([of_a(3), of_c(1), of_b]));
    assert_eq!(ada.delete(&message_path("c", "1")), 204);
    assert_eq!(listed(), json!([of_c(0), of_a(3), of_b]));
    // What changes nothing moves nothing.
    ada.post(&json!({ "id": "b", "created_at": T1 }));
    assert_eq!(listed(), json!([of_c(0), of_a(3), of_b]));
    assert_eq!(ada.delete(&conversation_path("a")), 204);
    assert_eq!(listed(), json!([of_c(0), of_b]));
}

#[test]
fn every_conversation_is_on_one_page() {
    let server = Server::start();
    let ada = Visitor::register(&server, "ada");
    // Those of one post have one change number.
    for post in 0..3 {
        let conversations = (0..5).map(|number| json!({ "id": format!("{post}.{number}") }));
        let body = json!({ "conversations": conversations.collect::<Vec<_>>() });
        assert_eq!(ada.api.post(&body).status, 200);
    }
    let ids = ada.api.ids();
    for limit in [1, 2, 7, 15, 1_000] {
        let listed = ada.pages(LIST, "", limit, "conversations");
        let mut listed = texts(&listed, "id");
        let posts: Vec<_> = listed.iter().map(|id| &id[..1]).collect();
        assert!(posts.iter().rev().is_sorted(), "{listed:?}");
        listed.sort_unstable();
        assert_eq!(listed, ids, "{limit}");
    }
}

/// One that changes meanwhile moves to the beginning, where the pages to come are not.
#[test]
fn what_changes_meanwhile_takes_nothing_else_from_the_pages_to_come() {
    let server = Server::start();
    let ada = Visitor::register(&server, "ada");
    for number in 0..6 {
        ada.post(&json!({ "id": format!("c{number}") }));
    }
    let first = ada.shown(LIST, "&limit=2");
    assert_eq!(
        texts(first["conversations"].as_array().unwrap(), "id"),
        ["c5", "c4"]
    );
    ada.post(&json!({ "id": "c5", "title": "T" }));
    ada.post(&json!({ "id": "c2", "title": "T" }));
    assert_eq!(ada.delete(&conversation_path("c1")), 204);
    let next = format!("&cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = ada.shown(LIST, &next);
    assert_eq!(
        texts(rest["conversations"].as_array().unwrap(), "id"),
        ["c3", "c0"]
    );
}

/// A visitor with a conversation of messages at these moments, in the order in which they are to be shown.
fn with_messages<'a>(server: &'a Server, moments: &[&str]) -> (Visitor<'a>, Vec<Value>) {
    let ada = Visitor::register(server, "ada");
    let messages = moments.iter().enumerate();
    let messages = messages.map(|(number, moment)| {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        json!({
            "message_id": id, "timestamp": moment, "vote": number % 2 == 0, "x": [number],
            "request": { "id": number, "request_model": "m" }, "output": {},
        })
    });
    let messages: Vec<_> = messages.collect();
    let backwards: Vec<_> = messages.iter().rev().collect();
    ada.post(&json!({ "id": "c", "created_at": T1, "title": "T", "messages": backwards }));
    (ada, messages)
}

#[test]
fn a_conversation_is_shown_with_its_messages_in_the_order_of_time() {
    let server = Server::start();
    let (ada, messages) = with_messages(&server, &[T1, T2, T2, T2, T3]);
    let path = conversation_path("c");
    let whole = json!({
        "id": "c", "title": "T", "created_at": T1, "messages": messages, "next_cursor": null,
    });
    assert_eq!(ada.shown(&path, ""), whole);
    assert_eq!(ada.shown(&path, "&order=oldest"), whole);
    let backwards: Vec<_> = messages.iter().rev().cloned().collect();
    for limit in [1, 2, 3, 5, 1_000] {
        let oldest = ada.pages(&path, "", limit, "messages");
        assert_eq!(oldest, messages, "{limit}");
        let newest = ada.pages(&path, "&order=newest", limit, "messages");
        assert_eq!(newest, backwards, "{limit}");
    }
    // Each is as a pull shows it.
    let pulled = ada.api.page(None, 1_000)["conversations"][0]["messages"].clone();
    for message in &messages {
        assert!(pulled.as_array().unwrap().contains(message), "{pulled}");
    }
    // A page goes on after its place, whatever has become of the message there.
    let first = ada.shown(&path, "&limit=2");
    let second = messages[1]["message_id"].as_str().unwrap();
    assert_eq!(ada.delete(&message_path("c", second)), 204);
    let next = format!("&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(ada.shown(&path, &next)["messages"], json!(messages[2..]));
}

#[test]
fn what_a_client_has_is_not_sent_again_until_it_changes() {
    let server = Server::start();
    let (ada, _) = with_messages(&server, &[T1, T2, T3]);
    ada.post(&json!({ "id": "other" }));
    let path = conversation_path("c");
    let known = |path: &str, more: &str, tag: &str| {
        let answer = ada.send("GET", path, more, &[("If-None-Match", tag)]);
        if answer.status == 304 {
            assert_eq!((answer.header("etag"), &*answer.body), (Some(tag), ""));
        }
        answer.status
    };
    let cursor = ada.shown(&path, "&limit=1")["next_cursor"].clone();
    let rest = format!("&cursor={}", cursor.as_str().unwrap());
    let pages = ["", "&limit=2", "&order=newest", &rest];
    let tags = pages.map(|more| ada.tag(&path, more));
    assert_eq!(HashSet::from(tags.clone()).len(), pages.len());
    let list_tag = ada.tag(LIST, "");
    let all_known = || {
        let mut each = pages.iter().zip(&tags);
        each.all(|(more, tag)| known(&path, more, tag) == 304)
    };
    let none_known = || {
        let mut each = pages.iter().zip(&tags);
        each.all(|(more, tag)| known(&path, more, tag) == 200)
    };
    assert!(all_known());
    assert_eq!(known(&path, "", &tags[1]), 200);
    assert_eq!(known(LIST, "", &list_tag), 304);

    // Another conversation is changed: that is news in the list alone.
    ada.post(&json!({ "id": "other", "title": "T" }));
    assert!(all_known());
    assert_eq!(known(LIST, "", &list_tag), 200);
    // So is what changes nothing.
    ada.post(&json!({ "id": "c", "title": "T" }));
    assert!(all_known());
    ada.post(&json!({ "id": "c", "messages": [{ "message_id": "new" }] }));
    assert!(none_known());
    assert_eq!(ada.delete(&path), 204);
    assert_eq!(known(&path, "", &tags[0]), 404);
    assert_eq!(known(&path, "", "*"), 404);
}

#[test]
fn head_is_get_without_a_body() {
    let server = Server::start();
    let (ada, _) = with_messages(&server, &[T1]);
    for path in [LIST, &conversation_path("c")] {
        for path in [path, path.trim_end_matches('/')] {
            let get = ada.get(path, "");
            let head = ada.send("HEAD", path, "", &[]);
            assert_eq!((get.status, head.status), (200, 200), "{path}");
            assert_eq!(head.body, "");
            let length = get.body.len().to_string();
            assert_eq!(head.header("content-length"), Some(&*length));
            assert_eq!(head.header("etag"), get.header("etag"));
        }
    }
}

#[test]
fn every_id_is_named_by_a_url() {
    let settings = [("CONVOSYNC__LIMITS__URL_BYTES", "8192")];
    let server = Server::start_with(&settings);
    let ada = Visitor::register(&server, "ada");
    let id = "6518856d-63ae-5696-b190-8593ef95598b";
    let ids = [
        id.to_owned(),
        format!("{id}::gpt-4"),
        format!(" {id} "),
        "/".to_owned(),
        "a/messages/b".to_owned(),
        "messages".to_owned(),
        "%".to_owned(),
        "%2F".to_owned(),
        "%252F".to_owned(),
        "a+b c".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        "../..".to_owned(),
        "?user_id=grace#x&y".to_owned(),
        "\\".to_owned(),
        "\"quoted\"".to_owned(),
        "{conversation_id}".to_owned(),
        "é".to_owned(),
        "e\u{301}".to_owned(),
        "\u{feff}".to_owned(),
        "\u{fffd}".to_owned(),
        "x".repeat(128),
        "é".repeat(128),
        "😀".repeat(128),
    ];
    for id in &ids {
        let message = json!({ "message_id": id, "timestamp": T1 });
        ada.post(&json!({ "id": id, "created_at": T1, "messages": [message] }));
    }
    for id in &ids {
        let message = json!({ "message_id": id, "timestamp": T1 });
        let whole = json!({
            "id": id, "created_at": T1, "messages": [message], "next_cursor": null,
        });
        let path = conversation_path(id);
        assert_eq!(ada.shown(&path, ""), whole, "{id}");
        assert_eq!(ada.shown(path.trim_end_matches('/'), ""), whole, "{id}");
        assert_eq!(ada.delete(&message_path(id, id)), 204, "{id}");
        assert_eq!(ada.shown(&path, "")["messages"], json!([]), "{id}");
    }
    assert_eq!(
        ada.shown(&format!("{LIST}{}", id.to_uppercase()), "")["id"],
        json!(id)
    );
    for (left, id) in ids
        .iter()
        .enumerate()
        .map(|(at, id)| (ids.len() - 1 - at, id))
    {
        assert_eq!(ada.delete(&conversation_path(id)), 204, "{id}");
        assert_eq!(ada.api.ids().len(), left, "{id}");
    }
}

/// As far as an address may go without a setting.
#[test]
fn the_longest_id_of_a_conversation_fits_into_a_url() {
    let server = Server::start();
    let ada = Visitor::register(&server, "ada");
    let id = "😀".repeat(128);
    ada.post(&json!({ "id": id, "messages": [{ "message_id": id }] }));
    assert_eq!(ada.shown(&conversation_path(&id), "")["id"], json!(id));
    assert_eq!(ada.get(&message_path(&id, &id), "").status, 414);
    assert_eq!(ada.delete(&message_path(&id, &id)), 414);
    assert_eq!(encoded(&id).len(), 1_536);
    assert_eq!(ada.delete(&conversation_path(&id)), 204);
}

#[test]
fn nobody_sees_what_is_anothers() {
    let server = Server::start();
    let (ada, grace) = (
        Visitor::register(&server, "ada"),
        Visitor::register(&server, "grace"),
    );
    let path = conversation_path("c");
    let message = |id: &str, image: &str| json!({ "message_id": id, "img": image });
    for (visitor, marker) in [(&ada, "of ada"), (&grace, "of grace")] {
        let messages = [message("1", marker), message("2", marker)];
        visitor.post(&json!({ "id": "c", "title": marker, "messages": messages }));
        visitor.post(&json!({ "id": "d", "title": marker }));
    }
    ada.post(&json!({ "id": "only ada's" }));
    for (visitor, own, other) in [(&ada, "of ada", "of grace"), (&grace, "of grace", "of ada")] {
        for path in [LIST, &path] {
            let shown = visitor.get(path, "").body;
            assert!(shown.contains(own) && !shown.contains(other), "{shown}");
        }
    }
    assert_eq!(grace.get(&conversation_path("only ada's"), "").status, 404);
    assert_eq!(grace.delete(&conversation_path("only ada's")), 404);
    // Neither tags nor cursors of one mean anything to the other.
    for path in [LIST, &path] {
        let tag = ada.tag(path, "");
        let answer = grace.send("GET", path, "", &[("If-None-Match", &tag)]);
        assert_eq!(answer.status, 200);
        let cursor = ada.shown(path, "&limit=1")["next_cursor"].clone();
        let next = format!("&cursor={}", cursor.as_str().expect("a cursor"));
        assert_eq!(grace.get(path, &next).status, 400);
        assert_eq!(ada.get(path, &next).status, 200);
    }
    let before = grace.everything();
    assert_eq!(ada.delete(&message_path("c", "1")), 204);
    assert_eq!(ada.delete(&path), 204);
    assert_eq!(grace.everything(), before);
    assert_eq!(grace.get(&path, "").status, 200);
}
