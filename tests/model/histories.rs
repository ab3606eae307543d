//! Generated histories: what the devices of a few visitors do to a server, from pools so small
//! that everything collides.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::naming::{self, CONVERSATION_IDS, MESSAGE_IDS};
use super::values::{Kind, Level, canonical_id, kind, known_fields, rfc3339};
use super::violations::{Rejected, invalid, lenient};

/// How many visitors a history knows.
pub const VISITORS: usize = 2;

/// The visitor of a history who is anonymous.
pub const ANONYMOUS: usize = 0;

/// The visitor of a history who is registered.
pub const REGISTERED: usize = 1;

/// How many replicas each visitor has.
pub const REPLICAS: usize = 2;

/// 2025-03-01T10:00:00Z, the first of the past instants.
const EARLIEST: i64 = 1_740_823_200_000_000;
const DAY: i64 = 86_400_000_000;

/// In ascending order; two pairs are one microsecond apart, as a deletion and what follows it.
const PAST: [i64; 8] = [
    EARLIEST,
    EARLIEST + DAY,
    EARLIEST + DAY + 1,
    EARLIEST + 2 * DAY,
    EARLIEST + 3 * DAY,
    EARLIEST + 3 * DAY + 1,
    EARLIEST + 4 * DAY,
    EARLIEST + 5 * DAY,
];

/// 2098-01-01 and 2099-01-01.
const FUTURE: [i64; 2] = [4_039_372_800_000_000, 4_070_908_800_000_000];

/// One thing that a device does, for one of the visitors.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Posts a body that is taken, all or most of it.
    Post {
        /// Below [`VISITORS`].
        visitor: usize,
        /// The body.
        body: Value,
        /// Of a body with bad items, posted so that the good ones are taken.
        lenient: Option<Lenient>,
        /// In a turn, by a replica.
        turn: Option<Turn>,
    },
    /// Posts a body with exactly one bad place.
    PostInvalid {
        /// Below [`VISITORS`].
        visitor: usize,
        /// The body.
        body: Value,
        /// The bad place, like `conversations[0].messages[1].vote`.
        path: String,
        /// In a turn, by a replica.
        turn: Option<Turn>,
    },
    /// A replica pulls.
    Pull {
        /// Below [`VISITORS`].
        visitor: usize,
        /// Which of the visitor's, below [`REPLICAS`].
        replica: usize,
        /// How many items a page.
        limit: u32,
        /// One page only, and not until nothing is left.
        is_one_page: bool,
    },
    /// Lists the ids of the living conversations.
    ListIds {
        /// Below [`VISITORS`].
        visitor: usize,
    },
    /// Deletes a conversation, or a message of it, by its URL.
    Delete {
        /// Below [`VISITORS`].
        visitor: usize,
        /// The conversation's id.
        id: String,
        /// The message's, if it is one.
        message_id: Option<String>,
    },
    /// A visitor is erased, and another takes its place.
    Erase {
        /// Below [`VISITORS`].
        visitor: usize,
    },
    /// The anonymous visitor, [`ANONYMOUS`], is merged into the registered one, [`REGISTERED`], and another takes
    /// its place.
    Merge,
}

/// What becomes of a body with bad items of which the good ones are taken.
#[derive(Debug, Clone)]
pub struct Lenient {
    /// The body without the bad items.
    pub taken: Value,
    /// The bad items, in the order of the body.
    pub rejected: Vec<Rejected>,
}

/// How a replica posts that also learns what has changed.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// Which of the visitor's, below [`REPLICAS`].
    pub replica: usize,
    /// How many items a page.
    pub limit: u32,
}

