//! The heads of what a post names, by one call of a function of the database (`functions`): so they are of one moment
//! without a transaction.

use diesel::deserialize::{self, FromSqlRow};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::row::Row;
use diesel::sql_types::{Array, BigInt, Integer, Nullable};
use uuid::Uuid;

use convosync_domain::identity::{MessageKey, VisitorId};
use convosync_domain::ports::{ConversationHead, Heads, MessageHead, NamedConversation};
use convosync_domain::posted::Digest;

use super::errors::PostgresError;
use super::schema::ConversationRow;
use super::statements::{WholeRow, prepared_query, push_columns};
use super::tombstones;
use crate::items::bytes_of;
use crate::tables::read_row::RowReader;
use crate::types::sql::{ChangeNumber, DigestBytes, UuidBytes};

/// What a post names, as lists to bind.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) conversations: Vec<Uuid>,
    /// Each with the conversation that stands at the same position in `conversations_of_messages`.
    pub(super) messages: Vec<Uuid>,
    pub(super) conversations_of_messages: Vec<Uuid>,
    /// Where the messages of each conversation begin and end in `messages`, counted from 1.
    first_messages: Vec<i32>,
    last_messages: Vec<i32>,
}

impl From<Vec<NamedConversation>> for Names {
    fn from(named: Vec<NamedConversation>) -> Self {
        let mut names = Self::default();
        for named in named {
            let conversation = named.key.as_uuid();
            names.conversations.push(conversation);
            names
                .first_messages
                .push(position(names.messages.len()).saturating_add(1));
            for message in named.messages {
                names.conversations_of_messages.push(conversation);
                names.messages.push(message.as_uuid());
            }
            names.last_messages.push(position(names.messages.len()));
        }
        names
    }
}

/// No body names so many messages that they cannot be counted so.
fn position(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

/// The visitor's counter and the heads of what is named.
pub(super) fn heads(
    connection: &mut PgConnection,
    visitor: VisitorId,
    names: &Names,
) -> Result<Option<Heads>, PostgresError> {
    let rows: Vec<HeadRow> = SelectHeads {
        visitor: visitor.as_uuid(),
        names: names.clone(),
    }
    .load(connection)?;
    let Some(change_counter) = rows.first().map(|row| row.change_counter) else {
        return tombstones::found_unless_gone(connection, visitor, None);
    };
    Ok(Some(Heads {
        change_counter,
        conversations: rows.into_iter().filter_map(HeadRow::head).collect(),
    }))
}

/// A row for each named conversation that is stored, or one without a conversation.
struct SelectHeads {
    visitor: Uuid,
    names: Names,
}

prepared_query!(SelectHeads);

impl QueryFragment<Pg> for SelectHeads {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let names = &self.names;
        out.push_sql("SELECT change_counter, ");
        push_columns::<ConversationRow>(&mut out, "")?;
        out.push_sql(", ids, digests, bytes FROM read_heads(");
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<UuidBytes>, _>(&names.conversations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&names.first_messages)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&names.last_messages)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<UuidBytes>, _>(&names.messages)?;
        out.push_sql(")");
        Ok(())
    }
}

struct HeadRow {
    change_counter: u64,
    conversation: Option<ConversationRow>,
    messages: Vec<Uuid>,
    digests: Vec<Option<Digest>>,
    content_bytes: Vec<i64>,
}

impl FromSqlRow<(WholeRow,), Pg> for HeadRow {
    fn build_from_row<'a>(row: &impl Row<'a, Pg>) -> deserialize::Result<Self> {
        let mut columns = RowReader::of(row);
        let change_counter = columns.next::<ChangeNumber, _>("change_counter")?;
        let conversation = columns.optional_row()?;
        let messages = columns.next::<Nullable<Array<UuidBytes>>, Option<_>>("id")?;
        let digests =
            columns.next::<Nullable<Array<Nullable<DigestBytes>>>, Option<_>>("digest")?;
        let content_bytes = columns.next::<Nullable<Array<BigInt>>, Option<_>>("content_bytes")?;
        Ok(Self {
            change_counter,
            conversation,
            messages: messages.unwrap_or_default(),
            digests: digests.unwrap_or_default(),
            content_bytes: content_bytes.unwrap_or_default(),
        })
    }
}

impl HeadRow {
    fn head(self) -> Option<ConversationHead> {
        let messages = self.messages.into_iter().zip(self.digests);
        let messages = messages.zip(self.content_bytes);
        let messages = messages.map(|((id, digest), bytes)| MessageHead {
            key: MessageKey::from_uuid(id),
            digest,
            content_bytes: bytes_of(bytes),
        });
        Some(ConversationHead {
            conversation: self.conversation?.into(),
            messages: messages.collect(),
        })
    }
}
