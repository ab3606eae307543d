//! Proxies that do what they should not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// What a proxy does to a request of this method and path: an answer of its own, or none to pass it on.
pub(super) type OwnAnswer = fn(method: &str, path: &str, length: usize) -> Option<String>;
/// What it makes of an answer.
pub(super) type Change = fn(answer: &str) -> String;

/// A proxy that takes an answer in whole before it passes it on, one request a connection.
pub(super) struct Proxy {
    address: String,
}

impl Proxy {
    /// A proxy before the server at this address. It ends with the process.
    pub(super) fn before(server: &str, own: OwnAnswer, change: Change) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = server.to_owned();
        thread::spawn(move || {
            for client in listener.incoming() {
                let server = server.clone();
                thread::spawn(move || pass_on(&client.unwrap(), &server, own, change));
            }
        });
        Self { address }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn pass_on(client: &TcpStream, server: &str, own: OwnAnswer, change: Change) -> Option<()> {
    let mut from_client = BufReader::new(client);
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if from_client.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut named = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.to_owned())
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut request = head.split(' ');
    let (method, target) = (request.next()?, request.next()?);
    let path = target.split('?').next()?;
    let mut to_client = client;
    if let Some(answer) = own(method, path, length) {
        to_client.write_all(answer.as_bytes()).ok()?;
        return to_client.shutdown(Shutdown::Both).ok();
    }
    if header("expect").is_some() {
        to_client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let mut body = vec![0; length];
    from_client.read_exact(&mut body).ok()?;
    let kept = head.lines().filter(|line| {
        let name = line.split(':').next().unwrap().to_ascii_lowercase();
        name != "connection" && name != "expect"
    });
    let kept: Vec<_> = kept.collect();
    let head = format!("{}\r\nConnection: close\r\n\r\n", kept.join("\r\n"));
    let mut to_server = TcpStream::connect(server).ok()?;
    to_server.write_all(head.as_bytes()).ok()?;
    to_server.write_all(&body).ok()?;
    let mut answer = Vec::new();
    // A server that answers before it has read everything may break off.
    let _ = to_server.read_to_end(&mut answer);
    let answer = change(&String::from_utf8_lossy(&answer));
    to_client.write_all(answer.as_bytes()).ok()?;
    to_client.shutdown(Shutdown::Both).ok()
}

/// An answer of a proxy's own.
pub(super) fn page(status: &str, headers: &str) -> String {
    let body = "<html>nginx</html>";
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\n{headers}Content-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}
