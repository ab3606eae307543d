//! Getting: the server beside a bare actix handler that returns the same bytes.

use std::path::Path;

use anyhow::{Result, ensure};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

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
/// Who is measured: the server where it asks for a token.
pub const BY_TOKEN: &str = "Convosync on SQLite, by token";
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
const VISITOR: &str = "visitor-0";
/// When the token ends.
const IN_2100: u64 = 4_102_444_800;

/// Who answers which request.
struct Asked<'a> {
    of: Watched<'a>,
    /// Lines of the head.
    lines: String,
    status: u16,
}

/// A server on the same store that asks for tokens, and one for the visitor that is asked about.
pub struct Protected {
    server: Convosync,
    token: String,
}

impl Protected {
    /// Starts it beside the one on the store of this folder.
    pub fn start(program: &Path, folder: &Path) -> Result<Self> {
        let secret = "a secret of the benchmark, which is long enough";
        let server = Convosync::asking_for_tokens(program, folder, secret)?;
        let claims = json!({ "sub": VISITOR, "exp": IN_2100 });
        let key = EncodingKey::from_secret(secret.as_bytes())?;
        let token = jsonwebtoken::encode(&Header::default(), &claims, &key)?;
        Ok(Self { server, token })
    }
}

/// The server, one that asks for tokens if it is given, and the bare handler, in turns.
pub fn measure(
    who: &'static str,
    server: &Convosync,
    database: Option<&PostgresServer>,
    protected: Option<&Protected>,
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
    let asked = |of, etag, lines| (of, etag, lines);
    let mut all = vec![asked(server, etag.as_str(), String::new())];
    if let Some(Protected { server, token }) = protected {
        let server = Watched::convosync(BY_TOKEN, server, database);
        all.push(asked(
            server,
            &etag,
            format!("authorization: Bearer {token}\r\n"),
        ));
    }
    all.push(asked(bare, bare::ETAG, String::new()));
    let round = |_| -> Result<Vec<Figures>> {
        let mut round = Vec::new();
        for clients in CLIENTS {
            for (of, etag, lines) in &all {
                let whole = Asked {
                    of: *of,
                    lines: lines.clone(),
                    status: 200,
                };
                round.push(get(IDS, &whole, clients, REQUESTS)?);
                let unchanged = Asked {
                    of: *of,
                    lines: format!("{lines}if-none-match: {etag}\r\n"),
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
