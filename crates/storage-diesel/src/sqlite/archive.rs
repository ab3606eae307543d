//! Everything in the store, to be carried to another one, and what comes from there.

use async_trait::async_trait;
use diesel::connection::DefaultLoadingMode;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use convosync_domain::archive::{
    ArchivePlace, ArchiveRows, ArchivedConversation, ArchivedMessage, ArchivedVisitor,
    read_archive_page,
};
use convosync_domain::change_set::Write;
use convosync_domain::identity::{ConversationKey, MessageKey, VisitorId};
use convosync_domain::ports::{Restoration, StoreArchive, StoreError};
use convosync_domain::tombstone::VisitorTombstone;
use convosync_domain::usage::Usage;

use super::SqliteStore;
use super::errors::SqliteError;
use super::group::Group;
use super::schema::{ConversationRow, VisitorRow, conversations, visitors};
use super::write::{SetLatestChange, VisitorRows};
use super::{items, migrate, tombstones, visitors as visitor_rows};
use crate::items::first_after;
use crate::migrations::random_uuid;
use crate::statements::statements;
use crate::types::UuidKey;
use crate::types::sql::UuidBytes;

#[async_trait]
impl StoreArchive for SqliteStore {
    async fn count_visitors(&self) -> Result<u64, StoreError> {
        self.read_in_transaction(count_visitors).await
    }

