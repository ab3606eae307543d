//! What a change set does to the rows.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;

use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::change_set::{ChangeSet, ConversationChange, Write};
use convosync_domain::identity::{ConversationKey, MessageKey, VisitorId};
use convosync_domain::ports::MergedVisitor;
use convosync_domain::stored::{StoredConversation, StoredMessage};
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};
use convosync_domain::usage::{Usage, UsageChange};

use super::erase::erase;
use super::errors::SqliteError;
use super::group::Group;
use super::schema::{
    ConversationRow, MessageRow, MessageSizeRow, OutputRow, RequestRow, ResponseRow,
};
use super::statements::{Delete, StoredRow, Update, insert};
use super::{items, tombstones, visitors};
use crate::items::{MessageColumns, bytes_column, counted_bytes};
use crate::statements::statements;
use crate::types::sql::ChangeNumber;

/// What a commit leaves behind.
pub(super) struct Committed {
    /// The visitor's counter after it.
    pub(super) change_counter: u64,
    /// The rows of new messages. Their memory is the caller's, whose thread gives it back in less time
    /// than the one thread that writes.
    _written: Vec<MessageRows>,
}

/// Writes a change set, if the visitor's counter is the one that it was computed on.
pub(super) fn commit(
    group: &mut Group<'_>,
    visitor: VisitorId,
    changes: ChangeSet,
) -> Result<Committed, SqliteError> {
    let change_number = if changes.conversations.is_empty() {
        changes.change_counter
    } else {
        changes.change_counter + 1
    };
    let known = visitors::find_with_usage(group.connection, visitor)?;
    let (visitor, before) = match (known, changes.registers) {
        (Some(known), None) if known.change_counter == changes.change_counter => {
            (known.id, known.usage())
        }
        (None, Some(registration)) if changes.change_counter == 0 => {
            let visitor = ArchivedVisitor::new(&registration, change_number);
            (visitors::insert(group, &visitor)?, Usage::default())
        }
        _ => return Err(SqliteError::Conflict),
    };
    let messages = changes.conversations.iter();
    let messages = messages.map(|change| change.messages.len()).sum();
    let mut rows = VisitorRows::of(group, visitor, change_number);
    rows.written.reserve_exact(messages);
    for change in changes.conversations {
        rows.write(change)?;
    }
    let after = rows.usage.applied_to(before);
    changes.quota.check(before, after)?;
    if change_number != changes.change_counter {
        let connection = &mut *rows.group.connection;
        let changed_at = Some(changes.received_at);
        visitors::set_counters(connection, visitor, change_number, changed_at, after)?;
    }
    Ok(Committed {
        change_counter: change_number,
        _written: rows.written,
    })
}

/// Writes a change set like [`commit`], and erases the visitor that is merged, if its counter is the one at which
/// it was read.
pub(super) fn merge(
    group: &mut Group<'_>,
    into: VisitorId,
    changes: ChangeSet,
    merged: MergedVisitor,
) -> Result<Committed, SqliteError> {
    let found = visitors::find(group.connection, merged.id)?;
    let found = found.filter(|row| row.change_counter == merged.change_counter);
    let row = found.ok_or(SqliteError::Conflict)?;
    let committed = commit(group, into, changes)?;
    let tombstone = VisitorTombstone {
        id: merged.id,
        gone: VisitorGone::Merged { into },
        at: merged.at,
    };
    tombstones::bury(group, row.id, tombstone)?;
    Ok(committed)
}

statements! { Sqlite, SqliteConnection:
    /// Messages of the conversation change.
    SetLatestChange =
        "UPDATE conversations SET latest_change = " + change_number: u64 as ChangeNumber,
        " WHERE id = " + conversation: i64 as BigInt;
}

/// The rows of one visitor, to be given one change number.
pub(super) struct VisitorRows<'g, 'c> {
    pub(super) group: &'g mut Group<'c>,
    pub(super) visitor: i64,
    pub(super) change_number: u64,
    /// How what was written so far moves the visitor's usage.
    pub(super) usage: UsageChange,
    written: Vec<MessageRows>,
}

impl<'g, 'c> VisitorRows<'g, 'c> {
    pub(super) fn of(group: &'g mut Group<'c>, visitor: i64, change_number: u64) -> Self {
        Self {
            group,
            visitor,
            change_number,
            usage: UsageChange::default(),
            written: Vec::new(),
        }
    }

    fn write(&mut self, change: ConversationChange) -> Result<(), SqliteError> {
        let conversation = match change.conversation {
            Some(Write::Insert(stored)) => self.insert_conversation(stored)?.id,
            Some(Write::Update(stored)) => self.update_conversation(change.key, stored)?,
            None => {
                let id = self.conversation(change.key)?;
                SetLatestChange {
                    change_number: self.change_number,
                    conversation: id,
                }
                .execute(self.group.connection)?;
                id
            }
        };
        if let Some(erasure) = change.erasure {
            let connection = &mut *self.group.connection;
            let erased_bytes = erase(connection, conversation, erasure, self.change_number)?;
            self.usage.messages(counted_bytes(erased_bytes), 0);
        }
        for message in change.messages {
            self.write_message(conversation, message)?;
        }
        Ok(())
    }

