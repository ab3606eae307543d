//! Everything in the store, to be carried to another one, and what comes from there.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::BigInt;
use uuid::Uuid;

use convosync_domain::archive::{
    ArchivePlace, ArchiveRows, ArchivedConversation, ArchivedMessage, ArchivedVisitor,
    read_archive_page,
};
use convosync_domain::identity::{ConversationKey, MessageKey, VisitorId};
use convosync_domain::ports::Restoration;
use convosync_domain::usage::{Usage, UsageChange};

use super::errors::PostgresError;
use super::items::{MessageRows, push_message_columns, push_part_joins};
use super::rows::{Batches, ChangedRows};
use super::schema::{ConversationRow, VisitorRow};
use super::statements::{
    ColumnsOfRows, InsertMissing, InsertMissingItems, WholeRow, prepared_query,
};
use super::visitor_tables::VisitorTables;
use super::{migrate, tombstones, visitors};
use crate::items::{counted_bytes, first_after};
use crate::migrations::random_uuid;
use crate::statements::statements;
use crate::tables::read_row::ReadRow as _;
use crate::types::sql::{ChangeNumber, UuidBytes};

statements! { Pg, PgConnection:
    /// How many visitors there are.
    CountVisitors -> BigInt = "SELECT count(*) FROM visitors";

    /// The first visitors from this id on.
    SelectVisitors -> (WholeRow,) =
        "SELECT ", (VisitorRow::LIST), " FROM visitors WHERE id >= " + from: Uuid as UuidBytes,
        " ORDER BY id LIMIT " + limit: i64 as BigInt;

    /// The first conversations of a visitor from this id on.
    SelectConversations -> (WholeRow,) =
        "SELECT ", (ConversationRow::LIST), " FROM conversations WHERE visitor_id = "
            + visitor: Uuid as UuidBytes,
        " AND id >= " + from: Uuid as UuidBytes,
        " ORDER BY id LIMIT " + limit: i64 as BigInt;

    /// The store's digests have another seed.
    SetDigestSeed = "UPDATE store SET digest_seed = " + digest_seed: i64 as BigInt;

    /// The store has another life.
    SetEpoch = "UPDATE store SET epoch = " + epoch: Uuid as UuidBytes;

    /// Messages of a conversation changed later than it did.
    RaiseLatestChange =
        "UPDATE conversations SET latest_change = " + latest_change: u64 as ChangeNumber,
        " WHERE visitor_id = " + visitor: Uuid as UuidBytes,
        " AND id = " + conversation: Uuid as UuidBytes,
        " AND latest_change < " + above: u64 as ChangeNumber;
}

/// How many visitors there are.
pub(super) fn count_visitors(connection: &mut PgConnection) -> QueryResult<u64> {
    let count: i64 = CountVisitors {}.get_result(connection)?;
    Ok(count.unsigned_abs())
}

/// The first visitors after this one, by id.
pub(super) fn read_visitors(
    connection: &mut PgConnection,
    after: Option<VisitorId>,
    limit: usize,
) -> QueryResult<Vec<ArchivedVisitor>> {
    let Some(from) = first_after(after.map(VisitorId::as_uuid)) else {
        return Ok(Vec::new());
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<VisitorRow> = SelectVisitors { from, limit }.load(connection)?;
    let archived = rows.into_iter().map(|row| ArchivedVisitor {
        id: VisitorId::from_uuid(row.id),
        user_id: row.user_id,
        registered_at: row.registered_at,
        change_counter: row.change_counter,
        last_changed_at: row.last_changed_at,
    });
    Ok(archived.collect())
}

/// A page of a visitor's items, inside one transaction that sees one moment. An empty one may be that of a visitor
/// who is gone.
pub(super) fn read_items(
    connection: &mut PgConnection,
    visitor: VisitorId,
    after: Option<ArchivePlace>,
    limit: usize,
) -> Result<Vec<ArchivedConversation>, PostgresError> {
    let mut transaction = connection.build_transaction().repeatable_read().read_only();
    transaction.run(|connection| {
        let mut rows = RowsOfVisitor {
            connection,
            visitor: visitor.as_uuid(),
        };
        let page = read_archive_page(&mut rows, after, limit)?;
        if page.is_empty() {
            tombstones::refuse_gone(rows.connection, rows.visitor)?;
        }
        Ok(page)
    })
}

struct RowsOfVisitor<'c> {
    connection: &'c mut PgConnection,
    visitor: Uuid,
}

struct SelectMessagesFrom {
    visitor: Uuid,
    conversation: Uuid,
    from: Uuid,
    limit: i64,
}

impl QueryFragment<Pg> for SelectMessagesFrom {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_message_columns(&mut out)?;
        out.push_sql(" FROM (SELECT * FROM messages WHERE visitor_id = ");
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(" AND conversation_id = ");
        out.push_bind_param::<UuidBytes, _>(&self.conversation)?;
        out.push_sql(" AND id >= ");
        out.push_bind_param::<UuidBytes, _>(&self.from)?;
        out.push_sql(" ORDER BY id LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(") m");
        push_part_joins(&mut out, &VisitorTables::Whole, &self.visitor)?;
        out.push_sql(" ORDER BY m.id");
        Ok(())
    }
}

prepared_query!(SelectMessagesFrom);

