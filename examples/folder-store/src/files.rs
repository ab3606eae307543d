//! The files of the store. Their I/O blocks the thread it is on; a store for more than a few visitors
//! would hand it to `spawn_blocking`.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use convosync_application::export_store::{ArchiveLine, ExportError, ExportProgress, ExportStore};
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{StoreArchive as _, StoreError, StoreIdentity};
use convosync_http_actix::archive::{Line, read_line, write_line};
use convosync_storage_contract::MemoryStore;
use uuid::Uuid;

const IDENTITY: &str = "identity";

/// A folder with the store's identity, its API keys, its tombstones and a file for each visitor.
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    /// The files in a folder, which is made if it is not there.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(unavailable)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The identity of the store, if it has been given one.
    pub(crate) fn read_identity(&self) -> Result<Option<StoreIdentity>, StoreError> {
        let Some(text) = self.read_file(IDENTITY)? else {
            return Ok(None);
        };
        let identity = text.split_once('\n').and_then(|(epoch, seed)| {
            Some(StoreIdentity {
                epoch: epoch.parse().ok()?,
                digest_seed: seed.trim_end().parse().ok()?,
            })
        });
        identity.map(Some).ok_or_else(|| corrupt(IDENTITY))
    }

    pub(crate) fn write_identity(&self, identity: StoreIdentity) -> Result<(), StoreError> {
        let text = format!("{}\n{}\n", identity.epoch, identity.digest_seed);
        self.replace(IDENTITY, text.as_bytes())
    }

    /// The visitors who have a file, by id.
    pub(crate) fn visitors(&self) -> Result<Vec<VisitorId>, StoreError> {
        let mut visitors = Vec::new();
        for name in self.names()? {
            let id = name.parse::<Uuid>().ok();
            visitors.extend(id.map(VisitorId::from_uuid));
        }
        visitors.sort_unstable();
        Ok(visitors)
    }

    /// The names of all files.
    pub(crate) fn names(&self) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(unavailable)? {
            let name = entry.map_err(unavailable)?.file_name();
            names.extend(name.into_string());
        }
        Ok(names)
    }

    /// What these visitors have, in memory, or that they are gone; nothing of unknown ones.
    pub(crate) async fn read(&self, visitors: &[VisitorId]) -> Result<MemoryStore, StoreError> {
        // Nobody asks this store who it is.
        let store = MemoryStore::new(StoreIdentity {
            epoch: Uuid::nil(),
            digest_seed: 0,
        });
        for tombstone in self.read_tombstones()? {
            if visitors.contains(&tombstone.id) {
                store.restore_tombstone(tombstone).await?;
            }
        }
        for visitor in visitors {
            let text = self.read_file(&name_of(*visitor))?.unwrap_or_default();
            for line in text.lines() {
                let Ok(Line::Archived(ArchiveLine::Items(line))) = read_line(line.into()) else {
                    return Err(corrupt("visitor"));
                };
                store.restore(line.visitor, line.conversations).await?;
            }
        }
        Ok(store)
    }

    /// Replaces the file of this name by what is in the store, durably.
    pub(crate) async fn write(&self, name: &str, store: MemoryStore) -> Result<(), StoreError> {
        let mut lines = Vec::new();
        let export = ExportStore::new(Arc::new(store));
        let done = export.run(ExportProgress::default(), |line| match line {
            ArchiveLine::Items(_) => lines.write_all(&write_line(line)),
            // They have a file of their own.
            ArchiveLine::Tombstone(_) => Ok(()),
        });
        done.await.map_err(|error| match error {
            ExportError::Store(error) => error,
            error => internal(error),
        })?;
        self.replace(name, &lines)
    }

    /// The text of a file, if it is there.
    pub(crate) fn read_file(&self, name: &str) -> Result<Option<String>, StoreError> {
        match fs::read_to_string(self.path(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Replaces a file, durably. Whoever reads meanwhile sees the old file or the new one.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let new = self.path("new");
        let replaced = File::create(&new).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, self.path(name))?;
            File::open(&self.folder)?.sync_all()
        });
        replaced.map_err(unavailable)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The name of the file of a visitor.
pub(crate) fn name_of(visitor: VisitorId) -> String {
    visitor.as_uuid().to_string()
}

pub(crate) fn unavailable(error: io::Error) -> StoreError {
    if error.kind() == ErrorKind::StorageFull {
        return StoreError::Full {
            source: Box::new(error),
        };
    }
    StoreError::Unavailable {
        retry_after: Duration::from_secs(1),
        source: Some(Box::new(error)),
    }
}

pub(crate) fn corrupt(file: &'static str) -> StoreError {
    StoreError::Corrupt {
        table: file,
        key: "its file".to_owned(),
        column: "text",
    }
}

fn internal(error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Internal {
        source: Box::new(error),
    }
}
