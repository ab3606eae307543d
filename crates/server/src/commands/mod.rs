//! The command line. Each command is a file, which has its arguments and what it does.

mod backup;
mod check;
mod completions;
mod config;
mod doctor;
mod export;
mod health;
mod import;
mod key;
mod man_pages;
mod migrate;
mod openapi;
mod restore;
mod serve;
mod stopping;
mod table;
mod visitor;

use std::env;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::backend::ChooseBackend;
use crate::failure::Failure;
use crate::file_size_limit;
use crate::logs;
use crate::settings::{Configuration, Override};
use crate::version;

/// Keeps AI-chat conversations in sync.
#[derive(Debug, Parser)]
#[command(name = "convosync", version = version::LONG)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    settings: SettingArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT (what is done without a command)
    Serve,
    /// Bring the store's schema up to date, and distribute it where that is asked for
    Migrate(migrate::Arguments),
    /// Work with visitors
    Visitor(visitor::Arguments),
    /// Work with the API keys of back ends
    Key(key::Arguments),
    /// Write everything in the store to an archive, for another store; stop the server first
    Export(export::Arguments),
    /// Put what an archive holds into a new store
    Import(import::Arguments),
    /// Copy the store to a file, while it may be in use
    Backup(backup::Arguments),
    /// Put a backup in the place of the store; stop the server first
    Restore(restore::Arguments),
    /// Look through a store for what cannot be so, while it may be in use
    Check(check::Arguments),
    /// Show the settings
    Config(config::Arguments),
    /// Print the OpenAPI document of the HTTP API
    Openapi,
    /// Ask the server on this machine whether it can serve
    Health,
    /// Look for what may be set up wrongly on this machine, or at a running server, and say what to do
    Doctor(doctor::Arguments),
    /// Print what completes commands and options in a shell
    Completions(completions::Arguments),
    /// Write manual pages to a folder
    #[command(hide = true)]
    ManPages(man_pages::Arguments),
}

/// Settings given on the command line; they win over the environment and the file.
#[derive(Args, Debug)]
#[command(next_help_heading = "Settings")]
struct SettingArguments {
    /// A TOML file of settings; `convosync config default` prints one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// server.host: the address to listen on
    #[arg(long, global = true, value_name = "ADDRESS")]
    host: Option<String>,
    /// server.port: the port to listen on, 0 for any
    #[arg(long, global = true, value_name = "PORT")]
    port: Option<String>,
    /// database.url: where the store is, sqlite://PATH or postgres://…
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// log.level: error, warn, info, debug, trace or off
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// log.format: auto, text or json
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl SettingArguments {
    fn load(&self) -> Result<Configuration, Failure> {
        let overrides: Vec<_> = [
            ("server.host", "--host", &self.host),
            ("server.port", "--port", &self.port),
            ("database.url", "--database-url", &self.database_url),
            ("log.level", "--log-level", &self.log_level),
            ("log.format", "--log-format", &self.log_format),
        ]
        .into_iter()
        .filter_map(|(key, option, value)| {
            let value = value.as_deref()?.into();
            Some(Override { key, option, value })
        })
        .collect();
        Configuration::load(self.config.as_deref(), env::vars_os(), &overrides)
    }
}

/// Does what the command line says.
pub(crate) async fn run(line: CommandLine, choose_backend: ChooseBackend) -> Result<(), Failure> {
    let command = line.command.unwrap_or(Command::Serve);
    if let Command::Config(arguments) = &command
        && arguments.needs_no_settings()
    {
        return config::print_defaults();
    }
    match &command {
        Command::Completions(arguments) => return completions::run(arguments),
        Command::ManPages(arguments) => return man_pages::run(arguments),
        Command::Openapi => return openapi::print_document(),
        _ => {}
    }
    let configuration = line.settings.load()?;
    logs::start(&configuration.settings.log);
    file_size_limit::outlive();
    match command {
        Command::Serve => {
            let backend = choose_backend(&configuration)?;
            serve::run(&configuration, &*backend).await
        }
        Command::Migrate(arguments) => migrate::run(&arguments, &*choose_backend(&configuration)?),
        Command::Visitor(arguments) => {
            let backend = choose_backend(&configuration)?;
            visitor::run(arguments, &configuration.settings, &*backend).await
        }
        Command::Key(arguments) => {
            let backend = choose_backend(&configuration)?;
            key::run(arguments, &*backend).await
        }
        Command::Export(arguments) => {
            let backend = choose_backend(&configuration)?;
            export::run(arguments, &*backend).await
        }
        Command::Import(arguments) => {
            let backend = choose_backend(&configuration)?;
            import::run(arguments, &*backend).await
        }
        Command::Backup(arguments) => {
            let backend = choose_backend(&configuration)?;
            backup::run(arguments, &*backend).await
        }
        Command::Restore(arguments) => {
            let backend = choose_backend(&configuration)?;
            restore::run(&arguments, &configuration.settings, &*backend).await
        }
        Command::Check(arguments) => check::run(&arguments, &*choose_backend(&configuration)?),
        Command::Config(_) => config::print_effective(&configuration),
        Command::Doctor(arguments) => doctor::run(&arguments, &configuration, choose_backend),
        Command::Health => health::run(&configuration),
        // Done already, without settings.
        Command::Openapi => openapi::print_document(),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::ManPages(arguments) => man_pages::run(&arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
