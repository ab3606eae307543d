//! A client of server-sent events: as much of one as the tests need.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::model::stand_ins;

/// How long a server may be silent before a test fails; every 15 seconds it says something.
const TIMEOUT: Duration = Duration::from_secs(40);

/// A stream of events over HTTP/1.1.
pub(crate) struct Events {
    reader: BufReader<TcpStream>,
    /// The status that it was answered with.
    pub(crate) status: u16,
    /// What has come of an event that is not whole.
    came: Vec<u8>,
    /// Whether the server has ended the stream, as against the connection.
    pub(crate) is_complete: bool,
}

/// What came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Came {
    /// An event.
    Event(Event),
    /// A comment, which means nothing.
    Comment,
    /// Something else between empty lines.
    Other,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Event {
    /// The ids of the conversations in it.
    pub(crate) fn conversations(&self) -> Vec<String> {
        let conversations = self.data["conversations"].as_array().expect("an array");
        let ids = conversations.iter().map(|conversation| &conversation["id"]);
        ids.map(|id| id.as_str().expect("an id").to_owned())
            .collect()
    }
}

impl Events {
    /// Opens a stream at `127.0.0.1:PORT` of whom the query names; goes on after this event, if any. `None` where the
    /// connection ended before there was an answer.
    pub(crate) fn open(address: &str, query: &str, last: Option<&str>) -> Option<Self> {
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let last = last.map(|last| format!("Last-Event-ID: {last}\r\n"));
        let request = format!(
            "GET /api/sync-conversations/events/?{query} HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
            last.unwrap_or_default()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut events = Self {
            reader: BufReader::new(stream),
            status: 0,
            came: Vec::new(),
            is_complete: false,
        };
        let line = events.line()?;
        events.status = line.get(9..12)?.parse().expect("a status");
        while !events.line()?.is_empty() {}
        Some(events)
    }

    /// The next event; `None` where the stream or the connection has ended.
    pub(crate) fn next(&mut self) -> Option<Event> {
        loop {
            if let Came::Event(event) = self.next_of_any()? {
                return Some(event);
            }
        }
    }

    /// Whatever comes next; `None` where the stream or the connection has ended.
    pub(crate) fn next_of_any(&mut self) -> Option<Came> {
        loop {
            if let Some(end) = self.came.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<_> = self.came.drain(..end + 2).collect();
                return Some(read(str::from_utf8(&event).expect("UTF-8")));
            }
            let chunk = self.chunk()?;
            self.came.extend(chunk);
        }
    }

    fn chunk(&mut self) -> Option<Vec<u8>> {
        let length = usize::from_str_radix(&self.line()?, 16).expect("a length");
        let mut chunk = vec![0; length + 2];
        ended(self.reader.read_exact(&mut chunk))?;
        assert!(chunk.ends_with(b"\r\n"));
        chunk.truncate(length);
        self.is_complete |= length == 0;
        (length > 0).then_some(chunk)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        ended(self.reader.read_line(&mut line))?;
        line.strip_suffix("\r\n").map(str::to_owned)
    }
}

/// `None` where the connection has ended.
fn ended<T>(read: std::io::Result<T>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) => {
            let is_silent = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            assert!(!is_silent, "the server is silent: {error}");
            None
        }
    }
}

/// Reads what stands between two empty lines.
pub(crate) fn read(text: &str) -> Came {
    let lines = text.trim_end_matches('\n').lines();
    let fields: Vec<_> = lines
        .map(|line| line.split_once(": ").unwrap_or((line, "")))
        .collect();
    let field = |name: &str| {
        let found = fields.iter().find(|(field, _)| *field == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    match field("event") {
        Some(kind) => Came::Event(Event {
            kind,
            id: field("id"),
            data: stand_ins::read(&field("data").expect("data")).expect("JSON"),
        }),
        None if text.starts_with(':') => Came::Comment,
        None => Came::Other,
    }
}
