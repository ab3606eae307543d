//! The process killed at any moment: what it acknowledged is there, and nothing is there by half.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::api::Api;
use crate::support::{Server, report, scaled};

pub(crate) const WRITERS: u128 = 4;
const MESSAGES: u128 = 5;

/// How often the server is killed.
fn cycles() -> u128 {
    scaled("CONVOSYNC_CRASHES", 20)
}

pub(crate) fn id(cycle: u128, writer: u128, post: u128) -> String {
    Uuid::from_u128(cycle << 64 | writer << 32 | post).to_string()
}

pub(crate) fn body(conversation: &str) -> Value {
    let messages: Vec<_> = (0..MESSAGES)
        .map(|number| {
            json!({
                "message_id": Uuid::from_u128(number).to_string(),
                "timestamp": "2025-07-27T12:35:00Z",
                "request": { "id": 1, "request_messages_content": "Hi" },
                "response": { "id": 1, "model": "gpt-4" },
                "output": { "id": 1, "output_content_text": "Hello! ".repeat(50) },
            })
        })
        .collect();
    let conversation = json!({ "id": conversation, "title": conversation, "messages": messages });
    json!({ "conversations": [conversation] })
}

/// Posts until the server dies; returns what it acknowledged and whether one post stands open.
pub(crate) fn write(api: &Api, cycle: u128, writer: u128, stop: &AtomicBool) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for post in 0.. {
        let conversation = id(cycle, writer, post);
        match api.try_post(&body(&conversation).to_string()) {
            Some(answer) => {
                assert_eq!(answer.status, 200, "{answer:?}");
                acknowledged.push(conversation);
            }
            None => break,
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    acknowledged
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_stored_by_half() {
    let mut server = Server::start();
    let visitor = |writer| format!("user_id=writer-{writer}");
    for writer in 0..WRITERS {
        Api::register(&server.url(), &visitor(writer));
    }
    let mut acknowledged = vec![Vec::new(); 4];
    for cycle in 0..cycles() {
        let stop = AtomicBool::new(false);
        let base = server.url();
        let done: Vec<_> = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let api = Api::unregistered(&base, &visitor(writer));
                    let stop = &stop;
                    scope.spawn(move || write(&api, cycle, writer, stop))
                })
                .collect();
            // Between 5 and 500 ms, spread over the cycles.
            thread::sleep(Duration::from_millis(
                u64::try_from(5 + cycle * 97 % 496).unwrap(),
            ));
            server.kill();
            stop.store(true, Ordering::Relaxed);
            writers
                .into_iter()
                .map(|writer| writer.join().unwrap())
                .collect()
        });
        for (all, more) in acknowledged.iter_mut().zip(done) {
            all.extend(more);
        }
        server.restart();

        for (writer, all) in (0..WRITERS).zip(&acknowledged) {
            let api = Api::unregistered(&server.url(), &visitor(writer));
            let mut stored = Vec::new();
            api.drain(None, 1_000, |page| {
                stored.extend(page["conversations"].as_array().unwrap().clone());
            });
            check(all, &stored);
        }
    }
    let total: usize = acknowledged.iter().map(Vec::len).sum();
    assert!(total > 0, "the writers never got an answer");
    report(
        "G1",
        &format!(
            "{} kills, {total} posts, none lost or stored by half",
            cycles()
        ),
    );
}

/// Every acknowledged conversation is there, and every one that is there is whole.
pub(crate) fn check(acknowledged: &[String], stored: &[Value]) {
    use std::collections::BTreeMap;
    let mut messages: BTreeMap<&str, usize> = BTreeMap::new();
    for conversation in stored {
        let id = conversation["id"].as_str().unwrap();
        assert_eq!(conversation["title"], id);
        let brought = conversation["messages"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for message in brought {
            assert!(message["request"].is_object() && message["response"].is_object());
            assert_eq!(
                message["output"]["output_content_text"],
                "Hello! ".repeat(50)
            );
        }
        *messages.entry(id).or_default() += brought.len();
    }
    for id in acknowledged {
        assert!(
            messages.contains_key(id.as_str()),
            "{id} was acknowledged and is lost"
        );
    }
    for (id, count) in messages {
        assert_eq!(count, 5, "{id} is stored by half");
    }
}
