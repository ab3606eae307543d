//! Posting: the server beside the floors, the same bodies to each, new and then again.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cpu_time::ThreadTime;

use crate::bodies::{Shape, body};
use crate::convosync::Convosync;
use crate::figures::{Figures, Measured, Spent, Spread, cpu_beside};
use crate::floor::postgres::CopyFloor;
use crate::floor::sqlite::Floor;
use crate::load;
use crate::pocketbase::{POCKETBASE, PocketBase};
use crate::postgres_server::PostgresServer;
use crate::watched::Watched;

/// The shapes of bodies, each with how many are posted in a round.
pub const SHAPES: [(Shape, u64); 3] = [
    (Shape::new(1, 2), 8_000),
    (Shape::new(10, 10), 800),
    (Shape::new(10, 100), 80),
];
/// How many clients post at once.
pub const CLIENTS: [usize; 3] = [1, 8, 64];

/// Who is measured.
pub const SQLITE_FLOOR: &str = "floor: SQLite's C API";
/// Who is measured.
pub const ON_SQLITE: &str = "Convosync on SQLite";
/// Who is measured.
pub const COPY_FLOOR: &str = "floor: COPY";
/// Who is measured.
pub const ON_POSTGRES: &str = "Convosync on PostgreSQL";

/// Bodies that others get for one that PocketBase gets.
const POCKETBASE_SHARE: u64 = 20;
const POCKETBASE_CLIENTS: [usize; 2] = [1, 8];

/// Posts that the floor writes in one transaction.
const FLOOR_GROUP: u64 = 8;

/// What is measured of a shape of bodies when they are posted first.
pub fn new(shape: Shape) -> String {
    format!("{shape} new")
}

/// What is measured of a shape of bodies when they are posted again.
pub fn again(shape: Shape) -> String {
    format!("{shape} again")
}

/// The floor and the server on SQLite, in turns.
pub fn on_sqlite(program: &Path, rounds: usize, measured: &mut Measured) -> Result<()> {
    for (shape, posts) in SHAPES {
        let rounds = (0..rounds).map(|_| {
            let mut round = sqlite_floor(shape, posts)?;
            for clients in CLIENTS {
                let folder = tempfile::tempdir()?;
                let server = Convosync::on_sqlite(program, folder.path())?;
                round.extend(post_twice(ON_SQLITE, &server, None, clients, shape, posts)?);
            }
            Ok(round)
        });
        let rounds: Vec<_> = rounds.collect::<Result<_>>()?;
        measured.add_medians(&rounds, cpu_beside(SQLITE_FLOOR));
    }
    Ok(())
}

/// The floor and the server on PostgreSQL, in turns.
pub fn on_postgres(
    program: &Path,
    database: &PostgresServer,
    rounds: usize,
    measured: &mut Measured,
) -> Result<()> {
    for (shape, posts) in SHAPES {
        let rounds = (0..rounds).map(|_| {
            let mut round = vec![copy_floor(program, database, shape, posts)?];
            for clients in CLIENTS {
                let url = database.new_database()?;
                let server = Convosync::start(program, &url)?;
                let watched = Some(database);
                round.extend(post_twice(
                    ON_POSTGRES,
                    &server,
                    watched,
                    clients,
                    shape,
                    posts,
                )?);
            }
            Ok(round)
        });
        let rounds: Vec<_> = rounds.collect::<Result<_>>()?;
        measured.add_medians(&rounds, cpu_beside(COPY_FLOOR));
    }
    Ok(())
}

