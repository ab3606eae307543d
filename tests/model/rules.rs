//! The sentences of the rules, each tried on the model with the smallest history that shows it.

use serde_json::{Value, json};

use super::reference::{Counts, RECEIVED, Reference};
use super::replica::living_state;
use super::same::difference;

const NOW: i64 = 1_767_225_600_000_000;

fn at(second: u32) -> String {
    format!("2025-01-01T00:00:{second:02}.000000Z")
}

/// A server, a clock that moves a minute a post, and one visitor.
struct Story(Reference, i64);

impl Story {
    fn new() -> Self {
        Self(Reference::new(&["ann"]), NOW)
    }

    fn post(&mut self, conversation: &Value) -> Counts {
        self.1 += 60_000_000;
        let body = json!({ "conversations": [conversation] });
        self.0.post("ann", &body, self.1).counts
    }

    /// Posts messages into conversation "c", beside the fields given.
    fn post_into(&mut self, mut conversation: Value, messages: &Value) -> Counts {
        conversation["id"] = json!("c");
        conversation["messages"] = messages.clone();
        self.post(&conversation)
    }

    fn living(&self) -> Value {
        living_state(&self.0.changes("ann", None))["conversations"].clone()
    }

    /// The message "m" of "c" as it lives.
    fn message(&self) -> Value {
        let messages = &self.living()[0]["messages"];
        let mut all = messages.as_array().into_iter().flatten();
        all.find(|message| message["message_id"] == "m")
            .cloned()
            .unwrap_or_default()
    }

    fn counter(&self) -> u64 {
        self.0.change_counter("ann")
    }
}

#[test]
fn the_table_of_the_merge_rule() {
    // The stamp posted over 10, and what a value and a null make of the stored "old".
    for (stamp, value, null) in [
        (Some(11), Some("new"), None),
        (Some(10), Some("new"), Some("old")),
        (None, Some("new"), Some("old")),
        (Some(9), Some("old"), Some("old")),
    ] {
        for (sent, expected) in [(json!("new"), value), (Value::Null, null)] {
            let mut story = Story::new();
            story.post(&json!({"id": "c", "updated_at": at(10), "title": "old", "kept": 1}));
            story.post(&json!({"id": "c", "updated_at": stamp.map(at), "title": sent, "more": 2}));
            let living = story.living();
            assert_eq!(living[0]["title"].as_str(), expected, "{stamp:?} {sent}");
            assert_eq!(living[0]["kept"], 1);
            assert_eq!(living[0]["more"] == 2, stamp != Some(9));
        }
    }
}

#[test]
fn a_message_takes_the_stamp_of_the_conversation_it_is_posted_in() {
    let mut story = Story::new();
    story.post_into(
        json!({"updated_at": at(10)}),
        &json!([{"message_id": "m", "img": "a"}]),
    );
    story.post_into(
        json!({"updated_at": at(9)}),
        &json!([{"message_id": "m", "img": "b", "output": {}}]),
    );
    let message = story.message();
    // Older, but a part not stored yet is created at any stamp.
    assert_eq!(
        (&message["img"], &message["output"]),
        (&json!("a"), &json!({}))
    );
    story.post_into(
        json!({"updated_at": at(9)}),
        &json!([{"message_id": "m", "img": "c", "updated_at": at(11)}]),
    );
    assert_eq!(story.message()["img"], "c");
}

#[test]
fn a_whole_re_post_under_a_newer_conversation_leaves_the_messages_stamps() {
    let mut story = Story::new();
    let message = json!([{"message_id": "m", "img": "a"}]);
    story.post_into(json!({"updated_at": at(10)}), &message);
    story.post_into(json!({"updated_at": at(30)}), &message);
    // An edit stamped between the two still wins.
    story.post_into(
        json!({}),
        &json!([{"message_id": "m", "img": "b", "updated_at": at(20)}]),
    );
    assert_eq!(story.message()["img"], "b");
}

#[test]
fn a_future_stamp_is_honoured_once() {
    let mut story = Story::new();
    let future = "2099-01-01T00:00:00Z";
    story.post(&json!({"id": "c", "title": "old", "updated_at": at(10)}));
    story.post(&json!({"id": "c", "title": "future", "updated_at": future}));
    let after = story.counter();
    story.post(&json!({"id": "c", "title": "again", "updated_at": future}));
    story.post(&json!({"id": "c", "title": "less", "updated_at": "2098-01-01T00:00:00Z"}));
    assert_eq!(story.living()[0]["title"], "future");
    assert_eq!(
        story.living()[0]["updated_at"],
        "2099-01-01T00:00:00.000000Z"
    );
    assert_eq!(story.counter(), after);
    // It counts as the moment of receipt, which later moments follow.
    let edited = "2026-01-01T00:04:30Z";
    story.post(&json!({"id": "c", "title": "edited", "updated_at": edited}));
    assert_eq!(story.living()[0]["title"], "edited");
    // A deletion from the future shares the memory: this one counts as older.
    story.post(&json!({"id": "c", "deleted_at": future}));
    assert_eq!(story.living()[0]["title"], "edited");
    story.post(&json!({"id": "c", "deleted_at": "2099-01-01T00:00:01Z"}));
    let changes = story.0.changes("ann", Some(0));
    let tombstone = json!({"conversations": [{"id": "c", "deleted_at": RECEIVED}]});
    assert_eq!(difference(&tombstone, &changes), None);
    assert_eq!(changes, tombstone);
}

