//! Each function with ten thousand examples that were damaged, and as many times with anything.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a failed expectation in a test is the result"
)]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};

/// Where the examples and the words of each target are.
const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz");

/// How many cases are tried: `CONVOSYNC_FUZZ_CASES`, or 10,000 as often as `CONVOSYNC_TORTURE` says.
fn cases() -> u32 {
    let number = |name| {
        let value = std::env::var(name).ok()?;
        Some(value.parse::<u32>().expect("a number"))
    };
    number("CONVOSYNC_FUZZ_CASES").unwrap_or(10_000 * number("CONVOSYNC_TORTURE").unwrap_or(1))
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = fs::read_dir(Path::new(FUZZ).join("seeds").join(target)).unwrap();
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The words of a target's dictionary, without those that are escaped there.
fn words(target: &str) -> Vec<Vec<u8>> {
    let path = Path::new(FUZZ).join("dictionaries").join(target);
    let Ok(dictionary) = fs::read_to_string(path) else {
        return vec![b"\0".to_vec()];
    };
    let quoted = dictionary
        .lines()
        .filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    let plain = quoted.filter(|word| !word.contains('\\'));
    plain.map(|word| word.as_bytes().to_vec()).collect()
}

#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Put(Index, Vec<u8>),
    Cut(Index, usize),
    Repeat(Index, usize, Index),
    End(Index),
}

impl Damage {
    fn to(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        let span = |at: &Index, size: usize| {
            let from = at.index(length + 1);
            from..length.min(from + size)
        };
        match self {
            Self::Flip(at, bit) if length > 0 => bytes[at.index(length)] ^= 1 << bit,
            Self::Flip(..) => {}
            Self::Put(at, word) => drop(bytes.splice(span(at, 0), word.iter().copied())),
            Self::Cut(at, size) => drop(bytes.drain(span(at, *size))),
            Self::Repeat(from, size, to) => {
                let piece = bytes[span(from, *size)].to_vec();
                drop(bytes.splice(span(to, 0), piece));
            }
            Self::End(at) => bytes.truncate(at.index(length + 1)),
        }
    }
}

fn damage(words: Vec<Vec<u8>>) -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (
            at(),
            prop_oneof![select(words), prop::collection::vec(any::<u8>(), 1..5)]
        )
            .prop_map(|(at, word)| Damage::Put(at, word)),
        (at(), 1..20_usize).prop_map(|(at, size)| Damage::Cut(at, size)),
        (at(), 1..200_usize, at()).prop_map(|(from, size, to)| Damage::Repeat(from, size, to)),
        at().prop_map(Damage::End),
    ]
}

/// Tries a target with damaged examples, and now and then with bytes that were never one.
fn try_all(target: &str, function: fn(&[u8])) {
    for seed in seeds(target) {
        function(&seed);
    }
    let damaged = (
        select(seeds(target)),
        prop::collection::vec(damage(words(target)), 1..6),
    );
    let damaged = damaged.prop_map(|(mut bytes, damages)| {
        damages.iter().for_each(|damage| damage.to(&mut bytes));
        bytes
    });
    let bytes = prop_oneof![
        9 => damaged,
        1 => prop::collection::vec(any::<u8>(), 0..100),
    ];
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases())
    };
    TestRunner::new(config)
        .run(&bytes, |bytes| {
            function(&bytes);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn posts() {
    try_all("post", convosync_fuzzing::post);
}

#[test]
fn timestamps() {
    try_all("timestamp", convosync_fuzzing::timestamp);
}

#[test]
fn queries() {
    try_all("query", convosync_fuzzing::query);
}

#[test]
fn cursors() {
    try_all("cursor", convosync_fuzzing::cursor);
}

#[test]
fn tokens() {
    try_all("token", convosync_fuzzing::token);
}

#[test]
fn gzips() {
    try_all("gzip", convosync_fuzzing::gzip);
}
