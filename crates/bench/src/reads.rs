//! Getting: the server beside a bare actix handler that returns the same bytes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bare::{self, Bare};
use crate::bodies::{Shape, body};
use crate::convosync::Convosync;
use crate::figures::{Figures, Measured, Spent};
use crate::http::Client;
use crate::load;
use crate::postgres_server::PostgresServer;
use crate::posts::CLIENTS;
use crate::process::Process;

/// Who is measured.
pub const BARE: &str = "bare actix handler";
/// What is measured: the ids of 1,000 conversations.
pub const IDS: &str = "GET 1,000 ids";
/// What is measured: the same, unchanged since the client has got them.
pub const NOT_MODIFIED: &str = "GET ids: 304";
/// What is measured: a page of 500 changes.
pub const PAGE: &str = "GET 500 changes";

/// Ten bodies are 1,000 conversations of two messages.
const SHAPE: Shape = Shape::new(100, 2);
const BODIES: u64 = 10;

/// Who answers which request.
struct Asked<'a> {
    who: &'static str,
    host: SocketAddr,
    process: Process,
    database: Option<&'a PostgresServer>,
    path: &'a str,
    /// Lines of the head.
    lines: String,
    status: u16,
}

/// The server and the bare handler, in turns.
pub fn measure(
    who: &'static str,
    server: &Convosync,
    database: Option<&PostgresServer>,
    rounds: usize,
    measured: &mut Measured,
) -> Result<()> {
    server.register_visitors()?;
    let mut client = Client::connect(server.host())?;
    for number in 0..BODIES {
        let path = "/api/sync-conversations/?user_id=visitor-0";
        client.post(path, &body(SHAPE, number))?;
    }
    for (what, path, requests) in [
        (IDS, "/api/sync-conversations/?user_id=visitor-0", 8_000),
        (
            PAGE,
            "/api/sync-conversations/changes/?user_id=visitor-0&limit=500",
            800,
        ),
    ] {
        // A connection that nobody uses for a while is closed.
        let mut client = Client::connect(server.host())?;
        let answer = client.get(path, "")?;
        ensure!(
            answer.status == 200,
            "{path} was answered {}",
            answer.status
        );
        let etag = answer.etag.clone().unwrap_or_default();
        let bare = Bare::start(answer.body)?;
        let of_bare = |lines, status| Asked {
            who: BARE,
            host: bare.host(),
            process: bare.process(),
            database: None,
            path,
            lines,
            status,
        };
        let of_server = |lines, status| Asked {
            who,
            host: server.host(),
            process: server.process(),
            database,
            path,
            lines,
            status,
        };
        let unchanged = |etag: &str| format!("if-none-match: {etag}\r\n");
        let round = |_| -> Result<Vec<Figures>> {
            let mut round = Vec::new();
            for clients in CLIENTS {
                let mut asked = vec![(what, of_server(String::new(), 200), requests)];
                if what == IDS {
                    let unchanged = of_server(unchanged(&etag), 304);
                    asked.push((NOT_MODIFIED, unchanged, 2 * requests));
                }
                asked.push((what, of_bare(String::new(), 200), requests));
                if what == IDS {
                    let unchanged = of_bare(unchanged(bare::ETAG), 304);
                    asked.push((NOT_MODIFIED, unchanged, 2 * requests));
                }
                for (what, asked, requests) in asked {
                    round.push(get(what, &asked, clients, requests)?);
                }
            }
            Ok(round)
        };
        let rounds: Vec<_> = (0..rounds).map(round).collect::<Result<_>>()?;
        measured.add_medians(&rounds, rate_beside_bare);
    }
    Ok(())
}

/// What getting came to beside a bare handler, in answers a second.
fn rate_beside_bare(row: &Figures, round: &[Figures]) -> Option<f64> {
    let is_bare = |other: &&Figures| {
        (other.who, &other.what, other.clients) == (BARE, &row.what, row.clients)
    };
    Some(row.rate / round.iter().find(is_bare)?.rate)
}

fn get(what: &str, asked: &Asked<'_>, clients: usize, requests: u64) -> Result<Figures> {
    let cpu = || -> Result<_> {
        let database = asked
            .database
            .map_or(Ok(Duration::ZERO), PostgresServer::cpu);
        Ok((asked.process.cpu()?, database?))
    };
    let before = cpu()?;
    let load = load::run(
        asked.host,
        clients,
        requests,
        |_| (),
        |client, ()| {
            let answer = client.get(asked.path, &asked.lines)?;
            ensure!(
                answer.status == asked.status,
                "it was answered {}",
                answer.status
            );
            Ok(())
        },
    )?;
    let after = cpu()?;
    let spent = Spent {
        units: usize::try_from(requests)?,
        cpu: after.0 - before.0,
        database_cpu: after.1.saturating_sub(before.1),
        peak_memory: Some(asked.process.peak_memory()?),
    };
    Ok(Figures::of(
        asked.who,
        what.to_owned(),
        clients,
        &load,
        spent,
    ))
}