    pub(super) fn insert_conversation(
        &mut self,
        stored: StoredConversation,
    ) -> Result<ConversationRow, SqliteError> {
        let id = self.group.next_conversation()?;
        let row = self.conversation_row(id, stored);
        insert(&row, self.group.connection)?;
        self.usage.conversation(0, counted_bytes(row.content_bytes));
        Ok(row)
    }

    fn update_conversation(
        &mut self,
        key: ConversationKey,
        stored: StoredConversation,
    ) -> Result<i64, SqliteError> {
        let before = items::find_conversation_size(self.group.connection, self.visitor, key)?
            .ok_or(SqliteError::NotStored)?;
        let row = self.conversation_row(before.id, stored);
        Update(&row).execute(self.group.connection)?;
        self.usage.conversation(
            counted_bytes(before.content_bytes),
            counted_bytes(row.content_bytes),
        );
        Ok(row.id)
    }

    fn conversation(&mut self, key: ConversationKey) -> Result<i64, SqliteError> {
        items::find_conversation_row(self.group.connection, self.visitor, key)?
            .ok_or(SqliteError::NotStored)
    }

    fn conversation_row(&self, id: i64, stored: StoredConversation) -> ConversationRow {
        ConversationRow {
            id,
            visitor: self.visitor,
            uuid: stored.id.key().as_uuid(),
            opaque_id: stored.id.opaque().map(str::to_owned),
            change_number: self.change_number,
            latest_change: self.change_number,
            content_bytes: bytes_column(stored.content_bytes()),
            history: stored.history,
            content: stored.content.unwrap_or_default(),
        }
    }

    pub(super) fn write_message(
        &mut self,
        conversation: i64,
        message: Write<StoredMessage>,
    ) -> Result<(), SqliteError> {
        match message {
            Write::Insert(stored) => {
                let id = self.group.next_message()?;
                let rows = self.message_rows(id, conversation, stored);
                rows.insert(self.group.connection)?;
                self.usage.messages(0, rows.counted_bytes());
                self.written.push(rows);
            }
            Write::Update(stored) => {
                let before = self.message(conversation, stored.id.key())?;
                let rows = self.message_rows(before.id, conversation, stored);
                rows.update(self.group.connection)?;
                let bytes_before = counted_bytes(before.content_bytes);
                self.usage.messages(bytes_before, rows.counted_bytes());
            }
        }
        Ok(())
    }

    /// As it is at this moment: nothing is left of one that the erasure of the same change has reached.
    fn message(
        &mut self,
        conversation: i64,
        key: MessageKey,
    ) -> Result<MessageSizeRow, SqliteError> {
        items::find_message_size(self.group.connection, conversation, key)?
            .ok_or(SqliteError::NotStored)
    }

    fn message_rows(&self, id: i64, conversation: i64, stored: StoredMessage) -> MessageRows {
        let columns = MessageColumns::from(stored);
        let message = MessageRow {
            id,
            conversation,
            uuid: columns.key,
            opaque_id: columns.opaque_id,
            change_number: self.change_number,
            content_bytes: columns.content_bytes,
            digest: columns.digest,
            history: columns.history,
            fields: columns.fields,
        };
        MessageRows {
            message,
            request: columns.request.map(|request| RequestRow { id, request }),
            response: columns
                .response
                .map(|response| ResponseRow { id, response }),
            output: columns.output.map(|output| OutputRow { id, output }),
        }
    }
}

/// The rows of a message, with the parts that it has.
pub(super) struct MessageRows {
    message: MessageRow,
    request: Option<RequestRow>,
    response: Option<ResponseRow>,
    output: Option<OutputRow>,
}

impl MessageRows {
    fn counted_bytes(&self) -> u64 {
        counted_bytes(self.message.content_bytes)
    }

    fn insert(&self, connection: &mut SqliteConnection) -> QueryResult<()> {
        insert(&self.message, connection)?;
        insert_part(connection, self.request.as_ref())?;
        insert_part(connection, self.response.as_ref())?;
        insert_part(connection, self.output.as_ref())
    }

    /// Leaves the message with these parts and no others. Parts may go: a post can delete a message and
    /// then bring it back without them.
    fn update(&self, connection: &mut SqliteConnection) -> QueryResult<()> {
        let id = self.message.id;
        Update(&self.message).execute(connection)?;
        replace_part(connection, id, self.request.as_ref())?;
        replace_part(connection, id, self.response.as_ref())?;
        replace_part(connection, id, self.output.as_ref())
    }
}

fn insert_part<R: StoredRow>(
    connection: &mut SqliteConnection,
    row: Option<&R>,
) -> QueryResult<()> {
    if let Some(row) = row {
        insert(row, connection)?;
    }
    Ok(())
}

/// (An `INSERT OR REPLACE` would have SQLite copy each page it touches to a statement journal.)
fn replace_part<R: StoredRow>(
    connection: &mut SqliteConnection,
    id: i64,
    row: Option<&R>,
) -> QueryResult<()> {
    Delete::<R>::by_id(id).execute(connection)?;
    insert_part(connection, row)
}
