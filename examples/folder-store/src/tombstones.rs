//! The visitors who are gone: a file with a line for each, whose columns are separated by tabs.

use std::fs;
use std::io::{self, ErrorKind};

use convosync_domain::identity::VisitorId;
use convosync_domain::ports::StoreError;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};
use convosync_storage_contract::MemoryStore;
use uuid::Uuid;

use crate::files::{Files, corrupt, name_of, unavailable};

const FILE: &str = "tombstones";

impl Files {
    /// The tombstones, by id.
    pub(crate) fn read_tombstones(&self) -> Result<Vec<VisitorTombstone>, StoreError> {
        let text = self.read_file(FILE)?.unwrap_or_default();
        let tombstones = text.lines().map(read_line);
        tombstones
            .collect::<Option<_>>()
            .ok_or_else(|| corrupt(FILE))
    }

    /// Adds a tombstone. From that moment on the visitor is gone, whatever else is left of it.
    pub(crate) fn bury(&self, tombstone: VisitorTombstone) -> Result<(), StoreError> {
        let mut tombstones = self.read_tombstones()?;
        tombstones.push(tombstone);
        tombstones.sort_unstable_by_key(|tombstone| tombstone.id);
        let lines: String = tombstones.iter().map(line).collect();
        self.replace(FILE, lines.as_bytes())?;
        self.clear(tombstone)
    }

    /// Adds the tombstone of a visitor who is merged into another, who then has what is in this store.
    pub(crate) async fn bury_merged(
        &self,
        tombstone: VisitorTombstone,
        into: VisitorId,
        store: MemoryStore,
    ) -> Result<(), StoreError> {
        self.write(&name_of_merge(tombstone.id, into), store)
            .await?;
        self.bury(tombstone)
    }

    /// Does what is left to do where a process broke off.
    pub(crate) fn clear_up(&self) -> Result<(), StoreError> {
        let tombstones = self.read_tombstones()?;
        tombstones.into_iter().try_for_each(|it| self.clear(it))?;
        // Those of merges that did not come to a tombstone.
        for name in self.names()?.iter().filter(|name| name.contains(MERGED)) {
            absent_or(fs::remove_file(self.path(name)))?;
        }
        Ok(())
    }

    /// Gives others what they have of somebody who is gone, and removes the rest.
    fn clear(&self, tombstone: VisitorTombstone) -> Result<(), StoreError> {
        if let VisitorGone::Merged { into } = tombstone.gone {
            let merged = self.path(&name_of_merge(tombstone.id, into));
            absent_or(fs::rename(merged, self.path(&name_of(into))))?;
        }
        absent_or(fs::remove_file(self.path(&name_of(tombstone.id))))
    }
}

const MERGED: &str = "-into-";

/// The file with what a visitor has when another has been merged into it.
fn name_of_merge(merged: VisitorId, into: VisitorId) -> String {
    format!("{}{MERGED}{}", name_of(merged), name_of(into))
}

fn absent_or(done: io::Result<()>) -> Result<(), StoreError> {
    match done {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unavailable(error)),
        _ => Ok(()),
    }
}

fn line(tombstone: &VisitorTombstone) -> String {
    let into = match tombstone.gone {
        VisitorGone::Erased => String::new(),
        VisitorGone::Merged { into } => name_of(into),
    };
    format!("{}\t{}\t{into}\n", name_of(tombstone.id), tombstone.at)
}

fn read_line(line: &str) -> Option<VisitorTombstone> {
    let columns: Vec<_> = line.split('\t').collect();
    let [id, at, into] = *columns else {
        return None;
    };
    Some(VisitorTombstone {
        id: read_id(id)?,
        gone: match into {
            "" => VisitorGone::Erased,
            into => VisitorGone::Merged {
                into: read_id(into)?,
            },
        },
        at: Timestamp::parse(at).ok()?,
    })
}

fn read_id(text: &str) -> Option<VisitorId> {
    text.parse::<Uuid>().ok().map(VisitorId::from_uuid)
}
