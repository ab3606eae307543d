//! `convosync visitor erase`

use std::io::{self, BufRead as _, Write as _};

use clap::Args;
use convosync_domain::ports::VisitorSummary;

use super::named::Named;
use super::{failed, kind, object, on_store};
use crate::backend::{Backend, require_store};
use crate::failure::Failure;
use crate::output::{print, say};
use crate::use_cases::{erase_visitor, summarize_visitor};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    visitor: Named,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Print JSON about what was erased
    #[arg(long)]
    json: bool,
}

/// Erases a visitor.
pub(super) async fn run(arguments: &Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    let visitor = arguments.visitor.visitor()?;
    require_store(backend)?;
    let erased = on_store(backend, async |store| {
        let summary = summarize_visitor(store).run(visitor).await;
        let summary = summary.map_err(|error| failed(&error))?;
        if !arguments.yes && !confirm(&told(&summary)) {
            return Err(Failure::failed("nothing was erased"));
        }
        let erased = erase_visitor(store)?.run(visitor).await;
        erased.map_err(|error| failed(&error))?;
        Ok(summary)
    });
    let summary = erased.await?;
    let after = backend.after_erasure();
    match arguments.json {
        true => {
            print(&format!("{:#}", object(&summary)))?;
            say(after);
            Ok(())
        }
        false => print(&format!("erased {}; {after}", told(&summary))),
    }
}

fn told(summary: &VisitorSummary) -> String {
    format!(
        "the {} visitor {} with {} conversations, {} messages, {} bytes",
        kind(summary),
        summary.id.as_uuid(),
        summary.usage.conversations,
        summary.messages,
        summary.usage.content_bytes
    )
}

/// Asks whether to go on; whoever does not answer does not want to.
fn confirm(what: &str) -> bool {
    let mut stderr = io::stderr().lock();
    // A question that cannot be asked is not answered either.
    let _ = write!(stderr, "Erase {what}, for good? [y/N] ");
    let _ = stderr.flush();
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}
