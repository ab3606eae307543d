//! A server of one page.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Answers every request with one page, for as long as the tests run.
pub(super) struct StaticServer {
    port: u16,
}

impl StaticServer {
    pub(super) fn start(page: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // Browsers open connections that they may not need: none may hold up another.
                thread::spawn(move || stream.map(|stream| answer(stream, page)));
            }
        });
        Self { port }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

/// Answers one request, unless the browser goes away before.
fn answer(mut stream: TcpStream, page: &str) {
    let lines = BufReader::new(&stream).lines();
    let head: Vec<_> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    if head.is_empty() {
        return;
    }
    let length = page.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{page}"
    );
    let _ = stream.write_all(answer.as_bytes());
}
