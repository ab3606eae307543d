//! Getting: the server beside a bare actix handler that returns the same bytes.

use anyhow::{Result, ensure};

use crate::bare::{self, Bare};
use crate::bodies::{Shape, body};
use crate::convosync::Convosync;
use crate::figures::{Figures, Measured};
use crate::http::Client;
use crate::load;
use crate::postgres_server::PostgresServer;
use crate::posts::CLIENTS;
use crate::watched::Watched;

/// Who is measured.
pub const BARE: &str = "bare actix handler";
/// What is measured: the ids of 1,000 conversations.
pub const IDS: &str = "GET 1,000 ids";
/// What is measured: the same, unchanged since the client has got them.
pub const NOT_MODIFIED: &str = "GET ids: 304";

/// Ten bodies are 1,000 conversations of two messages.
const SHAPE: Shape = Shape::new(100, 2);
const BODIES: u64 = 10;
/// How many answers are got in a round; of short ones, twice as many.
const REQUESTS: u64 = 8_000;
const PATH: &str = "/api/sync-conversations/?user_id=visitor-0";

/// Who answers which request.
struct Asked<'a> {
    of: Watched<'a>,
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
        client.post(PATH, &body(SHAPE, number))?;
    }
    let answer = client.get(PATH, "")?;
    ensure!(
        answer.status == 200,
        "{PATH} was answered {}",
        answer.status
    );
    let etag = answer.etag.clone().unwrap_or_default();
    let bare = Bare::start(answer.body)?;
    let server = Watched::convosync(who, server, database);
    let bare = Watched {
        who: BARE,
        host: bare.host(),
        process: bare.process(),
        database: None,
    };
    let round = |_| -> Result<Vec<Figures>> {
        let mut round = Vec::new();
        for clients in CLIENTS {
            for (of, etag) in [(server, etag.as_str()), (bare, bare::ETAG)] {
                let whole = Asked {
                    of,
                    lines: String::new(),
                    status: 200,
                };
                round.push(get(IDS, &whole, clients, REQUESTS)?);
                let unchanged = Asked {
                    of,
                    lines: format!("if-none-match: {etag}\r\n"),
                    status: 304,
                };
                round.push(get(NOT_MODIFIED, &unchanged, clients, 2 * REQUESTS)?);
            }
        }
        Ok(round)
    };
    let rounds: Vec<_> = (0..rounds).map(round).collect::<Result<_>>()?;
    measured.add_medians(&rounds, rate_beside_bare);
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
    let send = |client: &mut Client, ()| {
        let answer = client.get(PATH, &asked.lines)?;
        ensure!(
            answer.status == asked.status,
            "it was answered {}",
            answer.status
        );
        Ok(())
    };
    asked.of.measure(what, clients, || {
        let load = load::run(asked.of.host, clients, requests, |_| (), send)?;
        Ok((load, usize::try_from(requests)?))
    })
}
