//! The life of a visitor as the README shows it: its lines are run one after the other, and answered as it says.

use std::process::Command;

use crate::support::Server;

const TITLE: &str = "## The life of a visitor\n";
/// The server of the README.
const URL: &str = "http://127.0.0.1:7800";
/// Stands between what two blocks print.
const MARK: &str = "---- the next block ----";
/// What the README leaves out.
const ANYTHING: &str = "...";

/// A block of lines for the shell, and what the README says that they print.
#[derive(Debug, Default)]
struct Block {
    lines: String,
    printed: String,
}

#[test]
fn the_life_of_a_visitor() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let blocks = blocks(&readme);
    assert!(blocks.len() > 5, "{blocks:?}");
    let server = Server::start();
    let lines = blocks.iter().map(|block| block.lines.as_str());
    let script = lines
        .collect::<Vec<_>>()
        .join(&format!("\necho '{MARK}'\n"));
    let script = script.replace(URL, &server.url());
    let ran = Command::new("sh").args(["-c", &script]).output().unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap();
    let complaints = String::from_utf8_lossy(&ran.stderr);
    let printed: Vec<_> = printed.split(MARK).map(str::trim).collect();
    assert_eq!(printed.len(), blocks.len(), "{printed:?} {complaints}");
    for (block, printed) in blocks.iter().zip(printed) {
        assert!(
            is_shown_as(printed, block.printed.trim()),
            "{}\nprints\n{printed}\nand not\n{}{complaints}",
            block.lines,
            block.printed
        );
    }
}

/// The blocks of the section, each for the shell with the one after it, if that shows what is printed.
fn blocks(readme: &str) -> Vec<Block> {
    let (_, section) = readme.split_once(TITLE).expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut blocks: Vec<Block> = Vec::new();
    // What stands between three backticks is inside and outside of a block in turns.
    for fenced in section.split("```").skip(1).step_by(2) {
        let (kind, text) = fenced.split_once('\n').expect("a kind of block");
        match (kind, blocks.last_mut()) {
            ("sh", _) => blocks.push(Block {
                lines: text.trim().to_owned(),
                printed: String::new(),
            }),
            (_, Some(last)) => last.printed = text.to_owned(),
            (_, None) => panic!("{kind} is printed by nothing"),
        }
    }
    blocks
}

/// Whether a text is the one that is shown, with anything where that leaves something out. Answers end without a line
/// end, after which the README begins a new line all the same.
fn is_shown_as(text: &str, shown: &str) -> bool {
    let (text, shown) = (text.replace('\n', ""), shown.replace('\n', ""));
    let mut pieces = shown.split(ANYTHING);
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some((_, after)) = rest.split_once(piece) else {
            return false;
        };
        rest = after;
    }
    rest.is_empty()
}

#[test]
fn what_is_left_out_may_be_anything() {
    for shown in [
        "abc",
        "...",
        "a...c",
        "...bc",
        "a...",
        "...a...b...c...",
        "abc...",
    ] {
        assert!(is_shown_as("abc", shown), "{shown}");
    }
    for shown in ["", "ab", "b...", "a...b", "...d...", "abcd", "a...b...x"] {
        assert!(!is_shown_as("abc", shown), "{shown}");
    }
}