/// A history of at most `length` operations, and seldom many fewer; shrinks towards none.
pub fn history(length: usize) -> impl Strategy<Value = Vec<Operation>> {
    let post = (0..VISITORS, body(), turn()).prop_map(|(visitor, body, turn)| {
        let lenient = None;
        Step::Do(Operation::Post {
            visitor,
            body,
            lenient,
            turn,
        })
    });
    let step = prop_oneof![
        9 => post,
        4 => again(),
        1 => invalid().prop_map(Step::Do),
        1 => lenient().prop_map(Step::Do),
        4 => pull().prop_map(Step::Do),
        1 => (0..VISITORS).prop_map(|visitor| Step::Do(Operation::ListIds { visitor })),
        2 => delete().prop_map(Step::Do),
        1 => leave().prop_map(Step::Do),
    ];
    (
        vec(prop::option::weighted(0.98, step), length),
        naming::names(),
    )
        .prop_map(|(steps, names)| {
            let history = steps.into_iter().flatten().fold(Vec::new(), follow);
            history
                .into_iter()
                .map(|operation| named(operation, &names))
                .collect()
        })
}

/// Half of the posts are turns.
pub fn turn() -> impl Strategy<Value = Option<Turn>> {
    prop::option::of((0..REPLICAS, limit()).prop_map(|(replica, limit)| Turn { replica, limit }))
}

/// The operation with the ids of this history.
fn named(mut operation: Operation, names: &naming::Names) -> Operation {
    match &mut operation {
        Operation::Post { body, lenient, .. } => {
            names.apply(body);
            if let Some(Lenient { taken, rejected }) = lenient {
                names.apply(taken);
                for item in rejected {
                    item.id = item
                        .id
                        .take()
                        .map(|id| canonical_id(&names.of(item.is_message, &id)));
                }
            }
        }
        Operation::PostInvalid { body, .. } => names.apply(body),
        Operation::Delete { id, message_id, .. } => {
            *id = names.of(false, id);
            if let Some(message_id) = message_id {
                *message_id = names.of(true, message_id);
            }
        }
        Operation::Pull { .. }
        | Operation::ListIds { .. }
        | Operation::Erase { .. }
        | Operation::Merge => {}
    }
    operation
}

/// A valid body.
pub fn body() -> BoxedStrategy<Value> {
    let conversations = prop_oneof![1 => Just(0..=0), 8 => Just(1..=1), 4 => Just(2..=3)]
        .prop_flat_map(|size| vec(conversation(), size));
    (conversations, prop::bool::weighted(0.1))
        .prop_map(|(conversations, beside)| {
            let mut body = json!({ "conversations": conversations });
            if beside {
                body["sent_by"] = json!({"device": 1});
            }
            body
        })
        .boxed()
}

/// An operation, or what makes one of those before it.
#[derive(Debug, Clone)]
enum Step {
    Do(Operation),
    Again {
        which: Index,
        visitor: Option<usize>,
        updated_at: Option<Value>,
        turn: Option<Turn>,
    },
}

/// A device posts once more what was posted before: the same bytes, or as another visitor, or
/// whole conversations under another `updated_at`.
fn again() -> impl Strategy<Value = Step> {
    (
        any::<Index>(),
        prop::option::weighted(0.15, 0..VISITORS),
        prop::option::weighted(0.5, stamp()),
        turn(),
    )
        .prop_map(|(which, visitor, updated_at, turn)| Step::Again {
            which,
            visitor,
            updated_at,
            turn,
        })
}

fn follow(mut history: Vec<Operation>, step: Step) -> Vec<Operation> {
    match step {
        Step::Do(operation) => history.push(operation),
        Step::Again {
            which,
            visitor: other,
            updated_at,
            turn,
        } => {
            let posts = history.iter().filter_map(|operation| match operation {
                Operation::Post {
                    visitor,
                    body,
                    lenient,
                    ..
                } => {
                    let taken = lenient.as_ref().map_or(body, |lenient| &lenient.taken);
                    Some((*visitor, taken))
                }
                _ => None,
            });
            let posts: Vec<(usize, &Value)> = posts.collect();
            if posts.is_empty() {
                return history;
            }
            let (visitor, body) = which.get(&posts);
            let (visitor, mut body) = (other.unwrap_or(*visitor), (*body).clone());
            let conversations = body["conversations"].as_array_mut();
            if let Some(updated_at) = updated_at {
                for conversation in conversations.into_iter().flatten() {
                    conversation["updated_at"] = updated_at.clone();
                }
            }
            let lenient = None;
            history.push(Operation::Post {
                visitor,
                body,
                lenient,
                turn,
            });
        }
    }
    history
}

