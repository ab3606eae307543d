//! The binary `convosync`: its command line, its configuration, and the choice of the store.
//!
//! This file puts the program together and is the only one that knows which stores there are. Each
//! command is a file in `commands`; `settings` reads `config/default.toml` and what overrides it.

mod commands;
mod failure;
mod logs;
mod network;
mod output;
mod settings;
mod store;
mod surroundings;
mod version;
mod wiring;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use convosync_storage_diesel::postgres::{self, PostgresOptions, PostgresStore};
use convosync_storage_diesel::sqlite::{SqliteOptions, SqliteStore};

use commands::CommandLine;
use failure::Failure;
use settings::Configuration;
use store::{Backend, Store};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[actix_web::main]
async fn main() -> ExitCode {
    match commands::run(CommandLine::parse(), choose_backend).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::say(&format!("convosync: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

/// The backend that `database.url` asks for.
fn choose_backend(configuration: &Configuration) -> Result<Box<dyn Backend>, Failure> {
    let database = &configuration.settings.database;
    let queue = configuration.settings.limits.queue;
    match database.url.scheme() {
        "sqlite" => Ok(Box::new(Sqlite(SqliteOptions {
            readers: database.readers(),
            queue,
            busy_timeout: Duration::from_millis(database.busy_timeout_ms),
            ..SqliteOptions::at(database.url.rest())
        }))),
        "postgres" | "postgresql" => Ok(Box::new(Postgres(PostgresOptions {
            url: database.url.with_secrets(),
            pool_size: database.pool_size,
            queue,
            wait_at_start: Duration::from_secs(database.wait_at_start_seconds),
        }))),
        _ => Err(configuration.refuse("database.url", "must begin with sqlite:// or postgres://")),
    }
}

/// A store in an SQLite file.
struct Sqlite(SqliteOptions);

impl Backend for Sqlite {
    fn path(&self) -> Option<&Path> {
        Some(&self.0.path)
    }

    fn writes_at_once(&self) -> usize {
        self.0.queue
    }

    fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        match SqliteStore::open(self.0.clone()) {
            Ok(store) => Ok(Arc::new(store)),
            Err(error) => Err(Failure::caused_by(&error)),
        }
    }

    fn migrate(&self) -> Result<Vec<String>, Failure> {
        SqliteStore::migrate(&self.0.path).map_err(|error| Failure::caused_by(&error))
    }
}

impl Store for SqliteStore {
    fn close(&self) {
        Self::close(self.clone());
    }
}

/// A store in a PostgreSQL database.
struct Postgres(PostgresOptions);

impl Backend for Postgres {
    fn path(&self) -> Option<&Path> {
        None
    }

    fn writes_at_once(&self) -> usize {
        usize::try_from(self.0.pool_size).unwrap_or(usize::MAX)
    }

    fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        match PostgresStore::open(&self.0) {
            Ok(store) => Ok(Arc::new(store)),
            Err(error) => Err(not_opened(&error)),
        }
    }

    fn migrate(&self) -> Result<Vec<String>, Failure> {
        PostgresStore::migrate(&self.0).map_err(|error| not_opened(&error))
    }
}

fn not_opened(error: &postgres::OpenError) -> Failure {
    match error {
        postgres::OpenError::Url { .. } => Failure::usage(format!("database.url: {error}")),
        error => Failure::caused_by(error),
    }
}

impl Store for PostgresStore {
    /// Every write that was acknowledged is done; the connections close with the program.
    fn close(&self) {}
}
