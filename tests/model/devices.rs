//! Generated histories of devices that edit offline and sync by turns.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::values::rfc3339;

/// How many devices a visitor has.
pub const DEVICES: usize = 3;

pub(super) const CONVERSATION_IDS: [&str; 3] = [
    "0c000000-0000-4000-8000-00000000000a",
    "V1StGXR8_Z5jdHi6B-myT",
    "a chat \u{1f642}",
];
pub(super) const MESSAGE_IDS: [&str; 3] =
    ["00000000-0000-4000-8000-0000000000da", "msg_1", "MSG_1"];

/// 2025-03-01T10:00:00Z.
pub(super) const EARLIEST: i64 = 1_740_823_200_000_000;

/// What happens next.
#[derive(Debug, Clone)]
pub enum Step {
    /// The user of a device does something offline.
    Edit {
        /// Below [`DEVICES`].
        device: usize,
        /// What.
        edit: Edit,
    },
    /// Devices take a turn, at the same time if there are two.
    Sync {
        /// Each of them once, with whether its answer gets lost.
        devices: Vec<(usize, bool)>,
        /// How many items a page.
        limit: u32,
    },
}

/// What a user does with a conversation, or with a message of it. What the device does not have yet is
/// made by it, unless it is a deletion.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Below 3.
    pub(super) conversation: usize,
    /// Below 3, if it is done with a message.
    pub(super) message: Option<usize>,
    pub(super) change: Change,
    pub(super) stamp: Stamp,
}

#[derive(Debug, Clone)]
pub(super) enum Change {
    Set(Vec<(&'static str, Value)>),
    Clear(&'static str),
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// By the clock of the device.
    Clock,
    /// Only the conversation is given one.
    ClockOfConversation,
    Future,
    /// The app gives none.
    None,
}

/// A history of at most `length` steps; shrinks towards none.
pub fn history(length: usize) -> impl Strategy<Value = Vec<Step>> {
    let edit = (0..DEVICES, edit()).prop_map(|(device, edit)| Step::Edit { device, edit });
    let device = || (0..DEVICES, prop::bool::weighted(0.25));
    let devices = prop_oneof![
        4 => device().prop_map(|device| vec![device]),
        1 => (device(), device()).prop_map(|(one, other)| {
            let mut devices = vec![one, other];
            devices.dedup_by_key(|(device, _)| *device);
            devices
        }),
    ];
    let limit = prop_oneof![3 => 1..=3_u32, 2 => select(vec![5, 500])];
    let sync = (devices, limit).prop_map(|(devices, limit)| Step::Sync { devices, limit });
    let step = prop_oneof![3 => edit, 2 => sync];
    vec(prop::option::weighted(0.98, step), length)
        .prop_map(|steps| steps.into_iter().flatten().collect())
}

fn edit() -> impl Strategy<Value = Edit> {
    let conversation = prop_oneof![5 => Just(0), 1 => 1..CONVERSATION_IDS.len()];
    let which = prop_oneof![2 => Just(0), 1 => 1..MESSAGE_IDS.len()];
    let message = prop::option::weighted(0.6, which);
    (conversation, message).prop_flat_map(|(conversation, message)| {
        let stamp = prop_oneof![
            10 => Just(Stamp::Clock),
            3 => Just(Stamp::ClockOfConversation),
            1 => Just(Stamp::Future),
            2 => Just(Stamp::None),
        ];
        (change(message.is_some()), stamp).prop_map(move |(change, stamp)| Edit {
            conversation,
            message,
            change,
            stamp,
        })
    })
}

fn change(is_of_message: bool) -> BoxedStrategy<Change> {
    let text = || select(vec![json!("a"), json!("b"), json!("cut \u{fffd}")]);
    let (one, clear, whole) = if is_of_message {
        let vote = select(vec![json!(true), json!(false)]).prop_map(|vote| ("vote", vote));
        let output = text().prop_map(|text| ("output", json!({ "output_content_text": text })));
        let img = text().prop_map(|img| ("img", img));
        let whole = vec![
            &["vote", "img", "timestamp", "x_note"][..],
            &["vote", "timestamp"],
        ];
        (
            prop_oneof![vote, img, output].boxed(),
            vec!["vote", "img"],
            whole,
        )
    } else {
        let folder = text().prop_map(|folder| ("folder", folder));
        let title = text().prop_map(|title| ("title", title));
        let whole = vec![
            &["title", "created_at", "folder"][..],
            &["title", "created_at"],
        ];
        (
            prop_oneof![2 => title, 1 => folder].boxed(),
            vec!["folder", "title"],
            whole,
        )
    };
    prop_oneof![
        5 => one.prop_map(|field| Change::Set(vec![field])),
        5 => (select(whole), 0..3_i64).prop_map(|(names, number)| Change::Set(made(names, number))),
        1 => Just(Change::Set(Vec::new())),
        3 => select(clear).prop_map(Change::Clear),
        3 => Just(Change::Delete),
    ]
    .boxed()
}

/// Fields as a new item has them, so that nothing is to be filled in.
fn made(names: &'static [&'static str], number: i64) -> Vec<(&'static str, Value)> {
    let value = |name: &str| match name {
        "vote" => json!(number == 0),
        "timestamp" | "created_at" => json!(rfc3339(EARLIEST + number)),
        _ => json!(format!("new {number}")),
    };
    names.iter().map(|name| (*name, value(name))).collect()
}