fn pull() -> impl Strategy<Value = Operation> {
    (0..VISITORS, 0..REPLICAS, limit(), prop::bool::weighted(0.3)).prop_map(
        |(visitor, replica, limit, is_one_page)| Operation::Pull {
            visitor,
            replica,
            limit,
            is_one_page,
        },
    )
}

fn delete() -> impl Strategy<Value = Operation> {
    let message_id = prop::option::of(id(&MESSAGE_IDS));
    (0..VISITORS, id(&CONVERSATION_IDS), message_id).prop_map(|(visitor, id, message_id)| {
        let text = |id: Value| id.as_str().map(str::to_owned);
        Operation::Delete {
            visitor,
            id: text(id).unwrap_or_default(),
            message_id: message_id.and_then(text),
        }
    })
}

fn leave() -> impl Strategy<Value = Operation> {
    prop_oneof![
        1 => (0..VISITORS).prop_map(|visitor| Operation::Erase { visitor }),
        2 => Just(Operation::Merge),
    ]
}

fn limit() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 1..=5_u32, 2 => select(vec![6, 50, 500, 1_000])]
}

fn conversation() -> BoxedStrategy<Value> {
    let messages = prop_oneof![
        1 => Just(None),
        1 => Just(Some(Value::Null)),
        1 => Just(Some(json!([]))),
        7 => vec(message(), 1..=3).prop_map(|messages| Some(Value::Array(messages))),
    ];
    let stamp = prop_oneof![1 => Just(None), 6 => stamp().prop_map(Some)];
    (
        id(&CONVERSATION_IDS),
        stamp,
        deletion(),
        fields(Level::Conversation, 0..=3),
        messages,
    )
        .prop_map(|(id, updated_at, deleted_at, mut object, messages)| {
            object.insert("id".to_owned(), id);
            insert(&mut object, "updated_at", updated_at);
            insert(&mut object, "deleted_at", deleted_at);
            insert(&mut object, "messages", messages);
            Value::Object(object)
        })
        .boxed()
}

fn message() -> BoxedStrategy<Value> {
    let stamp = prop_oneof![4 => Just(None), 5 => stamp().prop_map(Some)];
    (
        id(&MESSAGE_IDS),
        stamp,
        deletion(),
        fields(Level::Message, 0..=3),
        part(Level::Request),
        part(Level::Response),
        part(Level::Output),
    )
        .prop_map(
            |(id, updated_at, deleted_at, mut object, request, response, output)| {
                object.insert("message_id".to_owned(), id);
                insert(&mut object, "updated_at", updated_at);
                insert(&mut object, "deleted_at", deleted_at);
                insert(&mut object, "request", request);
                insert(&mut object, "response", response);
                insert(&mut object, "output", output);
                Value::Object(object)
            },
        )
        .boxed()
}

fn part(level: Level) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        5 => Just(None),
        1 => Just(Some(Value::Null)),
        1 => Just(Some(json!({}))),
        4 => fields(level, 1..=4).prop_map(|fields| Some(Value::Object(fields))),
    ]
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
}

fn id(pool: &'static [&'static str]) -> impl Strategy<Value = Value> {
    (select(pool), prop::bool::weighted(0.1)).prop_map(|(id, is_upper_case)| {
        json!(if is_upper_case {
            id.to_uppercase()
        } else {
            id.to_owned()
        })
    })
}