/// PocketBase, with so few bodies as tell what a message costs it.
pub fn on_pocketbase(program: &Path, measured: &mut Measured) -> Result<()> {
    for (shape, posts) in SHAPES {
        let posts = posts / POCKETBASE_SHARE;
        for clients in POCKETBASE_CLIENTS {
            let folder = tempfile::tempdir()?;
            let server = PocketBase::start(program, folder.path())?;
            for what in [new(shape), again(shape)] {
                let before = server.process().cpu()?;
                let load = server.post(clients, shape, 0..posts)?;
                let spent = Spent {
                    units: usize::try_from(posts)? * shape.messages_a_body(),
                    cpu: server.process().cpu()? - before,
                    peak_memory: Some(server.process().peak_memory()?),
                    ..Spent::default()
                };
                let mut figures = Figures::of(POCKETBASE, what, clients, &load, spent);
                let floor = measured.find(SQLITE_FLOOR, &figures.what, 1);
                let ratio = floor.map(|floor| figures.cpu / floor.cpu);
                figures.ratio = Spread::of(ratio.into_iter().collect());
                measured.rows.push(figures);
            }
        }
    }
    Ok(())
}

/// Posts so many bodies to a new server, and then the same again.
fn post_twice(
    who: &'static str,
    server: &Convosync,
    database: Option<&PostgresServer>,
    clients: usize,
    shape: Shape,
    posts: u64,
) -> Result<Vec<Figures>> {
    server.register_visitors()?;
    [new(shape), again(shape)]
        .into_iter()
        .map(|what| post(who, &what, server, database, clients, shape, 0..posts))
        .collect()
}

/// Posts bodies to a server and measures what that takes.
pub fn post(
    who: &'static str,
    what: &str,
    server: &Convosync,
    database: Option<&PostgresServer>,
    clients: usize,
    shape: Shape,
    numbers: Range<u64>,
) -> Result<Figures> {
    let units = usize::try_from(numbers.end - numbers.start)? * shape.messages_a_body();
    let watched = Watched::convosync(who, server, database);
    let posted = watched.measure(what, clients, || {
        let load = load::post(server.host(), clients, shape, numbers)?;
        Ok((load, units))
    });
    posted.with_context(|| format!("{who}, {what}:\n{}", server.complaints()))
}

fn sqlite_floor(shape: Shape, posts: u64) -> Result<Vec<Figures>> {
    let folder = tempfile::tempdir()?;
    let floor = Floor::create(&folder.path().join("floor.db"))?;
    let mut writer = floor.writer()?;
    let mut figures = Vec::new();
    for (what, are_new) in [(new(shape), true), (again(shape), false)] {
        let mut spent = Spent::default();
        let mut wall = Duration::ZERO;
        for first in (0..posts).step_by(FLOOR_GROUP.try_into()?) {
            let numbers = first..(first + FLOOR_GROUP).min(posts);
            let group: Vec<_> = numbers
                .map(|number| (number, body(shape, number)))
                .collect();
            let (cpu, started) = (ThreadTime::now(), Instant::now());
            let written = writer.write(&group)?;
            spent.cpu += cpu.elapsed();
            wall += started.elapsed();
            let messages = group.len() * shape.messages_a_body();
            ensure!(written == if are_new { messages } else { 0 });
            spent.units += messages;
        }
        figures.push(Figures::of_floor(SQLITE_FLOOR, what, wall, spent));
    }
    Ok(figures)
}

fn copy_floor(
    program: &Path,
    database: &PostgresServer,
    shape: Shape,
    posts: u64,
) -> Result<Figures> {
    let url = database.new_database()?;
    Convosync::migrate(program, &url)?;
    let mut floor = CopyFloor::connect(&url)?;
    let mut spent = Spent::default();
    let mut wall = Duration::ZERO;
    let database_before = database.cpu()?;
    for number in 0..posts {
        let text = body(shape, number);
        let (cpu, started) = (ThreadTime::now(), Instant::now());
        spent.units += floor.write(number, &text)?;
        spent.cpu += cpu.elapsed();
        wall += started.elapsed();
    }
    spent.database_cpu = database.cpu()?.saturating_sub(database_before);
    Ok(Figures::of_floor(COPY_FLOOR, new(shape), wall, spent))
}
