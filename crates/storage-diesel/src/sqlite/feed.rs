//! What a visitor's devices read: the list of conversations, and the changes page by page.

use std::collections::HashMap;

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use convosync_domain::feed::{
    Admit, ChangedConversation, ChangedHead, ChangedHeads, ChangedMessage, ChangedMessages,
    FeedRows, PageRead, PageRequest, read_page,
};
use convosync_domain::identity::{ConversationId, ConversationKey, MessageKey, VisitorId};
use convosync_domain::ports::{LivingIds, NamedConversation};

use super::errors::SqliteError;
use super::read_pool::ReadTime;
use super::schema::{
    ConversationChange, ConversationChangeRow, ConversationIdRow, MessageChangeRow, conversations,
    messages,
};
use super::{items, visitors};
use crate::items::{bytes_of, wanted_after};
use crate::tables::read_row::ReadRow as _;
use crate::types::sql::{ChangeNumber, UuidBytes};
use crate::types::{NumberKey, UuidKey};

/// The visitor's counter and the ids of the living conversations, inside one transaction.
pub(super) fn living_ids(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
) -> Result<Option<LivingIds>, SqliteError> {
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(None);
    };
    let rows: Vec<ConversationIdRow> = conversations::table
        .filter(conversations::visitor.eq(visitor.id))
        .filter(conversations::content_bytes.gt(0))
        .order(conversations::uuid)
        .select(ConversationIdRow::columns())
        .load(connection)?;
    let ids = rows
        .into_iter()
        .map(|row| ConversationId::from_parts(row.uuid, row.opaque_id));
    Ok(Some(LivingIds::new(visitor.change_counter, ids)))
}

/// A page of changes, inside one transaction.
pub(super) fn changes(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
    request: &PageRequest,
    admit: &Admit,
) -> Result<Option<PageRead>, SqliteError> {
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(None);
    };
    let mut rows = VisitorRows::of(connection, visitor.id);
    read_page(&mut rows, request, admit, visitor.change_counter).map(Some)
}

/// What the walk of a visitor's changes needs of each conversation.
struct SelectChangedHeads<'w> {
    visitor: i64,
    wanted: &'w ChangedHeads,
    dead_after: u64,
    from: Uuid,
}

impl QueryFragment<Sqlite> for SelectChangedHeads<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(ConversationChangeRow::LIST);
        out.push_sql(" FROM conversations WHERE visitor = ");
        out.push_bind_param::<BigInt, _>(&self.visitor)?;
        out.push_sql(" AND (latest_change, uuid) >= (");
        out.push_bind_param::<ChangeNumber, _>(&self.wanted.from.0)?;
        out.push_sql(", ");
        out.push_bind_param::<UuidBytes, _>(&self.from)?;
        out.push_sql(") AND (content_bytes > 0 OR change_number > ");
        out.push_bind_param::<ChangeNumber, _>(&self.dead_after)?;
        out.push_sql(")");
        if let Some(limit) = self.wanted.limit {
            // Not bound: see `items`. There are but few different limits.
            out.push_sql(" ORDER BY latest_change, uuid LIMIT ");
            out.push_sql(&limit.to_string());
        }
        Ok(())
    }
}

impl QueryId for SelectChangedHeads<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for SelectChangedHeads<'_> {
    type SqlType = ConversationChange;
}

impl RunQueryDsl<SqliteConnection> for SelectChangedHeads<'_> {}

/// The rows of one visitor.
pub(super) struct VisitorRows<'c> {
    pub(super) connection: &'c mut SqliteConnection,
    pub(super) visitor: i64,
    pub(super) time: ReadTime,
    /// The row ids of what was found.
    conversations: HashMap<ConversationKey, i64>,
    pub(super) messages: HashMap<(ConversationKey, MessageKey), i64>,
}

