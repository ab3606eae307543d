//! `convosync import`

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::PathBuf;

use clap::Args;
use convosync_application::export_store::{ArchiveCounts, ArchiveLine};
use convosync_application::import_store::{ImportError, ImportStore};
use convosync_domain::identity::VisitorId;
use convosync_http_actix::archive::{self, Line};
use indicatif::ProgressBar;

use super::export::style;
use crate::backend::Backend;
use crate::failure::Failure;
use crate::output::say;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The archive; stdin without it
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Puts what an archive holds into the store.
pub(super) async fn run(arguments: Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    match arguments.file {
        Some(path) => {
            let file = File::open(&path).map_err(|error| {
                Failure::failed(format!("cannot read {}: {error}", path.display()))
            })?;
            let bytes = file.metadata().map_or(0, |metadata| metadata.len());
            let bar = ProgressBar::new(bytes).with_style(style("{wide_bar} {bytes}/{total_bytes}"));
            import(backend, BufReader::new(bar.wrap_read(file)), &bar).await
        }
        None => {
            let bar = ProgressBar::new_spinner().with_style(style("{spinner} {bytes}"));
            let stdin = bar.wrap_read(io::stdin());
            import(backend, BufReader::new(stdin), &bar).await
        }
    }
}

async fn import(
    backend: &dyn Backend,
    archive: impl BufRead,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut lines = Lines::new(archive);
    // Before the store is touched, or made.
    let digest_seed = lines.header()?;
    let store = backend.open()?;
    let import = ImportStore::new(store.clone(), backend.writes_at_once());
    let done = restore(&import, digest_seed, &mut lines).await;
    store.close();
    let counts = done?;
    bar.finish_and_clear();
    say(&format!("imported {} visitors", counts.visitors));
    Ok(())
}

/// Restores all lines; returns of how many visitors they tell.
async fn restore(
    import: &ImportStore,
    digest_seed: u64,
    lines: &mut Lines<impl BufRead>,
) -> Result<ArchiveCounts, Failure> {
    let mut last: Option<VisitorId> = None;
    let mut counts = ArchiveCounts::default();
    let done = import.run(digest_seed, lines.by_ref(), |line| match line {
        ArchiveLine::Items(_) => {
            if last.replace(line.visitor()) != Some(line.visitor()) {
                counts.visitors += 1;
            }
        }
        ArchiveLine::Tombstone(_) => counts.tombstones += 1,
    });
    done.await.map_err(|error| match error {
        ImportError::Line(failure) => failure,
        error => Failure::caused_by(&error),
    })?;
    match lines.end {
        Some(expected) if expected == counts => Ok(counts),
        Some(expected) if expected.visitors == counts.visitors => Err(Failure::failed(format!(
            "the archive has {} visitors who are gone where it should have {}",
            counts.tombstones, expected.tombstones
        ))),
        Some(expected) => Err(Failure::failed(format!(
            "the archive has {} visitors where it should have {}",
            counts.visitors, expected.visitors
        ))),
        None => Err(Failure::failed(
            "the archive ends early: import the whole of it to go on",
        )),
    }
}

/// The lines of an archive.
pub(super) struct Lines<R> {
    archive: R,
    number: u64,
    /// What the last line tells.
    end: Option<ArchiveCounts>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(archive: R) -> Self {
        Self {
            archive,
            number: 0,
            end: None,
        }
    }

    pub(super) fn header(&mut self) -> Result<u64, Failure> {
        let line = self.next_line(archive::HEADER_BYTES_MAX)?;
        let line = line.unwrap_or_default();
        let header = archive::read_header(&line);
        let header = header.map_err(|error| self.bad_line(&error))?;
        Ok(header.digest_seed)
    }

    /// Whether the end of the archive was read.
    pub(super) fn is_whole(&self) -> bool {
        self.end.is_some()
    }

    fn next_line(&mut self, bytes_max: u64) -> Result<Option<Vec<u8>>, Failure> {
        let mut line = Vec::new();
        self.number += 1;
        let mut rest = self.archive.by_ref().take(bytes_max);
        let read = rest.read_until(b'\n', &mut line);
        read.map_err(|error| self.bad_line(&error))?;
        // A last line that has no end was cut.
        Ok((line.pop() == Some(b'\n')).then_some(line))
    }

    fn items(&mut self) -> Result<Option<ArchiveLine>, Failure> {
        let Some(line) = self.next_line(u64::MAX)? else {
            return Ok(None);
        };
        if self.end.is_some() {
            return Err(self.bad_line(&"comes after the end"));
        }
        match archive::read_line(line) {
            Ok(Line::Archived(line)) => Ok(Some(line)),
            Ok(Line::End(counts)) => {
                self.end = Some(counts);
                self.items()
            }
            Err(error) => Err(self.bad_line(&error)),
        }
    }

    fn bad_line(&self, problem: &dyn std::fmt::Display) -> Failure {
        Failure::failed(format!("line {}: {problem}", self.number))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<ArchiveLine, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.items().transpose()
    }
}
