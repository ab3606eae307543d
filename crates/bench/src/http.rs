//! An HTTP client that costs next to nothing: what it takes, the server that is measured beside it
//! does not get.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, Result, anyhow, bail};

/// A connection that is kept.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    host: SocketAddr,
    received: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer<'c> {
    /// Its status.
    pub status: u16,
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its body.
    pub body: &'c [u8],
}

impl Client {
    /// Connects.
    pub fn connect(host: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            host,
            received: vec![0; 1 << 20],
        })
    }

    /// Sends a GET, with these lines in its head.
    pub fn get(&mut self, path: &str, lines: &str) -> Result<Answer<'_>> {
        let host = self.host;
        let head = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{lines}\r\n");
        self.stream.write_all(head.as_bytes())?;
        self.receive()
    }

    /// Sends a POST of JSON. An answer of another status than 2xx or 503 is an error.
    pub fn post(&mut self, path: &str, body: &str) -> Result<Answer<'_>> {
        self.send_json("POST", path, "", body)
    }

    /// Sends JSON, with these lines in its head. An answer of another status
    /// than 2xx or 503 is an error.
    pub fn send_json(
        &mut self,
        method: &str,
        path: &str,
        lines: &str,
        body: &str,
    ) -> Result<Answer<'_>> {
        let host = self.host;
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{lines}\r\n"
        );
        self.stream.write_all(head.as_bytes())?;
        self.stream.write_all(body.as_bytes())?;
        let answer = self.receive()?;
        if !matches!(answer.status, 200..300 | 503) {
            bail!(
                "{method} {path} was answered {}: {}",
                answer.status,
                String::from_utf8_lossy(answer.body)
            );
        }
        Ok(answer)
    }

    fn receive(&mut self) -> Result<Answer<'_>> {
        let mut filled = 0;
        let (status, etag, start, extent) = loop {
            self.receive_more(&mut filled)?;
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut head = httparse::Response::new(&mut headers);
            let parsed = head.parse(&self.received[..filled])?;
            let httparse::Status::Complete(start) = parsed else {
                continue;
            };
            let header = |name: &str| {
                let mut found = head.headers.iter();
                let found = found.find(|header| header.name.eq_ignore_ascii_case(name))?;
                std::str::from_utf8(found.value).ok()
            };
            let status = head.code.context("an answer without a status")?;
            let extent = match (header("content-length"), header("transfer-encoding")) {
                (_, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => Extent::Chunked,
                (Some(length), _) => Extent::Length(length.parse()?),
                _ if status == 304 || status == 204 => Extent::Length(0),
                _ => bail!("an answer without a length"),
            };
            break (status, header("etag").map(str::to_owned), start, extent);
        };
        let end = match extent {
            Extent::Length(length) => self.receive_rest(filled, start + length)?,
            Extent::Chunked => self.receive_chunks(filled, start)?,
        };
        Ok(Answer {
            status,
            etag,
            body: &self.received[start..end],
        })
    }

    fn receive_more(&mut self, filled: &mut usize) -> Result<()> {
        if *filled == self.received.len() {
            self.received.resize(2 * *filled, 0);
        }
        let read = self.stream.read(&mut self.received[*filled..])?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        *filled += read;
        Ok(())
    }

    fn receive_rest(&mut self, filled: usize, end: usize) -> Result<usize> {
        if self.received.len() < end {
            self.received.resize(end, 0);
        }
        self.stream
            .read_exact(&mut self.received[filled..end.max(filled)])?;
        Ok(end)
    }

    /// Receives chunks, the first of which starts here, and moves what they hold together. No server
    /// that is measured sends trailers.
    fn receive_chunks(&mut self, mut filled: usize, start: usize) -> Result<usize> {
        let (mut chunk, mut end) = (start, start);
        loop {
            let parsed = httparse::parse_chunk_size(&self.received[chunk..filled])
                .map_err(|_| anyhow!("a chunk without a size"))?;
            let httparse::Status::Complete((line, size)) = parsed else {
                self.receive_more(&mut filled)?;
                continue;
            };
            let held = chunk + line..chunk + line + usize::try_from(size)?;
            chunk = held.end + "\r\n".len();
            while filled < chunk {
                self.receive_more(&mut filled)?;
            }
            if held.is_empty() {
                return Ok(end);
            }
            let length = held.len();
            self.received.copy_within(held, end);
            end += length;
        }
    }
}

/// How far a body goes.
enum Extent {
    Length(usize),
    Chunked,
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn chunks_are_put_together_however_they_arrive() {
        const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let long = "x".repeat(0x10_0000);
        let answers = [
            vec![
                format!("{CHUNKED}4\r\none \r"),
                "\n3\r\ntwo\r\n0".into(),
                "\r\n\r\n".into(),
            ],
            vec![
                format!("{CHUNKED}100000\r\n{long}\r\n"),
                "1\r\ny\r\n0\r\n\r\n".into(),
            ],
            vec!["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlast".into()],
        ];
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = Client::connect(listener.local_addr().unwrap()).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            for answer in answers {
                assert_ne!(stream.read(&mut [0; 1_000]).unwrap(), 0);
                for piece in answer {
                    stream.write_all(piece.as_bytes()).unwrap();
                    thread::sleep(Duration::from_millis(10));
                }
            }
        });
        for body in ["one two", &format!("{long}y"), "last"] {
            let answer = client.get("/", "").unwrap();
            assert!(answer.body == body.as_bytes());
        }
        server.join().unwrap();
    }
}