impl FeedRows for VisitorRows<'_> {
    type Error = SqliteError;

    fn changed_heads(&mut self, wanted: &ChangedHeads) -> Result<Vec<ChangedHead>, SqliteError> {
        self.time.check()?;
        let query = SelectChangedHeads {
            visitor: self.visitor,
            wanted,
            dead_after: wanted.dead_left_out_through.unwrap_or(0),
            from: wanted.from.1.as_uuid(),
        };
        let rows: Vec<ConversationChangeRow> = query.load(self.connection)?;
        self.conversations.reserve(rows.len());
        let heads = rows.into_iter().map(|row| self.found(&row));
        Ok(heads.collect())
    }

    fn changed_messages(
        &mut self,
        wanted: &[ChangedMessages],
    ) -> Result<Vec<Vec<ChangedMessage>>, SqliteError> {
        wanted
            .iter()
            .map(|wanted| self.changed_in(wanted))
            .collect()
    }

    fn read(
        &mut self,
        items: Vec<NamedConversation>,
    ) -> Result<Vec<ChangedConversation>, SqliteError> {
        items.into_iter().map(|named| self.whole(named)).collect()
    }
}

impl<'c> VisitorRows<'c> {
    pub(super) fn of(connection: &'c mut SqliteConnection, visitor: i64) -> Self {
        Self {
            connection,
            visitor,
            time: ReadTime::begin(),
            conversations: HashMap::new(),
            messages: HashMap::new(),
        }
    }

    /// The head of a conversation that was found.
    pub(super) fn found(&mut self, row: &ConversationChangeRow) -> ChangedHead {
        let key = ConversationKey::from_uuid(row.uuid);
        self.conversations.insert(key, row.id);
        ChangedHead {
            key,
            latest_change: row.latest_change,
            change_number: row.change_number,
            content_bytes: bytes_of(row.content_bytes),
        }
    }

    /// The row id of a conversation that was found.
    pub(super) fn conversation(&self, key: ConversationKey) -> Result<i64, SqliteError> {
        let row = self.conversations.get(&key);
        row.copied().ok_or(SqliteError::NotStored)
    }

    fn changed_in(&mut self, wanted: &ChangedMessages) -> Result<Vec<ChangedMessage>, SqliteError> {
        let Some(&conversation) = self.conversations.get(&wanted.conversation) else {
            return Ok(Vec::new());
        };
        self.time.check()?;
        let dead_after = wanted.dead_left_out_through.unwrap_or(0);
        let (after, after_id) = wanted_after(wanted);
        let rows = messages::table
            .filter(messages::conversation.eq(conversation))
            .filter(messages::change_number.gt(NumberKey(wanted.since)))
            .filter(
                messages::content_bytes
                    .gt(0)
                    .or(messages::change_number.gt(NumberKey(dead_after))),
            )
            .filter(
                messages::change_number
                    .gt(NumberKey(after))
                    .or(messages::change_number
                        .eq(NumberKey(after))
                        .and(messages::uuid.gt(UuidKey(after_id)))),
            )
            .order((messages::change_number, messages::uuid))
            .select(MessageChangeRow::columns())
            .load_iter::<MessageChangeRow, DefaultLoadingMode>(self.connection)?
            .take(wanted.limit);
        let numbered = rows.map(|row| {
            let row = row?;
            let key = MessageKey::from_uuid(row.uuid);
            self.messages.insert((wanted.conversation, key), row.id);
            Ok(ChangedMessage {
                place: (row.change_number, key),
                content_bytes: bytes_of(row.content_bytes),
            })
        });
        numbered.collect()
    }

    fn whole(&mut self, named: NamedConversation) -> Result<ChangedConversation, SqliteError> {
        self.time.check()?;
        let row = self.conversation(named.key)?;
        let conversation = items::conversation_of_row(self.connection, row)?;
        let mut messages = Vec::with_capacity(named.messages.len());
        for key in named.messages {
            let row = self.messages.get(&(named.key, key));
            let row = row.ok_or(SqliteError::NotStored)?;
            messages.push(items::message_of_row(self.connection, *row)?.into());
        }
        Ok(ChangedConversation {
            conversation: conversation.into(),
            messages,
        })
    }
}
