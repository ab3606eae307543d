//! Pages of 500 changes in a store of a million messages: the server beside a floor that reads the same
//! rows and writes the same bytes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cpu_time::ThreadTime;

use crate::big_store::{BigStore, Place, VISITORS};
use crate::feed::path;
use crate::figures::{Figures, Measured, Spent, cpu_beside};
use crate::floor::pages::{Asked, PageFloor};
use crate::floor::{postgres_pages, sqlite_pages};
use crate::http::Client;
use crate::load::{self, visitor};
use crate::postgres_server::PostgresServer;
use crate::posts::{CLIENTS, SQLITE_FLOOR};

/// What is measured.
pub const PAGE: &str = "GET 500 changes";
/// Who is measured.
pub const LIBPQ_FLOOR: &str = "floor: libpq";

const LIMIT: usize = 500;
/// How much of a visitor's changes a device has seen that asks, in percent.
const PLACES: [u64; 5] = [0, 25, 50, 75, 90];
/// How many pages are read in a round.
const REQUESTS: usize = 400;
/// How many are compared with those of the floor.
const COMPARED: usize = 50;

/// A page, as the server and the floor are asked for it.
struct Page {
    path: String,
    asked: Asked,
}

/// The floor and the server, in turns.
pub fn measure(store: &BigStore<'_>, rounds: usize, measured: &mut Measured) -> Result<()> {
    match &store.place {
        Place::File(path) => {
            let floor = sqlite_pages::Store::open(path)?;
            measure_beside(SQLITE_FLOOR, &mut floor.pages()?, store, rounds, measured)
        }
        Place::Database(url) => {
            let floor = postgres_pages::Store::open(url)?;
            measure_beside(LIBPQ_FLOOR, &mut floor.pages()?, store, rounds, measured)
        }
    }
}

fn measure_beside(
    who: &'static str,
    floor: &mut impl PageFloor,
    store: &BigStore<'_>,
    rounds: usize,
    measured: &mut Measured,
) -> Result<()> {
    let pages = pages(store)?;
    compare(store, floor, &pages)?;
    let rounds = (0..rounds).map(|_| {
        let mut round = vec![read(who, store, floor, &pages)?];
        for clients in CLIENTS {
            round.push(get(store, clients, &pages)?);
        }
        Ok(round)
    });
    let rounds: Vec<_> = rounds.collect::<Result<_>>()?;
    measured.add_medians(&rounds, cpu_beside(who));
    Ok(())
}

/// Pages of all visitors at several places, so that no two in a row are of one visitor.
fn pages(store: &BigStore<'_>) -> Result<Vec<Page>> {
    let feeds = store.feeds(VISITORS)?;
    let pages = PLACES.iter().flat_map(|percent| {
        feeds.iter().map(move |feed| {
            let since = feed.changes * percent / 100;
            let (path, cursor) = (path(&visitor(feed.number)), feed.cursor(since));
            Page {
                path: format!("{path}&since={cursor}&limit={LIMIT}"),
                asked: Asked {
                    visitor: feed.visitor.as_uuid(),
                    since,
                    limit: LIMIT,
                },
            }
        })
    });
    Ok(pages.collect())
}

/// Makes sure that the floor writes what the server writes, but for cursors.
fn compare(store: &BigStore<'_>, floor: &mut impl PageFloor, pages: &[Page]) -> Result<()> {
    let mut client = Client::connect(store.watched().host)?;
    let mut written = Vec::new();
    for page in pages.iter().step_by(pages.len() / COMPARED) {
        written.clear();
        floor.write(page.asked, &mut written)?;
        let answer = client.get(&page.path, "")?;
        let rest = answer.body.strip_prefix(written.as_slice());
        let rest = rest.context("the floor's page is not the server's");
        let rest = rest.with_context(|| page.path.clone())?;
        ensure!(
            rest.starts_with(b",\"cursor\":\""),
            "the floor's is shorter"
        );
    }
    Ok(())
}

fn read(
    who: &'static str,
    store: &BigStore<'_>,
    floor: &mut impl PageFloor,
    pages: &[Page],
) -> Result<Figures> {
    let database = store.watched().database;
    let database_cpu = || database.map_or(Ok(Duration::ZERO), PostgresServer::cpu);
    let before = database_cpu()?;
    let (cpu, started) = (ThreadTime::now(), Instant::now());
    for page in pages.iter().cycle().take(REQUESTS) {
        // A new one, as an answer is given away.
        let mut written = Vec::new();
        floor.write(page.asked, &mut written)?;
    }
    let spent = Spent {
        units: REQUESTS,
        cpu: cpu.elapsed(),
        database_cpu: database_cpu()?.saturating_sub(before),
        peak_memory: None,
    };
    Ok(Figures::of_floor(
        who,
        PAGE.to_owned(),
        started.elapsed(),
        spent,
    ))
}

fn get(store: &BigStore<'_>, clients: usize, pages: &[Page]) -> Result<Figures> {
    let server = store.watched();
    let page = |number: u64| pages.iter().cycle().nth(number as usize % pages.len());
    let requests = u64::try_from(REQUESTS)?;
    server.measure(PAGE, clients, || {
        let load = load::run(server.host, clients, requests, page, |client, page| {
            let page = page.context("there are no pages")?;
            let answer = client.get(&page.path, "")?;
            let text = || String::from_utf8_lossy(answer.body).into_owned();
            ensure!(
                answer.status == 200,
                "it was answered {}: {}",
                answer.status,
                text()
            );
            Ok(())
        })?;
        Ok((load, REQUESTS))
    })
}
