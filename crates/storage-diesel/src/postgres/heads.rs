//! The heads of what a post names, in one statement: so they are of one moment without a transaction.

use diesel::deserialize::{self, FromSqlRow};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::row::Row;
use diesel::sql_types::{Array, Nullable};
use uuid::Uuid;

use convosync_domain::identity::{MessageId, VisitorId};
use convosync_domain::ports::{ConversationHead, Heads, MessageHead, NamedConversation};
use convosync_domain::posted::Digest;

use super::errors::Fault;
use super::schema::ConversationRow;
use super::statements::{WholeRow, prepared_query, push_columns};
use crate::rows::RowReader;
use crate::types::sql::{ChangeNumber, DigestBytes, UuidBytes};

/// What a post names, as lists to bind.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) conversations: Vec<Uuid>,
    /// Each with the conversation that stands at its place in `conversations_of_messages`.
    pub(super) messages: Vec<Uuid>,
    pub(super) conversations_of_messages: Vec<Uuid>,
}

impl From<Vec<NamedConversation>> for Names {
    fn from(named: Vec<NamedConversation>) -> Self {
        let mut names = Self::default();
        for named in named {
            let conversation = named.id.as_uuid();
            names.conversations.push(conversation);
            for message in named.messages {
                names.conversations_of_messages.push(conversation);
                names.messages.push(message.as_uuid());
            }
        }
        names
    }
}

/// The visitor's counter and the heads of what is named.
pub(super) fn heads(
    connection: &mut PgConnection,
    visitor: VisitorId,
    names: &Names,
) -> Result<Option<Heads>, Fault> {
    let rows: Vec<HeadRow> = SelectHeads {
        visitor: visitor.as_uuid(),
        names: names.clone(),
    }
    .load(connection)?;
    let Some(change_counter) = rows.first().map(|row| row.change_counter) else {
        return Ok(None);
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
    /// (`OFFSET 0` makes the planner look up name by name.)
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT v.change_counter, ");
        push_columns::<ConversationRow>(&mut out, "c.")?;
        out.push_sql(
            ", h.ids, h.digests FROM visitors v LEFT JOIN conversations c ON c.visitor_id = ",
        );
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(" AND c.id = ANY(");
        out.push_bind_param::<Array<UuidBytes>, _>(&self.names.conversations)?;
        out.push_sql(
            ") LEFT JOIN (SELECT n.conversation_id, array_agg(n.id) AS ids, \
             array_agg(m.digest) AS digests FROM unnest(",
        );
        out.push_bind_param::<Array<UuidBytes>, _>(&self.names.conversations_of_messages)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<UuidBytes>, _>(&self.names.messages)?;
        out.push_sql(
            ") AS n (conversation_id, id) CROSS JOIN LATERAL \
             (SELECT m.digest FROM messages m WHERE m.visitor_id = ",
        );
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(
            " AND m.conversation_id = n.conversation_id AND m.id = n.id OFFSET 0) m \
             GROUP BY n.conversation_id) h ON h.conversation_id = c.id WHERE v.id = ",
        );
        out.push_bind_param::<UuidBytes, _>(&self.visitor)
    }
}

struct HeadRow {
    change_counter: u64,
    conversation: Option<ConversationRow>,
    messages: Vec<Uuid>,
    digests: Vec<Option<Digest>>,
}

impl FromSqlRow<(WholeRow,), Pg> for HeadRow {
    fn build_from_row<'a>(row: &impl Row<'a, Pg>) -> deserialize::Result<Self> {
        let mut columns = RowReader::of(row);
        let change_counter = columns.next::<ChangeNumber, _>("change_counter")?;
        let conversation = columns.optional_row()?;
        let messages = columns.next::<Nullable<Array<UuidBytes>>, Option<_>>("id")?;
        let digests =
            columns.next::<Nullable<Array<Nullable<DigestBytes>>>, Option<_>>("digest")?;
        Ok(Self {
            change_counter,
            conversation,
            messages: messages.unwrap_or_default(),
            digests: digests.unwrap_or_default(),
        })
    }
}

impl HeadRow {
    fn head(self) -> Option<ConversationHead> {
        let messages = self.messages.into_iter().zip(self.digests);
        let messages = messages.map(|(id, digest)| MessageHead {
            id: MessageId::from_uuid(id),
            digest,
        });
        Some(ConversationHead {
            conversation: self.conversation?.into(),
            messages: messages.collect(),
        })
    }
}
