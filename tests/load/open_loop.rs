//! A client that asks at a fixed rate, however long it waits for answers, and one that asks as fast as it is answered.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

use crate::support::Server;
use crate::support::api::Api;

const VISITORS: u64 = 64;
/// How many conversations a visitor has, which the posts edit.
const CONVERSATIONS: u64 = 20;
/// A moment long ago, in Unix time; each post is a second later.
const LONG_AGO: u64 = 1_500_000_000;
/// More than any request may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What came of requests.
#[derive(Default)]
pub(super) struct Outcome {
    /// How long those took that were done.
    pub(super) done: Vec<Duration>,
    /// How long those took that were refused by 503 with `Retry-After`.
    pub(super) refused: Vec<Duration>,
    /// What else happened.
    pub(super) failed: Vec<String>,
}

/// Clients of a server, which edit conversations of many visitors.
pub(super) struct Clients {
    address: String,
    /// Those that nobody waits at, the one that is idle longest first.
    idle: RefCell<VecDeque<TcpStream>>,
    posts: Cell<u64>,
    /// What was posted before only counts if it failed.
    counted_from: Cell<Instant>,
    /// A field of each conversation, so that a server has more to do than its clients.
    filler: String,
    outcome: RefCell<Outcome>,
}

impl Clients {
    /// Registers the visitors and posts their conversations, of about so many kilobytes: an edit is more work than a
    /// new one.
    pub(super) fn of(server: &Server, kilobytes: usize) -> Rc<Self> {
        for number in 0..VISITORS {
            Api::register(&server.url(), &format!("user_id=visitor-{number}"));
        }
        let this = Rc::new(Self {
            address: server.address().to_owned(),
            idle: RefCell::default(),
            posts: Cell::new(0),
            counted_from: Cell::new(Instant::now()),
            filler: "{\"a\":\"b\"},".repeat(100 * kilobytes),
            outcome: RefCell::default(),
        });
        let made = this.post_while(8, |posts| posts < VISITORS * CONVERSATIONS);
        assert_eq!(made.failed, [""; 0]);
        this
    }

    /// So many clients, each of whom posts as soon as the last post is answered.
    pub(super) fn as_fast_as_answered(self: &Rc<Self>, clients: usize, time: Duration) -> Outcome {
        let until = Instant::now() + time;
        self.post_while(clients, move |_| Instant::now() < until)
    }

    /// So many clients, who go on as long as is said of how many posts there were.
    fn post_while(
        self: &Rc<Self>,
        clients: usize,
        goes_on: impl Fn(u64) -> bool + Copy + 'static,
    ) -> Outcome {
        let tasks = LocalSet::new();
        for _ in 0..clients {
            let this = Rc::clone(self);
            tasks.spawn_local(async move {
                while goes_on(this.posts.get()) {
                    this.post().await;
                }
            });
        }
        block_on(tasks);
        self.outcome.take()
    }

    /// So many posts a second over so many connections, of which each is a client who waits for its answer: while all of
    /// them wait, nobody posts. The time begins after a burst, of which only failures count.
    pub(super) fn at_rate(
        self: &Rc<Self>,
        per_second: f64,
        connections: usize,
        burst: Duration,
        time: Duration,
    ) -> Outcome {
        let tasks = LocalSet::new();
        let this = Rc::clone(self);
        tasks.spawn_local(async move {
            let began = Instant::now();
            this.counted_from.set(began + burst);
            let mut sent = 0.0;
            while began.elapsed() < burst + time {
                while sent < began.elapsed().as_secs_f64() * per_second {
                    sent += 1.0;
                    let waiting = Rc::strong_count(&this);
                    if waiting <= connections {
                        let this = Rc::clone(&this);
                        tokio::task::spawn_local(async move { this.post().await });
                    }
                }
                sleep(Duration::from_millis(2)).await;
            }
        });
        block_on(tasks);
        self.outcome.take()
    }

    async fn post(&self) {
        let began = Instant::now();
        let request = self.next_request();
        let asked = timeout(TIMEOUT, self.ask(request.as_bytes())).await;
        let took = began.elapsed();
        let counts = began >= self.counted_from.get();
        let mut outcome = self.outcome.borrow_mut();
        match asked {
            Ok(Ok(answer)) if !counts && (is_done(&answer) || is_refusal(&answer)) => {}
            Ok(Ok(answer)) if is_done(&answer) => outcome.done.push(took),
            Ok(Ok(answer)) if is_refusal(&answer) => outcome.refused.push(took),
            Ok(Ok(answer)) => outcome.failed.push(answer),
            Ok(Err(error)) => outcome.failed.push(error.to_string()),
            Err(_elapsed) => outcome.failed.push("no answer".to_owned()),
        }
    }

    fn next_request(&self) -> String {
        let post = self.posts.replace(self.posts.get() + 1);
        let visitor = post % VISITORS;
        let body = format!(
            "{{\"conversations\":[{{\"id\":\"conversation-{}\",\"title\":\"Edit {post}\",\
             \"updated_at\":{},\"filler\":[{}{{}}]}}]}}",
            post / VISITORS % CONVERSATIONS,
            LONG_AGO + post,
            self.filler,
        );
        format!(
            "POST /api/sync-conversations/?user_id=visitor-{visitor} HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// The answer to a request, on a connection that is idle or else on a new one.
    async fn ask(&self, request: &[u8]) -> io::Result<String> {
        let idle = self.idle.borrow_mut().pop_front();
        if let Some(connection) = idle {
            // The server may have closed it meanwhile, as any client has to expect.
            if let Ok(answer) = self.ask_on(connection, request).await {
                return Ok(answer);
            }
        }
        let connection = TcpStream::connect(&self.address).await?;
        self.ask_on(connection, request).await
    }

    async fn ask_on(&self, mut connection: TcpStream, request: &[u8]) -> io::Result<String> {
        connection.write_all(request).await?;
        let mut answer = Vec::new();
        while !is_whole(&answer) {
            if connection.read_buf(&mut answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let answer = String::from_utf8(answer).map_err(io::Error::other)?;
        if header(&answer, "connection") != Some("close") {
            self.idle.borrow_mut().push_back(connection);
        }
        Ok(answer)
    }
}

fn block_on(tasks: LocalSet) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(tasks);
}

fn is_done(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200 ")
}

fn is_refusal(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 503 ") && header(answer, "retry-after").is_some()
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = answer.split("\r\n").take_while(|line| !line.is_empty());
    lines.find_map(|line| {
        let (sent, value) = line.split_once(": ")?;
        sent.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Whether the head has come, and as much after it as it declares.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|it| it == b"\r\n\r\n") else {
        return false;
    };
    let length = str::from_utf8(&answer[..head]).ok();
    let length = length.and_then(|head| header(head, "content-length")?.parse().ok());
    answer.len() >= head + 4 + length.unwrap_or(0)
}
