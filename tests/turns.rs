//! What a device is told in a turn of what it posted itself.

use std::thread;

use serde_json::{Value, json};

use crate::model::replica::Replica;
use crate::support::Server;
use crate::support::api::Api;

const T1: &str = "2025-01-01T00:00:01Z";
const T2: &str = "2025-01-01T00:00:02Z";
const T3: &str = "2025-01-01T00:00:03Z";

fn visitor(server: &Server) -> Api {
    Api::register(&server.url(), "user_id=ada")
}

/// The answer to a turn with one conversation.
fn turn(api: &Api, since: &str, conversation: &Value) -> Value {
    let body = json!({ "conversations": [conversation] }).to_string();
    let answer = api.post_preferring(&body, None, &format!("&since={since}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn cursor(answer: &Value) -> &str {
    answer["cursor"].as_str().expect("a cursor")
}

#[test]
fn what_is_new_just_as_it_was_sent_does_not_come_back() {
    let server = Server::start();
    let api = visitor(&server);
    let message = json!({"message_id": "m", "timestamp": T1, "vote": true});
    let whole = json!({"id": "c", "created_at": T1, "title": "T", "messages": [message]});
    let answer = turn(&api, "", &whole);
    assert_eq!(answer["conversations"], json!([]));
    // Another device gets it.
    let other = turn(&api, "", &json!({"id": "d", "deleted_at": T1}));
    assert_eq!(other["conversations"], json!([whole]));
    // What the server adds comes.
    let added = json!({"id": "c", "messages": [{"message_id": "n", "vote": true}]});
    let answer = turn(&api, cursor(&other), &added);
    let messages = answer["conversations"][0]["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 1);
    assert!(messages[0]["timestamp"].is_string(), "{answer}");
}

/// The device holds a field that it does not send, as it has not changed it.
#[test]
fn a_device_learns_what_others_have_cleared_of_what_it_posts_itself() {
    let server = Server::start();
    let api = visitor(&server);
    let first = json!({"id": "c", "created_at": T1, "folder": "F", "updated_at": T1});
    let answer = turn(&api, "", &first);
    let cleared = json!({"id": "c", "folder": null, "updated_at": T2});
    turn(&api, "", &cleared);
    let edited = json!({"id": "c", "created_at": T2, "updated_at": T3});
    let answer = turn(&api, cursor(&answer), &edited);
    let now = json!({"id": "c", "created_at": T2, "updated_at": T3, "messages": []});
    assert_eq!(answer["conversations"], json!([now]));
}

#[test]
fn a_device_learns_that_a_message_without_any_field_is_not_stored() {
    let server = Server::start();
    let api = visitor(&server);
    turn(&api, "", &json!({"id": "c", "deleted_at": T2}));
    let revived = turn(&api, "", &json!({"id": "c", "updated_at": T3}));
    let late = json!({"id": "c", "updated_at": T1, "messages": [{"message_id": "m"}]});
    let answer = turn(&api, cursor(&revived), &late);
    let messages = &answer["conversations"][0]["messages"];
    assert_eq!(*messages, json!([{"message_id": "m", "deleted_at": T2}]));
    // Nor is one without a field in a dead conversation.
    let tombstone = json!([{"id": "d", "deleted_at": T2}]);
    let answer = turn(&api, cursor(&answer), &json!({"id": "d", "deleted_at": T2}));
    let empty = json!({"id": "d", "messages": [{"message_id": "m"}]});
    let answer = turn(&api, cursor(&answer), &empty);
    assert_eq!(answer["conversations"], tombstone);
    let answer = turn(&api, cursor(&answer), &json!({"id": "d"}));
    assert_eq!(answer["conversations"], tombstone);
}

/// It has seen every change, so that it holds nothing that it does not send and others have cleared.
#[test]
fn a_device_that_is_up_to_date_is_not_told_what_it_has_just_sent() {
    let server = Server::start();
    let api = visitor(&server);
    let message = json!({"message_id": "m", "timestamp": T1});
    let first = json!({"id": "c", "created_at": T1, "messages": [message]});
    let answer = turn(&api, "", &first);
    let edited = json!({"id": "c", "created_at": T1, "title": "T", "updated_at": T2});
    let answer = turn(&api, cursor(&answer), &edited);
    assert_eq!(answer["conversations"], json!([]));
    assert_eq!(answer["has_more"], json!(false));
    // Of what it does not send whole it is told the rest.
    let vote =
        json!({"id": "c", "messages": [{"message_id": "m", "vote": true, "updated_at": T3}]});
    let answer = turn(&api, cursor(&answer), &vote);
    let told = &answer["conversations"][0]["messages"];
    let now = json!([{"message_id": "m", "timestamp": T1, "updated_at": T3, "vote": true}]);
    assert_eq!(*told, now);
    assert_eq!(
        turn(&api, cursor(&answer), &vote)["conversations"],
        json!([])
    );
}

#[test]
fn a_device_is_told_what_was_mended() {
    let server = Server::start();
    let api = visitor(&server);
    let body = json!({"id": "c", "created_at": 1_735_689_601, "messages": [
        {"message_id": "text", "timestamp": T1, "img": "a\0b"},
        {"message_id": "moment", "timestamp": "2025-01-01T00:00:01.0000001Z"},
        {"message_id": "part", "timestamp": T1, "output": {"output_type": "\0"}},
        {"message_id": "as sent", "timestamp": T1, "metadata": {"a": "\0"}},
    ]});
    let answer = turn(&api, "", &body);
    let told = &answer["conversations"][0];
    assert_eq!(told["created_at"], json!(T1));
    let messages = told["messages"].as_array().unwrap().iter();
    let mut ids: Vec<_> = messages
        .map(|message| message["message_id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, ["moment", "part", "text"]);
}

/// It may have given up the messages when it deleted the conversation.
#[test]
fn a_device_that_deletes_in_vain_gets_all_messages_back() {
    let server = Server::start();
    let api = visitor(&server);
    let message = |id: &str| json!({"message_id": id, "timestamp": T1});
    let messages: Vec<_> = ["a", "b", "c"].map(message).into();
    let whole = json!({"id": "c", "created_at": T1, "updated_at": T3, "messages": messages});
    let answer = turn(&api, "", &whole);
    let gone = json!({"id": "c", "messages": [{"message_id": "b", "deleted_at": T3}]});
    let answer = turn(&api, cursor(&answer), &gone);
    // A long list of messages of another conversation is not taken for its own.
    let other = json!({"id": "d", "created_at": T1, "messages": [message("a")]});
    let answer = turn(&api, cursor(&answer), &other);
    let late = json!({"id": "c", "deleted_at": T2});
    let answer = turn(&api, cursor(&answer), &late);
    let told = answer["conversations"].as_array().unwrap();
    assert_eq!(told.len(), 1, "{answer}");
    assert_eq!(told[0]["updated_at"], json!(T3));
    let mut ids: Vec<_> = told[0]["messages"].as_array().unwrap().iter().collect();
    ids.sort_by_key(|message| message["message_id"].to_string());
    assert_eq!(ids, [&message("a"), &message("c")]);
}

/// What it is told of, or has posted, must not stay with it because it was not there any more when the page was read.
#[test]
fn a_device_new_to_the_visitor_learns_what_others_delete_during_its_first_turn() {
    let server = Server::start();
    for round in 0..200 {
        let api = Api::register(&server.url(), &format!("user_id=ada-{round}"));
        let messages = json!([{"message_id": "m", "updated_at": T2}]);
        let living = json!({"id": "c", "updated_at": T3, "messages": messages});
        turn(&api, "", &living);
        let delete = || {
            let messages = json!([{"message_id": "m", "deleted_at": T3}]);
            turn(&api, "", &json!({"id": "c", "messages": messages}))
        };
        let mut device = Replica::default();
        let answer = thread::scope(|scope| {
            scope.spawn(delete);
            turn(&api, "", &json!({"id": "c", "deleted_at": T1}))
        });
        device.apply_page(&answer);
        api.drain(Some(cursor(&answer).to_owned()), 500, |page| {
            device.apply_page(page);
        });
        let mut new = Replica::default();
        api.drain(None, 500, |page| new.apply_page(page));
        assert_eq!(device.state(), new.state(), "round {round}");
    }
}
