//! A server of key sets on this machine.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::support::key_set;

/// What it answers next, and how often it was asked.
pub(crate) struct KeyServer {
    pub(crate) address: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    asked: AtomicUsize,
    answer: Mutex<Answer>,
}

#[derive(Clone, Default)]
struct Answer {
    /// How long it takes to write it.
    pause: Duration,
    bytes: Vec<u8>,
}

impl KeyServer {
    /// A server that answers with these keys.
    pub(crate) fn of(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let state = Arc::<State>::default();
        let serving = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = Arc::clone(&serving);
                thread::spawn(move || serving.answer(stream.unwrap()));
            }
        });
        let server = Self { address, state };
        server.answer_keys(keys);
        server
    }

    pub(crate) fn answer_keys(&self, keys: &[Value]) {
        self.answer("200 OK", &key_set(keys));
    }

    pub(crate) fn answer(&self, status: &str, body: &str) {
        let bytes = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.state.answer.lock().unwrap().bytes = bytes.into_bytes();
    }

    pub(crate) fn answer_after(&self, pause: Duration) {
        self.state.answer.lock().unwrap().pause = pause;
    }

    pub(crate) fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }
}

impl State {
    fn answer(&self, mut stream: TcpStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).unwrap() == 0 {
                return;
            }
            request.extend(byte);
        }
        assert!(request.starts_with(b"GET /jwks.json HTTP/1.1\r\n"));
        let answer = self.answer.lock().unwrap().clone();
        self.asked.fetch_add(1, Ordering::SeqCst);
        thread::sleep(answer.pause);
        // Whoever asked may be gone.
        let _ = stream.write_all(&answer.bytes);
    }
}

/// Waits until something is so, for 10 seconds at most.
#[track_caller]
pub(crate) fn wait_until(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never was so");
        thread::sleep(Duration::from_millis(5));
    }
}
