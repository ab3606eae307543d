//! Small requests that ask for much work: refused at once, and with little memory.

use std::time::{Duration, Instant};

use crate::support::api::Api;
use crate::support::{Server, report};

/// Generous, for a slow machine that does other things besides.
const AT_ONCE: Duration = Duration::from_secs(10);
/// What all of them may take beside what the server holds anyway and the longest of them, in MiB.
const MEMORY: usize = 64;
const ID: &str = r#""id":"6518856d-63ae-5696-b190-8593ef95598b""#;
const MESSAGE_ID: &str = r#""message_id":"7518856d-63ae-5696-b190-8593ef95598b""#;

fn conversation(fields: &str) -> String {
    format!("{{\"conversations\":[{{{ID}{fields}}}]}}")
}

fn message(fields: &str) -> String {
    conversation(&format!(",\"messages\":[{{{MESSAGE_ID}{fields}}}]"))
}

fn expect_refused_at_once(bodies: impl IntoIterator<Item = String>) {
    let server = Server::start();
    let api = Api::register(&server.url(), "user_id=ada");
    let cursor = api.drain(None, 500, |_| ());
    let idle = server.peak_memory();
    let (mut longest, mut slowest, mut count) = (0, Duration::ZERO, 0);
    for body in bodies {
        longest = longest.max(body.len() >> 20);
        let shown = &body[..body.len().min(200)];
        let started = Instant::now();
        let answer = api.try_post(&body).expect("an answer");
        let took = started.elapsed();
        assert!(matches!(answer.status, 400 | 413), "{shown}: {answer:?}");
        assert!(took < AT_ONCE, "{took:?}: {shown}");
        (slowest, count) = (slowest.max(took), count + 1);
    }
    if let (Some(idle), Some(peak)) = (idle, server.peak_memory()) {
        let most = idle + longest + MEMORY;
        assert!(
            peak <= most,
            "{idle} MiB idle, {peak} of {most} MiB at most"
        );
    }
    assert_eq!(api.drain(None, 500, |_| ()), cursor);
    assert_eq!(api.ids(), Vec::<String>::new());
    report(
        "G20",
        &format!("{count} bombs, each refused within {slowest:?}"),
    );
}

#[test]
fn a_million_levels() {
    const LEVELS: usize = 1_000_000;
    let mut bodies = Vec::new();
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let opened = open.repeat(LEVELS);
        let closed = format!("{opened}0{}", close.repeat(LEVELS));
        for value in [&opened, &closed] {
            bodies.push(value.clone());
            bodies.push(format!("{{\"conversations\":{value}}}"));
            bodies.push(format!("{{\"conversations\":[{value}]}}"));
            bodies.push(format!("{{\"conversations\":[],\"x\":{value}}}"));
            bodies.push(conversation(&format!(",\"messages\":[{value}]")));
            bodies.push(message(&format!(",\"metadata\":{value}")));
            bodies.push(message(&format!(",\"unknown\":{value}")));
            bodies.push(message(&format!(",\"output\":{value}")));
            bodies.push(message(&format!(
                ",\"output\":{{\"output_content_text\":{value}}}"
            )));
        }
    }
    expect_refused_at_once(bodies);
}

#[test]
fn long_tokens() {
    let digits = "9".repeat(1_000_000);
    // Mended they are three bytes each: more than a value may have.
    let escapes = "\\u0000".repeat(2_800_000);
    let halves = "\\ud83d".repeat(2_800_000);
    let key = "k".repeat(9_000_000);
    let part = |field: &str, value: &str| message(&format!(",\"request\":{{\"{field}\":{value}}}"));
    expect_refused_at_once([
        part("top_k", &digits),
        part("top_k", &format!("1e{digits}")),
        part("top_k", &format!("0.{digits}")),
        part("id", &digits),
        part("min_p", &digits),
        message(&format!(",\"metadata\":{}", digits.repeat(9))),
        message(&format!(",\"timestamp\":\"{digits}\"")),
        message(&format!(",\"timestamp\":{digits}")),
        message(&format!(",\"timestamp\":1e{digits}")),
        message(&format!(",\"metadata\":\"{escapes}\"")),
        part("request_input", &format!("\"{escapes}\"")),
        part("request_input", &format!("\"{halves}\"")),
        conversation(&format!(",\"title\":\"{key}\"")),
        conversation(&format!(",\"{key}\":1")),
        conversation(&format!(",\"{escapes}\":1")),
        message(&format!(",\"metadata\":{{\"{key}\":1}}")),
        format!("{{\"{key}\":1,\"conversations\":[]}}"),
        format!("{{\"conversations\":[{{\"id\":\"{key}\"}}]}}"),
        " ".repeat(5_000_000),
        format!("\"{key}"),
    ]);
}

#[test]
fn many_small_things() {
    let list = |item: &str, count| vec![item; count].join(",");
    let keys = |count| -> String { (0..count).map(|key| format!(",\"{key:x}\":0")).collect() };
    let same_key = ",\"k\":0".repeat(200_000);
    let duplicates = vec!["{\"a\":0,\"a\":0}"; 15_000].join(",");
    expect_refused_at_once([
        format!("{{\"conversations\":[{}]}}", list("{}", 300_000)),
        format!("{{\"conversations\":[{}]}}", list("0", 300_000)),
        format!("{{\"conversations\":[{}]}}", list("[]", 10_000)),
        conversation(&format!(",\"messages\":[{}]", list("{}", 300_000))),
        conversation(&format!(",\"messages\":[{}]", list("0", 100_000))),
        conversation(&keys(100_000)),
        message(&keys(100_000)),
        message(&format!(",\"output\":{{\"a\":0{}}}", keys(100_000))),
        message(&format!(",\"metadata\":{{\"a\":0{}}}", keys(20_000))),
        conversation(&same_key),
        message(&format!(",\"metadata\":[{duplicates}]")),
        message(&format!(",\"metadata\":[{}]", list("0", 5_000_000))),
        format!("{{\"x\":[{}]}}", list("{\"a\":0}", 100_000)),
    ]);
}

#[test]
fn a_large_value_in_other_words() {
    let server = Server::start();
    let api = Api::register(&server.url(), "user_id=ada");
    let idle = server.peak_memory();
    let list = vec!["0"; 2_000_000].join(",");
    for value in [format!("[{list}]"), format!("[ {list}]")] {
        let body = message(&format!(",\"doc\":{value}"));
        let started = Instant::now();
        assert_eq!(api.try_post(&body).expect("an answer").status, 200);
        assert!(started.elapsed() < AT_ONCE);
    }
    // To tell that they are equal takes no more than to keep them.
    if let (Some(idle), Some(peak)) = (idle, server.peak_memory()) {
        assert!(peak - idle <= MEMORY, "{idle} MiB idle, {peak} MiB at most");
    }
}