    async fn visitors(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<ArchivedVisitor>, StoreError> {
        self.read_in_transaction(move |connection| read_visitors(connection, after, limit))
            .await
    }

    async fn tombstones(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<VisitorTombstone>, StoreError> {
        self.read_in_transaction(move |connection| tombstones::list(connection, after, limit))
            .await
    }

    async fn items(
        &self,
        visitor: VisitorId,
        after: Option<ArchivePlace>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, StoreError> {
        self.read_in_transaction(move |connection| read_items(connection, visitor, after, limit))
            .await
    }

    async fn adopt_digest_seed(&self, digest_seed: u64) -> Result<bool, StoreError> {
        let adopt = move |group: &mut Group<'_>| adopt_digest_seed(group, digest_seed);
        self.write(0, adopt).await
    }

    async fn renew_epoch(&self) -> Result<(), StoreError> {
        self.write(0, renew_epoch).await
    }

    async fn restore(
        &self,
        visitor: ArchivedVisitor,
        conversations: Vec<ArchivedConversation>,
    ) -> Result<Restoration, StoreError> {
        let messages = conversations.iter().map(|it| it.messages.len()).sum();
        let restore = move |group: &mut Group<'_>| restore(group, &visitor, conversations);
        self.write(messages, restore).await
    }

    async fn restore_tombstone(
        &self,
        tombstone: VisitorTombstone,
    ) -> Result<Restoration, StoreError> {
        let restore = move |group: &mut Group<'_>| tombstones::restore(group, tombstone);
        self.write(0, restore).await
    }
}

/// How many visitors there are.
fn count_visitors(connection: &mut SqliteConnection) -> Result<u64, SqliteError> {
    let count: i64 = visitors::table
        .select(count_star())
        .get_result(connection)?;
    Ok(count.unsigned_abs())
}

/// The first visitors after this one, by id.
fn read_visitors(
    connection: &mut SqliteConnection,
    after: Option<VisitorId>,
    limit: usize,
) -> Result<Vec<ArchivedVisitor>, SqliteError> {
    let Some(from) = first_after(after.map(VisitorId::as_uuid)) else {
        return Ok(Vec::new());
    };
    let rows = visitors::table
        .filter(visitors::key.ge(UuidKey(from)))
        .order(visitors::key)
        .load_iter::<VisitorRow, DefaultLoadingMode>(connection)?;
    let archived = rows.take(limit).map(|row| Ok(archived_visitor(row?)));
    archived.collect()
}

fn archived_visitor(row: VisitorRow) -> ArchivedVisitor {
    ArchivedVisitor {
        id: VisitorId::from_uuid(row.key),
        user_id: row.user_id,
        registered_at: row.registered_at,
        change_counter: row.change_counter,
        last_changed_at: row.last_changed_at,
    }
}

/// A page of a visitor's items, inside one transaction.
fn read_items(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
    after: Option<ArchivePlace>,
    limit: usize,
) -> Result<Vec<ArchivedConversation>, SqliteError> {
    let Some(row) = visitor_rows::find(connection, visitor)? else {
        return Ok(Vec::new());
    };
    let mut rows = RowsOfVisitor {
        connection,
        visitor: row.id,
    };
    read_archive_page(&mut rows, after, limit)
}

struct RowsOfVisitor<'c> {
    connection: &'c mut SqliteConnection,
    visitor: i64,
}

impl ArchiveRows for RowsOfVisitor<'_> {
    type Error = SqliteError;

    fn conversations(
        &mut self,
        from: Option<ConversationKey>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, SqliteError> {
        let from = from.map(ConversationKey::as_uuid).unwrap_or_default();
        let rows = conversations::table
            .filter(conversations::visitor.eq(self.visitor))
            .filter(conversations::uuid.ge(UuidKey(from)))
            .order(conversations::uuid)
            .load_iter::<ConversationRow, DefaultLoadingMode>(self.connection)?;
        let archived = rows.take(limit).map(|row| {
            let row = row?;
            Ok(ArchivedConversation {
                change_number: row.change_number,
                conversation: row.into(),
                messages: Vec::new(),
            })
        });
        archived.collect()
    }

    fn messages(
        &mut self,
        conversation: ConversationKey,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<ArchivedMessage>, SqliteError> {
        let row = items::find_conversation_row(self.connection, self.visitor, conversation)?;
        let (Some(row), Some(from)) = (row, first_after(after.map(MessageKey::as_uuid))) else {
            return Ok(Vec::new());
        };
        let rows = items::messages_from(self.connection, row, from, limit)?;
        let archived = rows.into_iter().map(|rows| ArchivedMessage {
            change_number: rows.message.change_number,
            message: rows.into(),
        });
        Ok(archived.collect())
    }
}

statements! { Sqlite, SqliteConnection:
    /// The store's digests have another seed.
    SetDigestSeed = "UPDATE store SET digest_seed = " + digest_seed: i64 as BigInt;

    /// The store has another life.
    SetEpoch = "UPDATE store SET epoch = " + epoch: Uuid as UuidBytes;
}

/// Makes this the seed of the digests; `false` where there are digests by another one.
fn adopt_digest_seed(group: &mut Group<'_>, digest_seed: u64) -> Result<bool, SqliteError> {
    let digest_seed = digest_seed.cast_signed();
    if migrate::read_identity(group.connection)?.digest_seed == digest_seed {
        return Ok(true);
    }
    let is_empty = count_visitors(group.connection)? == 0;
    if is_empty {
        SetDigestSeed { digest_seed }.execute(group.connection)?;
    }
    Ok(is_empty)
}

/// Begins another life of the store.
fn renew_epoch(group: &mut Group<'_>) -> Result<(), SqliteError> {
    let epoch = random_uuid().map_err(SqliteError::NoRandomness)?;
    SetEpoch { epoch }.execute(group.connection)?;
    Ok(())
}

/// Inserts what is not stored yet of a visitor and items of it.
fn restore(
    group: &mut Group<'_>,
    visitor: &ArchivedVisitor,
    conversations: Vec<ArchivedConversation>,
) -> Result<Restoration, SqliteError> {
    let stored: Option<VisitorRow> = visitors::table
        .filter(visitors::key.eq(UuidKey(visitor.id.as_uuid())))
        .get_result(group.connection)
        .optional()?;
    let (row, before, last_changed_at) = match stored {
        Some(row) => {
            let known = (row.id, row.usage(), row.last_changed_at);
            if !archived_visitor(row).is_same_life(visitor) {
                return Ok(Restoration::OtherVisitor);
            }
            known
        }
        None if tombstones::find(group.connection, visitor.id)?.is_some() => {
            return Ok(Restoration::OtherVisitor);
        }
        None => {
            let row = visitor_rows::insert(group, visitor)?;
            (row, Usage::default(), visitor.last_changed_at)
        }
    };
    let mut rows = VisitorRows::of(group, row, visitor.change_counter);
    for archived in conversations {
        restore_conversation(&mut rows, archived)?;
    }
    let after = rows.usage.applied_to(before);
    let counter = visitor.change_counter;
    visitor_rows::set_counters(group.connection, row, counter, last_changed_at, after)?;
    Ok(Restoration::Stored)
}

fn restore_conversation(
    rows: &mut VisitorRows<'_, '_>,
    archived: ArchivedConversation,
) -> Result<(), SqliteError> {
    let latest_change = archived.latest_change();
    let key = archived.conversation.id.key();
    rows.change_number = archived.change_number;
    let row = match items::find_conversation(rows.group.connection, rows.visitor, key)? {
        Some(row) => row,
        None => rows.insert_conversation(archived.conversation)?,
    };
    if latest_change > row.latest_change {
        SetLatestChange {
            change_number: latest_change,
            conversation: row.id,
        }
        .execute(rows.group.connection)?;
    }
    for archived in archived.messages {
        let key = archived.message.id.key();
        if items::find_message_row(rows.group.connection, row.id, key)?.is_none() {
            rows.change_number = archived.change_number;
            rows.write_message(row.id, Write::Insert(archived.message))?;
        }
    }
    Ok(())
}
