//! What somebody sees who looks at conversations: the list of them, and one with its messages.

use async_trait::async_trait;
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;

use convosync_domain::feed::{Admit, ChangedHead};
use convosync_domain::identity::{ConversationKey, MessageKey, VisitorId};
use convosync_domain::ports::{ConversationReader, StoreError};
use convosync_domain::reading::{
    ConversationRead, ConversationRequest, ListRead, ListRequest, LivingMessage, MessagePlace,
    ReadingRows, read_conversation, read_list,
};

use super::SqliteStore;
use super::errors::SqliteError;
use super::feed::VisitorRows;
use super::schema::{ConversationChangeRow, LivingMessageRow, conversations, messages};
use super::visitors;
use crate::items::bytes_of;
use crate::statements::statements;
use crate::types::UuidKey;

#[async_trait]
impl ConversationReader for SqliteStore {
    async fn list(
        &self,
        visitor: VisitorId,
        request: ListRequest,
        admit: Admit,
    ) -> Result<Option<ListRead>, StoreError> {
        self.read_in_transaction(move |connection| list(connection, visitor, &request, &admit))
            .await
    }

    async fn read(
        &self,
        visitor: VisitorId,
        request: ConversationRequest,
        admit: Admit,
    ) -> Result<Option<ConversationRead>, StoreError> {
        self.read_in_transaction(move |connection| read(connection, visitor, &request, &admit))
            .await
    }

    async fn head(
        &self,
        visitor: VisitorId,
        conversation: ConversationKey,
    ) -> Result<Option<Option<ChangedHead>>, StoreError> {
        let head = move |connection: &mut _| head(connection, visitor, conversation);
        self.0.read_pool.read_inline(head).await
    }
}

/// A page of the list, inside one transaction.
fn list(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
    request: &ListRequest,
    admit: &Admit,
) -> Result<Option<ListRead>, SqliteError> {
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(None);
    };
    let mut rows = VisitorRows::of(connection, visitor.id);
    read_list(&mut rows, request, admit, visitor.change_counter).map(Some)
}

/// A page of a conversation, inside one transaction.
fn read(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
    request: &ConversationRequest,
    admit: &Admit,
) -> Result<Option<ConversationRead>, SqliteError> {
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(None);
    };
    let mut rows = VisitorRows::of(connection, visitor.id);
    read_conversation(&mut rows, request, admit).map(Some)
}

/// The head of a conversation, inside one transaction.
fn head(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
    conversation: ConversationKey,
) -> Result<Option<Option<ChangedHead>>, SqliteError> {
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(None);
    };
    VisitorRows::of(connection, visitor.id)
        .head(conversation)
        .map(Some)
}

statements! { Sqlite, SqliteConnection:
    /// How many messages of a conversation live.
    CountMessages -> BigInt =
        "SELECT count(*) FROM messages WHERE content_bytes > 0 AND conversation = "
            + conversation: i64 as BigInt;
}

impl ReadingRows for VisitorRows<'_> {
    fn head(&mut self, conversation: ConversationKey) -> Result<Option<ChangedHead>, SqliteError> {
        let row: Option<ConversationChangeRow> = conversations::table
            .filter(conversations::visitor.eq(self.visitor))
            .filter(conversations::uuid.eq(UuidKey(conversation.as_uuid())))
            .select(ConversationChangeRow::columns())
            .get_result(self.connection)
            .optional()?;
        Ok(row.map(|row| self.found(&row)))
    }

    fn count_messages(
        &mut self,
        conversations: &[ConversationKey],
    ) -> Result<Vec<u64>, SqliteError> {
        let counts = conversations.iter().map(|key| {
            self.time.check()?;
            let conversation = self.conversation(*key)?;
            let count = CountMessages { conversation };
            let count: i64 = count.get_result(self.connection)?;
            Ok(count.unsigned_abs())
        });
        counts.collect()
    }

    fn living_messages(
        &mut self,
        conversation: ConversationKey,
    ) -> Result<Vec<LivingMessage>, SqliteError> {
        let rows = messages::table
            .filter(messages::conversation.eq(self.conversation(conversation)?))
            .filter(messages::content_bytes.gt(0))
            .select(LivingMessageRow::columns())
            .load_iter::<LivingMessageRow, DefaultLoadingMode>(self.connection)?;
        let living = rows.map(|row| {
            let row = row?;
            let key = MessageKey::from_uuid(row.uuid);
            self.messages.insert((conversation, key), row.id);
            Ok(LivingMessage {
                place: MessagePlace {
                    timestamp: row.timestamp,
                    key,
                },
                content_bytes: bytes_of(row.content_bytes),
            })
        });
        living.collect()
    }
}