impl ArchiveRows for RowsOfVisitor<'_> {
    type Error = PostgresError;

    fn conversations(
        &mut self,
        from: Option<ConversationKey>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, PostgresError> {
        let query = SelectConversations {
            visitor: self.visitor,
            from: from.map(ConversationKey::as_uuid).unwrap_or_default(),
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        };
        let rows: Vec<ConversationRow> = query.load(self.connection)?;
        let archived = rows.into_iter().map(|row| ArchivedConversation {
            change_number: row.change_number,
            conversation: row.into(),
            messages: Vec::new(),
        });
        Ok(archived.collect())
    }

    fn messages(
        &mut self,
        conversation: ConversationKey,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<ArchivedMessage>, PostgresError> {
        let Some(from) = first_after(after.map(MessageKey::as_uuid)) else {
            return Ok(Vec::new());
        };
        let query = SelectMessagesFrom {
            visitor: self.visitor,
            conversation: conversation.as_uuid(),
            from,
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        };
        let rows: Vec<MessageRows> = query.load(self.connection)?;
        let archived = rows.into_iter().map(|rows| ArchivedMessage {
            change_number: rows.message.change_number,
            message: rows.into(),
        });
        Ok(archived.collect())
    }
}

/// Makes this the seed of the digests; `false` where there are digests by another one.
pub(super) fn adopt_digest_seed(
    connection: &mut PgConnection,
    digest_seed: u64,
) -> Result<bool, PostgresError> {
    let digest_seed = digest_seed.cast_signed();
    connection.transaction(|connection| {
        let store = migrate::read_store(connection)?.ok_or(PostgresError::NotStored)?;
        if store.digest_seed == digest_seed {
            return Ok(true);
        }
        let is_empty = count_visitors(connection)? == 0;
        if is_empty {
            SetDigestSeed { digest_seed }.execute(connection)?;
        }
        Ok(is_empty)
    })
}

/// Begins another life of the store.
pub(super) fn renew_epoch(connection: &mut PgConnection) -> Result<(), PostgresError> {
    let epoch = random_uuid().map_err(PostgresError::NoRandomness)?;
    SetEpoch { epoch }.execute(connection)?;
    Ok(())
}

/// A visitor and items of it, ready to be restored and to be tried again.
pub(super) struct Restore {
    visitor: ArchivedVisitor,
    latest_changes: Vec<(Uuid, u64)>,
    rows: ChangedRows,
}

impl Restore {
    pub(super) fn of(visitor: ArchivedVisitor, conversations: Vec<ArchivedConversation>) -> Self {
        let latest_change = |archived: &ArchivedConversation| {
            (
                archived.conversation.id.key().as_uuid(),
                archived.latest_change(),
            )
        };
        Self {
            visitor,
            latest_changes: conversations.iter().map(latest_change).collect(),
            rows: ChangedRows::of_archived(conversations),
        }
    }

    /// Inserts what is not stored yet.
    pub(super) fn write(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Restoration, PostgresError> {
        match connection.transaction(|connection| self.insert_missing(connection)) {
            Err(PostgresError::VisitorGone(_)) => Ok(Restoration::OtherVisitor),
            restored => restored,
        }
    }

    fn insert_missing(&self, connection: &mut PgConnection) -> Result<Restoration, PostgresError> {
        let write = random_uuid().map_err(PostgresError::NoRandomness)?;
        let id = self.visitor.id.as_uuid();
        if !visitors::insert(connection, &self.visitor, Usage::default(), write)? {
            visitors::lock(connection, id)?;
            if !self.is_stored(connection)? {
                return Ok(Restoration::OtherVisitor);
            }
        }
        let mut usage = UsageChange::default();
        for bytes in self.insert_items(connection, &self.rows.conversations.new)? {
            usage.conversation(0, counted_bytes(bytes));
        }
        for (conversation, latest_change) in &self.latest_changes {
            RaiseLatestChange {
                latest_change: *latest_change,
                visitor: id,
                conversation: *conversation,
                above: *latest_change,
            }
            .execute(connection)?;
        }
        for bytes in self.insert_items(connection, &self.rows.messages.new)? {
            usage.messages(0, counted_bytes(bytes));
        }
        visitors::add_usage(connection, id, usage.added(), write)?;
        self.insert(connection, &self.rows.requests.rows.new)?;
        self.insert(connection, &self.rows.responses.rows.new)?;
        self.insert(connection, &self.rows.outputs.rows.new)?;
        Ok(Restoration::Stored)
    }

    fn is_stored(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        let id = self.visitor.id.as_uuid();
        let before = id.as_u128().checked_sub(1).map(Uuid::from_u128);
        let found = read_visitors(connection, before.map(VisitorId::from_uuid), 1)?;
        let found = found.first();
        Ok(found.is_some_and(|found| found.is_same_life(&self.visitor)))
    }

    /// Inserts the conversations or messages that are missing, and returns their sizes.
    fn insert_items<C: ColumnsOfRows>(
        &self,
        connection: &mut PgConnection,
        batches: &Batches<C>,
    ) -> QueryResult<Vec<i64>> {
        let visitor = self.visitor.id.as_uuid();
        let mut sizes = Vec::new();
        for rows in batches.iter() {
            let inserted: Vec<i64> = InsertMissingItems { visitor, rows }.load(connection)?;
            sizes.extend(inserted);
        }
        Ok(sizes)
    }

    fn insert<C: ColumnsOfRows>(
        &self,
        connection: &mut PgConnection,
        batches: &Batches<C>,
    ) -> QueryResult<()> {
        let visitor = self.visitor.id.as_uuid();
        for rows in batches.iter() {
            InsertMissing { visitor, rows }.execute(connection)?;
        }
        Ok(())
    }
}
