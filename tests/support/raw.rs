//! HTTP as bytes on a connection, for requests that no client library would send.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// How long a server may be silent before a test fails.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What may be sent before an answer, to clients that wait for it.
const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// One connection to a server.
pub(crate) struct Connection(TcpStream);

/// An answer, read until the server closed the connection.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Sends bytes; whether the server still took them.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).is_ok()
    }

    /// Whether the server has closed the connection or sent anything.
    pub(crate) fn is_answered(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let answered = self.0.peek(&mut [0]).is_ok();
        self.0.set_nonblocking(false).unwrap();
        answered
    }

    /// The status of the answer that has begun to arrive, of which nothing is taken.
    pub(crate) fn begun_status(&self) -> Option<u16> {
        let mut line = [0; "HTTP/1.1 200".len()];
        self.0.set_nonblocking(true).unwrap();
        let peeked = self.0.peek(&mut line);
        self.0.set_nonblocking(false).unwrap();
        let is_whole = peeked.is_ok_and(|length| length == line.len());
        let status = str::from_utf8(&line).ok()?.rsplit(' ').next()?;
        is_whole.then(|| status.parse().expect("a status"))
    }

    /// Tells the server that nothing more will come.
    pub(crate) fn end(&self) {
        // The server may have closed it already.
        let _ = self.0.shutdown(Shutdown::Write);
    }

    /// One answer of known length, after which the connection may be used again.
    pub(crate) fn answer(&mut self) -> RawAnswer {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).expect("a head");
            bytes.extend(byte);
        }
        let head = RawAnswer::parse(&bytes).expect("a head");
        let length = head
            .header("content-length")
            .map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        bytes.extend(body);
        RawAnswer::parse(&bytes).expect("an answer")
    }

    /// The answer, if the server gave one before it closed the connection; that it first said to go on
    /// does not count.
    pub(crate) fn last_answer(mut self) -> Option<RawAnswer> {
        let mut bytes = Vec::new();
        let mut some = [0; 4096];
        loop {
            match self.0.read(&mut some) {
                Ok(0) => break,
                Ok(count) => bytes.extend(&some[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("the server is silent: {error}"),
            }
        }
        let answer = bytes.strip_prefix(GO_ON).unwrap_or(&bytes);
        RawAnswer::parse(answer)
    }
}

impl RawAnswer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Some(Self {
            status: status.parse().expect("a status"),
            headers,
            body: body.to_owned(),
        })
    }

    /// The value of a header, whose name is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut of_name = self.headers.iter().filter(|(sent, _)| sent == name);
        let value = of_name.next().map(|(_, value)| value.as_str());
        assert!(of_name.next().is_none(), "{name} twice: {self:?}");
        value
    }
}
