//! A change set as rows: what is to be written, table by table, so that each table takes a statement
//! or two whatever the change set holds.

use std::collections::BTreeMap;
use std::mem;

use uuid::Uuid;

use convosync_domain::archive::ArchivedConversation;
use convosync_domain::change_set::{ConversationChange, Erasure, Write};
use convosync_domain::conversation::Conversation;
use convosync_domain::stored::{StoredConversation, StoredMessage};
use convosync_domain::usage::UsageChange;

use super::schema::{
    ConversationRow, MessageRow, OutputRow, RequestRow, ResponseRow, conversations,
    message_outputs, message_requests, message_responses, messages,
};
use super::statements::ColumnsOfRows;
use super::take_number::Replaced;
use crate::items::{MessageColumns, bytes_column, counted_bytes};

/// The most rows of one statement.
const STATEMENT_ROWS: usize = 1_000;
/// A statement ends with the row that reaches so many bytes: PostgreSQL takes a gigabyte at most.
pub(super) const STATEMENT_BYTES: usize = 16 << 20;

/// Everything that a change set writes for one visitor, with one change number.
#[derive(Debug, Default)]
pub(super) struct ChangedRows {
    pub(super) conversations: Rows<conversations::Columns>,
    /// Stored conversations of which only messages change.
    pub(super) touched: Vec<Uuid>,
    pub(super) erasures: Vec<(Uuid, Erasure)>,
    /// How the rows move the visitor's usage, apart from what they replace and erase.
    pub(super) usage: UsageChange,
    pub(super) replaced: Replaced,
    pub(super) messages: Rows<messages::Columns>,
    pub(super) requests: PartRows<message_requests::Columns>,
    pub(super) responses: PartRows<message_responses::Columns>,
    pub(super) outputs: PartRows<message_outputs::Columns>,
}

/// Rows of one table: those that are new, and those that replace stored ones.
#[derive(Debug, Default)]
pub(super) struct Rows<C> {
    pub(super) new: Batches<C>,
    pub(super) replacing: Batches<C>,
}

/// Rows of one kind of part, and the stored messages by conversation that have none of it any more.
#[derive(Debug, Default)]
pub(super) struct PartRows<C> {
    pub(super) rows: Rows<C>,
    pub(super) gone: BTreeMap<Uuid, Vec<Uuid>>,
}

/// Rows in batches of one statement each.
#[derive(Debug, Default)]
pub(super) struct Batches<C> {
    full: Vec<C>,
    last: C,
    /// Of the last.
    bytes: usize,
}

impl<C: ColumnsOfRows> Batches<C> {
    /// The batch that takes the next row, which has about so many bytes.
    fn next(&mut self, bytes: usize) -> &mut C {
        if self.last.len() >= STATEMENT_ROWS || self.bytes >= STATEMENT_BYTES {
            self.full.push(mem::take(&mut self.last));
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        &mut self.last
    }

    /// The batches that have rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = &C> {
        let last = (self.last.len() > 0).then_some(&self.last);
        self.full.iter().chain(last)
    }
}

impl<C> Rows<C> {
    /// About how many bytes those have that are to be written last.
    fn last_bytes(&self) -> usize {
        self.new.bytes.saturating_add(self.replacing.bytes)
    }
}

impl<C: ColumnsOfRows> Rows<C> {
    fn next(&mut self, is_new: bool, bytes: usize) -> &mut C {
        match is_new {
            true => self.new.next(bytes),
            false => self.replacing.next(bytes),
        }
    }
}

impl ChangedRows {
    /// About how many bytes the rows have where each table takes one statement.
    pub(super) fn bytes(&self) -> usize {
        [
            self.conversations.last_bytes(),
            self.messages.last_bytes(),
            self.requests.rows.last_bytes(),
            self.responses.rows.last_bytes(),
            self.outputs.rows.last_bytes(),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    /// The rows of a change set whose items get this change number.
    pub(super) fn of(changes: Vec<ConversationChange>, change_number: u64) -> Self {
        let mut rows = Self::default();
        for change in changes {
            rows.add(change, change_number);
        }
        rows
    }

    /// The rows of items from another store, with the numbers that they have.
    pub(super) fn of_archived(conversations: Vec<ArchivedConversation>) -> Self {
        let mut rows = Self::default();
        for archived in conversations {
            let conversation = archived.conversation.id.key().as_uuid();
            rows.add_conversation(archived.conversation, true, archived.change_number);
            for archived in archived.messages {
                let change_number = archived.change_number;
                rows.add_message(conversation, archived.message, true, change_number);
            }
        }
        rows
    }

    fn add(&mut self, change: ConversationChange, change_number: u64) {
        let conversation = change.key.as_uuid();
        match change.conversation {
            Some(Write::Insert(stored)) => self.add_conversation(stored, true, change_number),
            Some(Write::Update(stored)) => {
                self.replaced.add_conversation(conversation);
                self.add_conversation(stored, false, change_number);
            }
            None => self.touched.push(conversation),
        }
        if let Some(erasure) = change.erasure {
            self.erasures.push((conversation, erasure));
            self.replaced.add_erasure(conversation, erasure);
        }
        for message in change.messages {
            match message {
                Write::Insert(stored) => {
                    self.add_message(conversation, stored, true, change_number);
                }
                Write::Update(stored) => {
                    let message = stored.id.key().as_uuid();
                    self.replaced
                        .add_message(conversation, message, change.erasure);
                    self.add_message(conversation, stored, false, change_number);
                }
            }
        }
    }

    fn add_conversation(&mut self, stored: StoredConversation, is_new: bool, change_number: u64) {
        let content = stored.content.as_ref();
        let bytes = content.map_or(0, Conversation::content_bytes);
        let row = conversation_row(stored, change_number);
        self.usage.conversation(0, counted_bytes(row.content_bytes));
        self.conversations.next(is_new, bytes).push(row);
    }

    fn add_message(
        &mut self,
        conversation: Uuid,
        stored: StoredMessage,
        is_new: bool,
        change_number: u64,
    ) {
        let MessageColumns {
            key: id,
            opaque_id,
            content_bytes,
            digest,
            history,
            fields,
            request,
            response,
            output,
        } = stored.into();
        self.usage.messages(0, counted_bytes(content_bytes));
        let row = MessageRow {
            id,
            opaque_id,
            change_number,
            content_bytes,
            digest,
            history,
            fields,
        };
        let bytes = row.fields.content_bytes();
        self.messages.next(is_new, bytes).push(conversation, row);
        let message_id = id;
        macro_rules! add_part {
            ($part:ident in $rows:ident as $row:ident) => {
                match $part {
                    Some($part) => {
                        let bytes = $part.content_bytes();
                        let row = $row { message_id, $part };
                        self.$rows.rows.next(is_new, bytes).push(conversation, row);
                    }
                    // (Any more: a post can delete a message and bring it back without its parts.)
                    None if !is_new => self.$rows.gone.entry(conversation).or_default().push(id),
                    None => {}
                }
            };
        }
        add_part!(request in requests as RequestRow);
        add_part!(response in responses as ResponseRow);
        add_part!(output in outputs as OutputRow);
    }
}

fn conversation_row(stored: StoredConversation, change_number: u64) -> ConversationRow {
    ConversationRow {
        id: stored.id.key().as_uuid(),
        opaque_id: stored.id.opaque().map(str::to_owned),
        change_number,
        latest_change: change_number,
        content_bytes: bytes_column(stored.content_bytes()),
        history: stored.history,
        content: stored.content.unwrap_or_default(),
    }
}
