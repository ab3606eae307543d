//! A crowd of clients that send a byte now and then: each is cut off, and an honest one beside them does not notice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::p99;
use crate::support::api::Api;
use crate::support::raw::Connection;
use crate::support::{Server, report, scaled};

const QUICK: u128 = 200;
/// As many as one process may well connect, and the server takes.
const MOST: u128 = 3_000;
/// The latest end of a slow client.
const LATEST: Duration = Duration::from_secs(30);

const GET: &str = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
const HEAD: &str = "POST /api/sync-conversations/?user_id=ada HTTP/1.1\r\nHost: localhost\r\n\
     Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n";

/// A client that sends white space, or what of a head may be endless.
struct Slow {
    connection: Connection,
    byte: &'static str,
    /// Whether the server has to say that it took too long.
    is_told: bool,
}

impl Slow {
    fn at_head(address: &str) -> Self {
        let mut connection = Connection::open(address);
        assert!(connection.send("GET /livez HTTP/1.1\r\nX: "));
        Self {
            connection,
            byte: "x",
            is_told: true,
        }
    }

    fn at_body(address: &str) -> Self {
        let mut connection = Connection::open(address);
        assert!(connection.send(HEAD));
        Self {
            connection,
            byte: " ",
            is_told: true,
        }
    }

    /// A second head may come late; that it is none is known only when it has taken too long.
    fn at_second_head(address: &str) -> Self {
        let mut connection = Connection::open(address);
        assert!(connection.send(GET));
        assert_eq!(connection.answer().status, 200);
        Self {
            connection,
            byte: "x",
            is_told: false,
        }
    }

    /// Whether the server has had enough.
    fn has_ended(&mut self) -> bool {
        self.connection.is_answered() || !self.connection.send(self.byte)
    }
}

/// Posts until told to stop; how long each post took.
fn post_honestly(api: &Api, is_done: impl Fn() -> bool) -> Vec<Duration> {
    let mut took = Vec::new();
    while !is_done() {
        let body = json!({ "conversations": [{ "id": format!("{}", took.len()) }] });
        let posted = Instant::now();
        let answer = api.post(&body);
        assert_eq!(answer.status, 200, "{answer:?}");
        took.push(posted.elapsed());
        thread::sleep(Duration::from_millis(5));
    }
    took
}

#[test]
fn a_crowd_of_slow_clients_is_cut_off_and_disturbs_nobody() {
    let number = scaled("CONVOSYNC_SLOW_CLIENTS", QUICK).min(MOST);
    let server = Server::start_on(None, &[]);
    let address = server.address();
    let honest = Api::register(&server.url(), "user_id=honest");
    Api::register(&server.url(), "user_id=ada");
    let began = Instant::now();
    let quiet = post_honestly(&honest, || began.elapsed() > Duration::from_secs(1));

    // Of thirty: twenty heads, eight bodies, and where there is time for it two second heads.
    let open = |place: u128| match place % 30 {
        0..20 => Slow::at_head(address),
        28.. if number > QUICK => Slow::at_second_head(address),
        _ => Slow::at_body(address),
    };
    let is_done = AtomicBool::new(false);
    let (latest, beside) = thread::scope(|scope| {
        let honest = scope.spawn(|| post_honestly(&honest, || is_done.load(Ordering::Relaxed)));
        let mut slow: Vec<_> = (0..number).map(open).collect();
        let began = Instant::now();
        let mut latest = Duration::ZERO;
        while !slow.is_empty() && began.elapsed() < 2 * LATEST {
            for ended in slow.extract_if(.., Slow::has_ended) {
                latest = began.elapsed();
                let answer = ended.connection.last_answer();
                let status = answer.map(|answer| answer.status);
                assert_eq!(status, ended.is_told.then_some(408));
            }
            thread::sleep(Duration::from_millis(250));
        }
        is_done.store(true, Ordering::Relaxed);
        let beside = honest.join().unwrap();
        assert!(slow.is_empty(), "{} are there still", slow.len());
        (latest, beside)
    });
    let (quiet, beside) = (p99(&quiet), p99(&beside));
    let figures = format!(
        "{number} slow clients gone after {latest:?}; an honest one's p99 {quiet:?} alone, {beside:?} beside them"
    );
    report("G19", &figures);
    assert!(latest < LATEST, "{figures}");
    // Beside other tests it says little.
    if number > QUICK {
        let most = (2 * quiet).max(Duration::from_millis(50));
        assert!(beside <= most, "{figures}");
    }
}
