//! `convosync visitor list`

use clap::Args;
use convosync_domain::ports::VisitorSummary;

use super::{kind, object, on_store};
use crate::backend::{Backend, require_store};
use crate::commands::table::Table;
use crate::failure::Failure;
use crate::output::print;
use crate::use_cases::list_visitors;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Print a line of JSON for each visitor
    #[arg(long)]
    json: bool,
}

/// Prints a line for each visitor, page by page.
pub(super) async fn run(arguments: &Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    require_store(backend)?;
    let titles = [
        "ID",
        "KIND",
        "REGISTERED",
        "LAST CHANGED",
        "CONVERSATIONS",
        "BYTES",
        "USER_ID",
    ];
    let mut table = Table::new(titles);
    let listed = on_store(backend, async |store| {
        let visitors = list_visitors(store);
        let mut after = None;
        loop {
            let page = visitors.page(after).await;
            let (page, last) = page.map_err(|error| Failure::caused_by(&error))?;
            let lines = match arguments.json {
                true => {
                    let lines: Vec<_> = page.iter().map(|it| object(it).to_string()).collect();
                    lines.join("\n")
                }
                false => table.lines(page.iter().map(row)),
            };
            if !lines.is_empty() {
                print(&lines)?;
            }
            if last.is_none() {
                return Ok(());
            }
            after = last;
        }
    });
    listed.await
}

fn row(summary: &VisitorSummary) -> [String; 7] {
    let last_changed_at = summary.last_changed_at.map(|at| at.to_string());
    [
        summary.id.as_uuid().to_string(),
        kind(summary).to_owned(),
        summary.registered_at.to_string(),
        last_changed_at.unwrap_or_else(|| "-".to_owned()),
        summary.usage.conversations.to_string(),
        summary.usage.content_bytes.to_string(),
        summary.user_id.clone().unwrap_or_default(),
    ]
}
