//! `convosync visitor export`

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use convosync_application::access::AuthorizedId;
use convosync_domain::feed::ChangedConversation;
use convosync_domain::stored::StoredMessage;
use convosync_http_actix::archive::write_posted;
use indicatif::ProgressBar;
use serde_json::json;

use super::named::Named;
use super::{failed, on_store};
use crate::backend::{Backend, Store, require_store};
use crate::commands::export::{open, style};
use crate::failure::Failure;
use crate::output::{print, say};
use crate::use_cases::{export_visitor, summarize_visitor};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    visitor: Named,
    /// The file to write, which must not be there yet; stdout without it
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Print JSON about what was written to the file
    #[arg(long, requires = "to")]
    json: bool,
}

/// What was written.
#[derive(Default)]
struct Written {
    lines: u64,
    bytes: u64,
}

/// Writes everything that a visitor has.
pub(super) async fn run(arguments: &Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    let visitor = arguments.visitor.visitor()?;
    require_store(backend)?;
    let Some(path) = &arguments.to else {
        let written = on_store(backend, async |store| {
            write(store, visitor, &mut io::stdout().lock()).await
        });
        say(&format!("exported {} lines", written.await?.lines));
        return Ok(());
    };
    let written = on_store(backend, async |store| {
        // Without a visitor there is no file either.
        let known = summarize_visitor(store).run(visitor).await;
        known.map_err(|error| failed(&error))?;
        let file = open(path, false, 0).map_err(|error| {
            Failure::failed(format!("cannot write {}: {error}", path.display()))
        })?;
        let mut file = BufWriter::new(file);
        let written = write(store, visitor, &mut file).await.and_then(|written| {
            let synced = file.get_ref().sync_all();
            synced.map_err(|error| unwritten(&error)).map(|()| written)
        });
        if written.is_err() {
            // It is not whole, and nothing goes on with it.
            let _ = fs::remove_file(path);
        }
        written
    });
    let Written { lines, bytes } = written.await?;
    match arguments.json {
        true => print(&json!({ "lines": lines, "bytes": bytes }).to_string()),
        false => {
            say(&format!("exported {lines} lines"));
            Ok(())
        }
    }
}

async fn write(
    store: &Arc<dyn Store>,
    visitor: AuthorizedId,
    out: &mut dyn Write,
) -> Result<Written, Failure> {
    let summary = summarize_visitor(store).run(visitor).await;
    let summary = summary.map_err(|error| failed(&error))?;
    let bar = ProgressBar::new(summary.usage.content_bytes)
        .with_style(style("{wide_bar} {bytes}/{total_bytes}"));
    let mut written = Written::default();
    let export = export_visitor(store).begin(visitor).await;
    let mut export = export.map_err(|error| failed(&error))?;
    while let Some(page) = export.next().await.map_err(|error| failed(&error))? {
        for conversations in &page.lines {
            let line = write_posted(conversations);
            out.write_all(&line).map_err(|error| unwritten(&error))?;
            written.lines += 1;
            written.bytes += u64::try_from(line.len()).unwrap_or(u64::MAX);
            bar.inc(content_bytes(conversations));
        }
    }
    out.flush().map_err(|error| unwritten(&error))?;
    bar.finish_and_clear();
    Ok(written)
}

fn content_bytes(conversations: &[ChangedConversation]) -> u64 {
    let bytes = conversations.iter().map(|changed| {
        let messages = changed.messages.iter().map(StoredMessage::content_bytes);
        messages.fold(changed.conversation.content_bytes(), usize::saturating_add)
    });
    u64::try_from(bytes.fold(0, usize::saturating_add)).unwrap_or(u64::MAX)
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::failed(format!("cannot write the export: {error}"))
}