#[test]
fn deletion_wins_a_tie_and_a_newer_conversation_lives_again_with_that_posts_messages() {
    let mut story = Story::new();
    story.post_into(
        json!({"updated_at": at(10), "title": "old", "folder": 1}),
        &json!([{"message_id": "m"}, {"message_id": "n"}]),
    );
    story.post(&json!({"id": "c", "deleted_at": at(10), "title": "beside"}));
    assert_eq!(story.living(), json!([]));
    // Of a dead conversation nothing is stored, and everything counts as updated.
    let before = story.counter();
    let counts = story.post_into(
        json!({"updated_at": at(10)}),
        &json!([{"message_id": "m", "updated_at": at(50)}, {"message_id": "x"}]),
    );
    assert_eq!((counts.updated, counts.messages_updated), (1, 2));
    assert_eq!(story.counter(), before);

    let counts = story.post_into(
        json!({"updated_at": at(11), "title": "new"}),
        &json!([{"message_id": "m"}]),
    );
    assert_eq!((counts.updated, counts.messages_updated), (1, 1));
    let living = json!([{"id": "c", "title": "new", "created_at": RECEIVED, "updated_at": at(11),
        "messages": [{"message_id": "m", "timestamp": RECEIVED}]}]);
    assert_eq!(story.living(), living);
}

#[test]
fn a_late_older_deletion_takes_the_messages_older_than_itself() {
    let mut story = Story::new();
    story.post_into(
        json!({"updated_at": at(20)}),
        &json!([{"message_id": "m", "updated_at": at(5)}, {"message_id": "n", "updated_at": at(15)}]),
    );
    // The messages beside it enter what the conversation is afterwards: without a stamp just
    // after the deletion; not newer than it, not at all, unless it is a deletion.
    let counts = story.post_into(
        json!({"deleted_at": at(10)}),
        &json!([
            {"message_id": "m", "updated_at": at(10)},
            {"message_id": "x"},
            {"message_id": "y", "deleted_at": at(1)},
        ]),
    );
    assert_eq!((counts.messages_created, counts.messages_updated), (2, 1));
    story.post_into(
        json!({}),
        &json!([{"message_id": "x", "updated_at": "2025-01-01T00:00:10.000002Z", "img": "a"}]),
    );
    let state = living_state(&story.0.changes("ann", Some(0)));
    let ids: Vec<_> = state["conversations"][0]["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|message| message["message_id"].as_str())
        .collect();
    assert_eq!(ids, [Some("n"), Some("x")]);
    let changes = story.0.changes("ann", Some(1));
    let tombstones: Vec<_> = changes["conversations"][0]["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|message| !message["deleted_at"].is_null())
        .collect();
    assert_eq!(
        tombstones,
        [
            &json!({"message_id": "m", "deleted_at": at(10)}),
            &json!({"message_id": "y", "deleted_at": at(1)}),
        ]
    );
}

#[test]
fn an_app_without_stamps_can_edit_what_lives_beside_an_older_deletion() {
    let mut story = Story::new();
    story.post_into(
        json!({"updated_at": at(20)}),
        &json!([{"message_id": "m", "updated_at": at(15), "img": "a"}]),
    );
    story.post(&json!({"id": "c", "deleted_at": at(10)}));
    // Values replace, nulls do not clear, and its stamp stays.
    story.post_into(
        json!({}),
        &json!([{"message_id": "m", "img": "b", "doc": 1}]),
    );
    story.post_into(json!({}), &json!([{"message_id": "m", "doc": null}]));
    assert_eq!(
        (&story.message()["img"], &story.message()["doc"]),
        (&json!("b"), &json!(1))
    );
    story.post_into(
        json!({}),
        &json!([{"message_id": "m", "updated_at": at(14), "img": "c"}]),
    );
    assert_eq!(story.message()["img"], "b");
    story.post_into(
        json!({}),
        &json!([{"message_id": "m", "updated_at": at(16), "img": "d"}]),
    );
    assert_eq!(story.message()["img"], "d");
}

#[test]
fn a_message_deleted_by_itself_is_not_brought_back_by_its_conversation() {
    let mut story = Story::new();
    let message = json!([{"message_id": "m", "img": "a"}]);
    story.post_into(json!({"updated_at": at(10)}), &message);
    // The moment is the updated_at beside it, where that is later.
    let deletion = json!([{"message_id": "m", "deleted_at": at(5), "updated_at": at(12)}]);
    story.post_into(json!({}), &deletion);
    let before = story.counter();
    story.post_into(json!({"updated_at": at(10)}), &message);
    assert_eq!((story.message(), story.counter()), (Value::Null, before));
    let mut edited = json!([{"message_id": "m", "img": "b", "updated_at": at(12)}]);
    story.post_into(json!({}), &edited);
    assert_eq!(story.message(), Value::Null);
    edited[0]["updated_at"] = json!(at(13));
    story.post_into(json!({}), &edited);
    assert_eq!(story.message()["img"], "b");
}

#[test]
fn a_post_that_changes_nothing_in_the_end_takes_no_change_number() {
    let mut story = Story::new();
    story.post(&json!({"id": "c", "title": "a", "local_only": 1}));
    story.post(&json!({"id": "c", "title": "a", "local_only": true, "folder": null}));
    assert_eq!(story.counter(), 1);
    let body = json!({"conversations": [{"id": "c", "title": "b"}, {"id": "c", "title": "a"}]});
    story.0.post("ann", &body, NOW);
    assert_eq!(story.counter(), 1);
}
