//! `convosync visitor`: each of its commands is a file.

mod add;
mod erase;
mod export;
mod list;
mod merge;
mod named;
mod show;

use std::sync::Arc;

use clap::{Args, Subcommand};
use convosync_application::visitors::VisitorError;
use convosync_domain::ports::VisitorSummary;
use serde_json::{Value, json};

use crate::backend::{Backend, Store};
use crate::failure::Failure;
use crate::settings::Settings;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register a visitor; without an id an anonymous one, whose anon_id is printed
    Add(add::Arguments),
    /// List the visitors
    List(list::Arguments),
    /// Show how much a visitor has, and since when
    Show(show::Arguments),
    /// Write everything that a visitor has, in lines that POST /api/sync-conversations/ takes one by one
    Export(export::Arguments),
    /// Make an anonymous visitor part of a registered one, as if the latter had posted everything
    Merge(merge::Arguments),
    /// Erase a visitor with everything that the visitor has, for good
    Erase(erase::Arguments),
}

/// Works with visitors.
pub(super) async fn run(
    arguments: Arguments,
    settings: &Settings,
    backend: &dyn Backend,
) -> Result<(), Failure> {
    match arguments.command {
        Command::Add(arguments) => add::run(arguments, backend).await,
        Command::List(arguments) => list::run(&arguments, backend).await,
        Command::Show(arguments) => show::run(&arguments, backend).await,
        Command::Export(arguments) => export::run(&arguments, backend).await,
        Command::Merge(arguments) => merge::run(arguments, settings, backend).await,
        Command::Erase(arguments) => erase::run(&arguments, backend).await,
    }
}

/// Does the work on the opened store.
async fn on_store<T>(
    backend: &dyn Backend,
    work: impl AsyncFnOnce(&Arc<dyn Store>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let store = backend.open()?;
    let done = work(&store).await;
    store.close();
    done
}

fn failed(error: &VisitorError) -> Failure {
    match error {
        VisitorError::UnknownVisitor => Failure::failed("there is no such visitor"),
        error => Failure::caused_by(error),
    }
}

/// What there is to tell of a visitor, as JSON.
fn object(summary: &VisitorSummary) -> Value {
    json!({
        "id": summary.id.as_uuid().to_string(),
        "kind": kind(summary),
        "user_id": summary.user_id,
        "registered_at": summary.registered_at.to_string(),
        "last_changed_at": summary.last_changed_at.map(|at| at.to_string()),
        "change_counter": summary.change_counter,
        "conversations": summary.usage.conversations,
        "messages": summary.messages,
        "content_bytes": summary.usage.content_bytes,
    })
}

fn kind(summary: &VisitorSummary) -> &'static str {
    match summary.user_id {
        Some(_) => "registered",
        None => "anonymous",
    }
}