/// A few fields with values; the first ones of each level, and unknown ones, come often.
fn fields(
    level: Level,
    size: std::ops::RangeInclusive<usize>,
) -> impl Strategy<Value = Map<String, Value>> {
    let known: Vec<&str> = known_fields(level)
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| *name != "updated_at")
        .collect();
    let often: Vec<&str> = known.iter().copied().take(3).collect();
    let name = prop_oneof![
        3 => select(often),
        4 => select(known),
        2 => select(vec!["x_note", "folder", "__proto__"]),
    ];
    let field = name.prop_flat_map(move |name| (Just(name.to_owned()), value(kind(level, name))));
    vec(field, size).prop_map(|fields| fields.into_iter().collect())
}

fn value(kind: Kind) -> BoxedStrategy<Value> {
    let pool = match kind {
        Kind::Timestamp => {
            return prop_oneof![1 => Just(Value::Null), 5 => timestamp(&PAST)].boxed();
        }
        Kind::Text => vec![
            json!(""),
            json!("a"),
            json!("b"),
            json!("Grüße\n👋🏽 \"e\u{301}\""),
            // One text: U+0000, half of a pair, and what both become.
            json!("a\0"),
            json!("a\u{e83d}"),
            json!("a\u{fffd}"),
        ],
        Kind::Boolean => vec![json!(true), json!(false), json!(0), json!(1)],
        Kind::Integer => vec![json!(0), json!(40), json!(40.0), json!(-7), json!(i64::MAX)],
        Kind::Number => vec![json!(0), json!(1), json!(1.0), json!(0.7), json!(-2.5e-7)],
        Kind::PartId => vec![
            json!(1),
            json!(2),
            json!("1"),
            json!(""),
            json!("é-1"),
            json!("\0"),
        ],
        Kind::Json => vec![
            json!({}),
            json!([]),
            json!(""),
            json!(0),
            json!(false),
            json!("text"),
            json!({"a": "\0"}),
            json!({"a": "\u{ee00}\u{e83d}"}),
            json!({"a": "\u{fffd}"}),
            json!({"a": 1}),
            json!({"a": null, "b": {"updated_at": "2025-01-01T00:00:00Z"}}),
            json!([0.1, 1, null, {"k": [true]}]),
        ],
    };
    prop_oneof![1 => Just(Value::Null), 5 => select(pool)].boxed()
}

/// An `updated_at`: mostly of the past, sometimes of the future, sometimes null.
fn stamp() -> impl Strategy<Value = Value> {
    prop_oneof![
        14 => timestamp(&PAST),
        2 => timestamp(&FUTURE),
        1 => Just(Value::Null),
    ]
}

/// Mostly none, else mostly early, so that much can live again.
fn deletion() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        40 => Just(None),
        2 => Just(Some(Value::Null)),
        8 => timestamp(&PAST[..5]).prop_map(Some),
        3 => timestamp(&PAST).prop_map(Some),
        1 => timestamp(&FUTURE).prop_map(Some),
    ]
}

/// An instant in one of the ways to write it.
fn timestamp(pool: &'static [i64]) -> impl Strategy<Value = Value> {
    (select(pool), 0..16_u8).prop_map(|(micros, style)| {
        let text = rfc3339(micros);
        match style {
            0 => json!(rfc3339(micros + 7_200_000_000).replace('Z', "+02:00")),
            1 => json!(rfc3339(micros - 12_600_000_000).replace('Z', "-03:30")),
            2 => json!(text.replace('Z', "9Z")),
            3 => json!(text.replace('Z', "")),
            4 => json!(text.to_lowercase()),
            5 => unix_time(micros, 6),
            6 => unix_time(micros, 3),
            _ => json!(text),
        }
    })
}

/// So many microseconds as a number with so many digits fewer before its point.
fn unix_time(micros: i64, digits: usize) -> Value {
    let text = micros.to_string();
    let (whole, fraction) = text.split_at(text.len() - digits);
    if fraction.bytes().all(|digit| digit == b'0') {
        return json!(whole.parse::<i64>().expect("a number"));
    }
    let number = format!("{whole}.{fraction}");
    json!(number.parse::<f64>().expect("a number"))
}
