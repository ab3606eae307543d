//! The binary `convosync`: its command line, its configuration, and the choice of the store.
//!
//! This file puts the program together and is the only one that knows which stores there are. Each
//! command is a file in `commands`, each kind of store one in `backend`; `settings` reads
//! `config/default.toml` and what overrides it.

mod access;
mod backend;
mod backups;
mod commands;
mod failure;
mod file_size_limit;
mod finding;
mod idle_memory;
mod listen;
mod logs;
mod metrics;
mod open_files;
mod output;
mod private_file;
mod probe;
mod random_secret;
mod reloads;
mod service_manager;
mod settings;
mod static_folder;
mod system_anon_ids;
mod system_api_keys;
mod system_clock;
mod tls;
mod use_cases;
mod version;

use std::process::ExitCode;

use clap::Parser as _;

use backend::{Backend, postgres::Postgres, sqlite::Sqlite};
use commands::CommandLine;
use failure::Failure;
use settings::Configuration;

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
    let settings = &configuration.settings;
    match settings.database.url.scheme() {
        "sqlite" => Ok(Box::new(Sqlite::of(settings))),
        "postgres" | "postgresql" => Ok(Box::new(Postgres::of(settings))),
        _ => Err(configuration.refuse("database.url", "must begin with sqlite:// or postgres://")),
    }
}
