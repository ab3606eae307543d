//! A visitor becomes a part of another: the change set of the one who goes on is written, and the other leaves, in
//! one transaction.

use async_trait::async_trait;
use diesel::prelude::*;

use convosync_domain::change_set::ChangeSet;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{MergeStore, MergedVisitor, StoreError};
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};

use super::errors::PostgresError;
use super::leave::{Found, Leaving};
use super::write::Commit;
use super::{PostgresStore, tombstones, visitors};
use crate::migrations::random_uuid;

#[async_trait]
impl MergeStore for PostgresStore {
    async fn merge(
        &self,
        into: VisitorId,
        changes: ChangeSet,
        merged: MergedVisitor,
    ) -> Result<u64, StoreError> {
        let mut merge = Merge::of(into, changes, merged);
        self.run(move |connection| merge.write(connection)).await
    }
}

/// A merge, ready to be written and to be tried again.
struct Merge {
    into: VisitorId,
    commit: Commit,
    merged: MergedVisitor,
    leaving: Leaving,
}

impl Merge {
    fn of(into: VisitorId, changes: ChangeSet, merged: MergedVisitor) -> Self {
        Self {
            into,
            commit: Commit::of(into, changes),
            merged,
            leaving: Leaving::of(VisitorTombstone {
                id: merged.id,
                gone: VisitorGone::Merged { into },
                at: merged.at,
            }),
        }
    }

    /// Both visitors are locked in the order of their ids, so that no two merges wait for each other; that of the
    /// change set, when it comes second, by what the change set writes first.
    fn write(&mut self, connection: &mut PgConnection) -> Result<u64, PostgresError> {
        let write = random_uuid().map_err(PostgresError::NoRandomness)?;
        connection.transaction(|connection| {
            if self.into < self.merged.id {
                visitors::lock(connection, self.into.as_uuid())?;
            }
            match self.leaving.lock(connection)? {
                Found::HasLeft => return Ok(self.commit.change_number()),
                Found::At(change_counter) if change_counter == self.merged.change_counter => {}
                Found::At(_) | Found::Unknown => {
                    tombstones::refuse_gone(connection, self.into.as_uuid())?;
                    return Err(PostgresError::Conflict);
                }
            }
            self.commit.write_within(connection, write)?;
            self.leaving.go(connection)?;
            Ok(self.commit.change_number())
        })
    }
}
