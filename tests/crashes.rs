//! The process killed at any moment: what it acknowledged is there, and nothing is there by half.

use std::collections::{BTreeMap, BTreeSet};
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

/// Clients of a server that goes and comes back, each with a visitor of its own.
pub(crate) struct Writers(Vec<Writer>);

struct Writer {
    visitor: String,
    acknowledged: Vec<String>,
    /// How many of them have been checked.
    checked: usize,
    /// Up to where it was checked that what was acknowledged is there.
    cursor: Option<String>,
}

impl Writers {
    pub(crate) fn register(server: &Server, count: u128) -> Self {
        let writers = (0..count).map(|writer| {
            let visitor = format!("user_id=writer-{writer}");
            Api::register(&server.url(), &visitor);
            Writer {
                visitor,
                acknowledged: Vec::new(),
                checked: 0,
                cursor: None,
            }
        });
        Self(writers.collect())
    }

    /// Has all of them post for so long, and then the server end.
    pub(crate) fn post_until(
        &mut self,
        server: &mut Server,
        cycle: u128,
        time: Duration,
        end: impl FnOnce(&mut Server),
    ) {
        let stop = AtomicBool::new(false);
        let base = server.url();
        thread::scope(|scope| {
            for (number, writer) in (0..).zip(&mut self.0) {
                let api = Api::unregistered(&base, &writer.visitor);
                let (stop, acknowledged) = (&stop, &mut writer.acknowledged);
                scope.spawn(move || acknowledged.extend(write(&api, cycle, number, stop)));
            }
            thread::sleep(time);
            end(server);
            stop.store(true, Ordering::Relaxed);
        });
    }

    /// Checks what was posted since the last time, with `is_answered` also that nothing else is there.
    pub(crate) fn check_new(&mut self, server: &Server, is_answered: bool) {
        for writer in &mut self.0 {
            let (stored, cursor) = writer.stored(server, writer.cursor.clone());
            let new: Vec<_> = stored.iter().map(|it| it["id"].as_str().unwrap()).collect();
            let acknowledged = &writer.acknowledged[writer.checked..];
            let known: BTreeSet<_> = acknowledged.iter().map(String::as_str).collect();
            let unanswered: Vec<_> = new.iter().filter(|id| !known.contains(*id)).collect();
            assert!(
                !is_answered || unanswered.is_empty(),
                "stored and not answered: {unanswered:?}"
            );
            check(acknowledged, &stored);
            writer.checked = writer.acknowledged.len();
            writer.cursor = Some(cursor);
        }
    }

    /// Checks everything from the start; returns how many posts were acknowledged.
    pub(crate) fn check_all(&self, server: &Server) -> usize {
        for writer in &self.0 {
            check(&writer.acknowledged, &writer.stored(server, None).0);
        }
        let posts = self.0.iter().map(|writer| writer.acknowledged.len()).sum();
        assert!(posts > 0, "the writers never got an answer");
        posts
    }
}

impl Writer {
    /// What is stored since then, and up to where that is.
    fn stored(&self, server: &Server, since: Option<String>) -> (Vec<Value>, String) {
        let api = Api::unregistered(&server.url(), &self.visitor);
        let mut stored = Vec::new();
        let cursor = api.drain(since, 1_000, |page| {
            stored.extend(page["conversations"].as_array().unwrap().clone());
        });
        (stored, cursor)
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_stored_by_half() {
    let mut server = Server::start();
    let mut writers = Writers::register(&server, WRITERS);
    for cycle in 0..cycles() {
        // Between 5 and 500 ms, spread over the cycles.
        let time = Duration::from_millis(u64::try_from(5 + cycle * 97 % 496).unwrap());
        writers.post_until(&mut server, cycle, time, Server::kill);
        server.restart();
        writers.check_new(&server, false);
    }
    let posts = writers.check_all(&server);
    let kills = cycles();
    report(
        "G1",
        &format!("{kills} kills, {posts} posts, none lost or stored by half"),
    );
}

/// Every acknowledged conversation is there, and every one that is there is whole.
pub(crate) fn check(acknowledged: &[String], stored: &[Value]) {
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
