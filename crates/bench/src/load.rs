//! Clients that post or get at the same time, and how long each answer took them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};

use crate::bodies::{Shape, body};
use crate::http::Client;

/// How long answers took.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Of these answers.
    pub fn of(mut answers: Vec<Duration>) -> Self {
        answers.sort_unstable();
        Self(answers)
    }

    /// The least latency that so many of a hundred answers kept to.
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0
            .get(last * percent / 100)
            .copied()
            .unwrap_or_default()
    }
}

/// What some clients saw.
#[derive(Clone, Debug)]
pub struct Load {
    /// From the first request to the last answer.
    pub wall: Duration,
    /// Of every answer.
    pub latencies: Latencies,
}

/// Lets so many clients at once send requests 0, 1, 2, … up to a number. Each request is prepared
/// before its time is taken.
pub fn run<R>(
    host: SocketAddr,
    clients: usize,
    requests: u64,
    prepare: impl Fn(u64) -> R + Sync,
    send: impl Fn(&mut Client, R) -> Result<()> + Sync,
) -> Result<Load> {
    let next = AtomicU64::new(0);
    let client = || -> Result<Vec<Duration>> {
        let mut connection = Client::connect(host)?;
        let mut latencies = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= requests {
                return Ok(latencies);
            }
            let request = prepare(number);
            let started = Instant::now();
            send(&mut connection, request)?;
            latencies.push(started.elapsed());
        }
    };
    let started = Instant::now();
    let latencies: Result<Vec<_>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        clients
            .into_iter()
            .map(|client| client.join().map_err(|_| anyhow!("a client panicked"))?)
            .collect()
    });
    let wall = started.elapsed();
    let latencies = latencies.context("a request failed")?.concat();
    Ok(Load {
        wall,
        latencies: Latencies::of(latencies),
    })
}

/// How long a client waits that is refused because the server is busy.
pub const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// The visitors whom clients post for, in turns.
pub const VISITORS: u64 = 128;

/// Whom the post of this number is for.
pub fn visitor(number: u64) -> String {
    format!("visitor-{}", number % VISITORS)
}

/// Where somebody posts.
pub fn post_path(user_id: &str) -> String {
    format!("/api/sync-conversations/?user_id={user_id}")
}

/// Posts the bodies of these numbers to a Convosync server.
pub fn post(
    host: SocketAddr,
    clients: usize,
    shape: Shape,
    numbers: std::ops::Range<u64>,
) -> Result<Load> {
    post_to(host, clients, shape, numbers, visitor)
}

/// The same, each for whom it is said to be.
pub fn post_to(
    host: SocketAddr,
    clients: usize,
    shape: Shape,
    numbers: std::ops::Range<u64>,
    whom: impl Fn(u64) -> String + Sync,
) -> Result<Load> {
    let first = numbers.start;
    let count = numbers.end - first;
    run(
        host,
        clients,
        count,
        |number| {
            let number = first + number;
            (post_path(&whom(number)), body(shape, number))
        },
        |client, (path, body)| {
            // A server that is too busy says so, and is asked again.
            while client.post(&path, &body)?.status == 503 {
                thread::sleep(BUSY_PAUSE);
            }
            Ok(())
        },
    )
}
