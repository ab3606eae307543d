//! Posting beside many streams of changes that have nothing to tell, and what such a stream takes of memory.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bodies::Shape;
use crate::convosync::Convosync;
use crate::figures::{Figures, Measured, Spread};
use crate::http::Client;
use crate::postgres_server::PostgresServer;
use crate::posts::{ON_POSTGRES, ON_SQLITE, post};

/// How many streams are open.
pub const STREAMS: u64 = 2_000;
/// What is measured: posts while they are.
pub const BESIDE: &str = "1×2 new beside 2,000 idle streams";
/// What is measured: the same posts while none is.
pub const ALONE: &str = "1×2 new without streams";

const SHAPE: Shape = Shape::new(1, 2);
const CLIENTS: usize = 8;
const POSTS: u64 = 8_000;
/// How long the first event of a stream may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an idle stream takes of the server's memory, in KiB.
#[derive(Clone, Copy, Debug)]
pub struct IdleStream {
    /// Whose.
    pub who: &'static str,
    /// In all rounds.
    pub kib: Spread,
}

/// A server on SQLite, and one on PostgreSQL where there is one.
pub fn measure(
    program: &Path,
    database: Option<&PostgresServer>,
    rounds: usize,
    measured: &mut Measured,
) -> Result<()> {
    let on_sqlite = |_| {
        let folder = tempfile::tempdir()?;
        let server = Convosync::on_sqlite(program, folder.path())?;
        round(ON_SQLITE, &server, None)
    };
    add(ON_SQLITE, (0..rounds).map(on_sqlite), measured)?;
    if let Some(database) = database {
        let on_postgres = |_| {
            let server = Convosync::start(program, &database.new_database()?)?;
            round(ON_POSTGRES, &server, Some(database))
        };
        add(ON_POSTGRES, (0..rounds).map(on_postgres), measured)?;
    }
    Ok(())
}

fn add(
    who: &'static str,
    rounds: impl Iterator<Item = Result<(Vec<Figures>, f64)>>,
    measured: &mut Measured,
) -> Result<()> {
    let rounds: Vec<_> = rounds.collect::<Result<_>>()?;
    let (figures, kib): (Vec<_>, Vec<_>) = rounds.into_iter().unzip();
    measured.add_medians(&figures, cpu_beside_alone);
    let kib = Spread::of(kib);
    measured
        .idle_streams
        .extend(kib.map(|kib| IdleStream { who, kib }));
    Ok(())
}

/// Posts without streams and beside them, and how many KiB a stream takes.
fn round(
    who: &'static str,
    server: &Convosync,
    database: Option<&PostgresServer>,
) -> Result<(Vec<Figures>, f64)> {
    server.register_visitors()?;
    let mut client = Client::connect(server.host())?;
    for number in 0..STREAMS {
        let body = format!(r#"{{"user_id":"{}"}}"#, reader(number));
        client.post("/api/visitors/", &body)?;
    }
    let alone = post(who, ALONE, server, database, CLIENTS, SHAPE, 0..POSTS)?;
    let before = server.process().memory()?;
    let streams = (0..STREAMS).map(|number| open(server.host(), number));
    let streams: Vec<_> = streams.collect::<Result<_>>()?;
    let more = server.process().memory()?.saturating_sub(before);
    let numbers = POSTS..2 * POSTS;
    let beside = post(who, BESIDE, server, database, CLIENTS, SHAPE, numbers)?;
    drop(streams);
    Ok((vec![alone, beside], more as f64 / 1_024.0 / STREAMS as f64))
}

/// A visitor for whom nobody posts.
fn reader(number: u64) -> String {
    format!("reader-{number}")
}

/// Opens a stream and reads its first event, which tells that there is nothing.
fn open(host: SocketAddr, number: u64) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let path = format!("/api/sync-conversations/events/?user_id={}", reader(number));
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n")?;
    let mut received = Vec::new();
    let mut piece = [0; 1_024];
    while !has_event(&received) {
        let read = stream.read(&mut piece)?;
        ensure!(read > 0, "the stream ended");
        received.extend_from_slice(piece.get(..read).unwrap_or_default());
        ensure!(received.starts_with(b"HTTP/1.1 200 "), "no stream");
    }
    Ok(stream)
}

fn has_event(received: &[u8]) -> bool {
    let text = String::from_utf8_lossy(received);
    let data = text.split_once("data:").map(|(_, data)| data);
    data.is_some_and(|data| data.contains("\n\n"))
}

/// What a post took beside the same one without streams, in processor time.
fn cpu_beside_alone(row: &Figures, round: &[Figures]) -> Option<f64> {
    let alone = round.iter().find(|other| other.what == ALONE)?;
    Some(row.cpu / alone.cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_with_an_empty_line() {
        assert!(!has_event(b"HTTP/1.1 200 OK\r\n\r\nretry: 2000\n\n"));
        assert!(!has_event(b"retry: 2000\n\nevent: change\ndata: {}\n"));
        assert!(has_event(b"retry: 2000\n\nevent: change\ndata: {}\n\n"));
    }
}
