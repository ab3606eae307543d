//! Good bodies damaged at random places: taken or refused, and a refused one leaves no trace.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::support::api::Api;
use crate::support::json_text::Json;
use crate::support::{Server, report, scaled};

const REAL_CONVERSATIONS: &str = include_str!("../data/real-conversations.json");
const ONE_OF_EVERYTHING: &str = include_str!("one-of-everything.json");

/// How many mutated bodies are posted.
fn mutations() -> u32 {
    u32::try_from(scaled("CONVOSYNC_MUTATIONS", 1_000)).unwrap()
}

/// How many bodies are posted for one visitor.
const VISITOR_LASTS: u32 = 20;

/// What a damaged body is full of.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "1e999",
    "\"\"",
    "{}",
    "[]",
    "\"\\u0000\"",
    "\"\\ud83d\"",
    "\"id\":",
    "\"messages\":",
    "\"deleted_at\":",
    "\u{feff}",
    "\0",
    "2025-01-01T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "9223372036854775808",
    "//",
    "\n",
    "é",
    "😀",
    "00000000-0000-0000-0000-000000000000",
];

/// Damage at a place that fits any length.
#[derive(Clone, Debug)]
enum Damage {
    FlipBit(Index, u8),
    Insert(Index, Vec<u8>),
    Delete(Index, usize),
    Replace(Index, usize, Vec<u8>),
    Duplicate(Index, Index, usize),
    SwapTokens(Index, Index),
    Truncate(Index),
}

impl Damage {
    fn to(&self, body: &mut Vec<u8>) {
        let length = body.len();
        let span = |at: &Index, size: usize| {
            let start = at.index(length + 1);
            start..length.min(start + size)
        };
        match self {
            Self::FlipBit(at, bit) if length > 0 => body[at.index(length)] ^= 1 << bit,
            Self::FlipBit(..) => {}
            Self::Insert(at, bytes) => {
                body.splice(span(at, 0), bytes.iter().copied());
            }
            Self::Delete(at, size) => {
                body.drain(span(at, *size));
            }
            Self::Replace(at, size, bytes) => {
                body.splice(span(at, *size), bytes.iter().copied());
            }
            Self::Duplicate(from, to, size) => {
                let copy = body[span(from, *size)].to_vec();
                body.splice(span(to, 0), copy);
            }
            Self::SwapTokens(one, other) => {
                let mut tokens = tokens(body);
                if !tokens.is_empty() {
                    let [one, other] = [one, other].map(|at| at.index(tokens.len()));
                    tokens.swap(one, other);
                    *body = tokens.concat();
                }
            }
            Self::Truncate(at) => body.truncate(at.index(length + 1)),
        }
    }
}

/// The body in pieces that each end with a token; strings are not looked into.
fn tokens(body: &[u8]) -> Vec<&[u8]> {
    let mut in_string = false;
    body.split_inclusive(|byte| {
        in_string ^= *byte == b'"';
        !in_string && b"\",:{}[]".contains(byte)
    })
    .collect()
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => select(TOKENS).prop_map(|token| token.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..5),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), 0..8_u8).prop_map(|(at, bit)| Damage::FlipBit(at, bit)),
        2 => (at(), bytes()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        2 => (at(), 1..40_usize).prop_map(|(at, size)| Damage::Delete(at, size)),
        2 => (at(), 1..10_usize, bytes()).prop_map(|(at, size, bytes)| Damage::Replace(at, size, bytes)),
        2 => (at(), at(), 1..400_usize).prop_map(|(from, to, size)| Damage::Duplicate(from, to, size)),
        3 => (at(), at()).prop_map(|(one, other)| Damage::SwapTokens(one, other)),
        1 => at().prop_map(Damage::Truncate),
    ]
}

fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let whole = select(&[
        ONE_OF_EVERYTHING,
        ONE_OF_EVERYTHING,
        ONE_OF_EVERYTHING,
        REAL_CONVERSATIONS,
    ]);
    (whole, prop::collection::vec(damage(), 1..4)).prop_map(|(whole, damages)| {
        let mut body = whole.as_bytes().to_vec();
        for damage in damages {
            damage.to(&mut body);
        }
        body
    })
}

/// A visitor and everything the server has of it.
struct Visitor {
    api: Api,
    state: Vec<String>,
    posts: u32,
}

impl Visitor {
    fn new(server: &Server, number: u32) -> Self {
        let api = Api::register(&server.url(), &format!("user_id=mutations-{number}"));
        let state = state(&api);
        Self {
            api,
            state,
            posts: 0,
        }
    }
}

/// Every page of a pull from the start, with the last cursor, and the ids. The pages are texts,
/// since they may hold numbers of any size.
fn state(api: &Api) -> Vec<String> {
    let mut state = vec![api.ids().concat()];
    let mut cursor = None;
    loop {
        let text = api.page_text(cursor.as_deref());
        let page = Json::parse(&text);
        state.push(text);
        if page.get("has_more") == Some(&Json::Literal("false".into())) {
            return state;
        }
        let Some(Json::Text(next)) = page.get("cursor") else {
            panic!("no cursor: {page:?}");
        };
        cursor = Some(next.clone());
    }
}

#[test]
fn a_damaged_body_is_taken_or_leaves_no_trace() {
    let server = Server::start();
    let visitor = RefCell::new(Visitor::new(&server, 0));
    let config = Config {
        cases: mutations(),
        failure_persistence: None,
        ..Config::default()
    };
    let visitors = RefCell::new(0..);
    let [taken, refused] = [RefCell::new(0_u32), RefCell::new(0_u32)];
    let result = TestRunner::new(config).run(&damaged(), |body| {
        let mut visitor = visitor.borrow_mut();
        if visitor.posts == VISITOR_LASTS {
            let number = visitors.borrow_mut().next().unwrap();
            *visitor = Visitor::new(&server, number + 1);
        }
        visitor.posts += 1;
        let Some(answer) = visitor.api.try_post(&body) else {
            return Err(TestCaseError::fail("no answer"));
        };
        let after = state(&visitor.api);
        match answer.status {
            200 => *taken.borrow_mut() += 1,
            400..500 if after == visitor.state => *refused.borrow_mut() += 1,
            _ => return Err(TestCaseError::fail(format!("{answer:?}: {after:?}"))),
        }
        visitor.state = after;
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    let [taken, refused] = [taken.into_inner(), refused.into_inner()];
    // Neither of them is what is tested if it is all that happens.
    let few = mutations() / 50;
    assert!(
        taken > few && refused > few,
        "{taken} taken, {refused} refused"
    );
    report(
        "G16",
        &format!(
            "{} mutated bodies, {taken} taken, {refused} refused",
            mutations()
        ),
    );
}
