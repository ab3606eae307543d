//! Real conversations, from the post to another device.

use serde_json::{Value, json};

use crate::model::same::difference;
use crate::support::Server;
use crate::support::api::Api;

const REAL_CONVERSATIONS: &str = include_str!("data/real-conversations.json");

fn body() -> Value {
    serde_json::from_str(REAL_CONVERSATIONS).unwrap()
}

fn counts(answer: &Value) -> [u64; 4] {
    ["created", "updated", "messages_created", "messages_updated"]
        .map(|name| answer[name].as_u64().unwrap())
}

/// What was posted as a pull brings it: by conversation id, without nulls.
fn as_pulled(mut body: Value) -> Value {
    let conversations = body["conversations"].as_array_mut().unwrap();
    conversations.sort_by_key(|conversation| conversation["id"].to_string());
    for conversation in conversations {
        let messages = conversation["messages"].as_array_mut().unwrap();
        messages.sort_by_key(|message| message["message_id"].to_string());
        for message in messages {
            message
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
        }
    }
    body
}

#[test]
fn forty_conversations_are_created_then_updated_and_come_back_equal() {
    let server = Server::start();
    let api = Api::register(&server.url(), "user_id=ada");

    let first = api.post(&body());
    assert_eq!(first.status, 200);
    assert_eq!(counts(&first.json()), [40, 0, 70, 0]);
    assert_eq!(
        first.json()["message"],
        "40 conversations created, 0 updated. 70 messages created, 0 updated.",
    );
    let cursor = api.drain(None, 500, |_| ());

    let second = api.post(&body());
    assert_eq!(counts(&second.json()), [0, 40, 0, 70]);
    assert_eq!(
        api.drain(None, 500, |_| ()),
        cursor,
        "the change counter moved"
    );
    let page = api.page(Some(&cursor), 500);
    assert_eq!(
        page,
        json!({ "conversations": [], "cursor": cursor, "has_more": false })
    );

    assert_eq!(api.ids().len(), 40);
    for limit in [1, 7, 500] {
        let mut conversations: Vec<Value> = Vec::new();
        api.drain(None, limit, |page| {
            for conversation in page["conversations"].as_array().unwrap() {
                let same = |known: &&mut Value| known["id"] == conversation["id"];
                match conversations.iter_mut().find(same) {
                    None => conversations.push(conversation.clone()),
                    Some(known) => {
                        let more = conversation["messages"].as_array().unwrap().clone();
                        known["messages"].as_array_mut().unwrap().extend(more);
                    }
                }
            }
        });
        let pulled = as_pulled(json!({ "conversations": conversations }));
        assert_eq!(
            difference(&as_pulled(body()), &pulled),
            None,
            "limit {limit}"
        );
    }

    // What a client pulls, it can post: nothing changes by it.
    let mut pulled = api.page(None, 500);
    pulled
        .as_object_mut()
        .unwrap()
        .retain(|name, _| name == "conversations");
    assert_eq!(counts(&api.post(&pulled).json()), [0, 40, 0, 70]);
    assert_eq!(
        api.drain(None, 500, |_| ()),
        cursor,
        "the change counter moved"
    );
}
