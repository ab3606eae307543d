//! The first statement of a commit: the visitor's counters rise, by compare-and-swap.

use diesel::deserialize::{self, FromSqlRow};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::row::Row;
use diesel::sql_types::{Array, BigInt, Nullable};
use uuid::Uuid;

use convosync_domain::change_set::Erasure;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::{Usage, UsageChange};

use super::statements::WholeRow;
use crate::items::{counted_bytes, erased_through};
use crate::tables::read_row::RowReader;
use crate::types::sql::{ChangeNumber, Instant, UuidBytes};

/// What a change set replaces and erases, by key, as lists to bind.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    conversations: Vec<Uuid>,
    /// Each with what stands at the same position in the next two.
    messages: Vec<Uuid>,
    conversations_of_messages: Vec<Uuid>,
    /// Up to which stamp an erasure of the same change reaches.
    erasures_of_messages: Vec<Option<i64>>,
    erased_conversations: Vec<Uuid>,
    /// Up to which stamp.
    erased_through: Vec<i64>,
}

impl Replaced {
    pub(super) fn add_conversation(&mut self, conversation: Uuid) {
        self.conversations.push(conversation);
    }

    pub(super) fn add_message(
        &mut self,
        conversation: Uuid,
        message: Uuid,
        erasure: Option<Erasure>,
    ) {
        self.messages.push(message);
        self.conversations_of_messages.push(conversation);
        self.erasures_of_messages.push(erasure.map(erased_through));
    }

    pub(super) fn add_erasure(&mut self, conversation: Uuid, erasure: Erasure) {
        self.erased_conversations.push(conversation);
        self.erased_through.push(erased_through(erasure));
    }

    /// Whether there is nothing to replace.
    pub(super) fn is_empty(&self) -> bool {
        self.conversations.is_empty() && self.messages.is_empty()
    }
}

/// Takes a change number, if the visitor's counter is the one that is known, and moves the usage: by what the
/// change set adds, and by what it replaces and erases, of which this statement finds the sizes before any of it
/// changes. A message that is both is counted with what is erased.
///
/// What is looked up is as it was when the statement began. Had another write of the visitor come since, the
/// counter would be another one once the row is locked.
pub(super) struct TakeNumber<'r> {
    pub(super) visitor: Uuid,
    pub(super) change_counter: u64,
    pub(super) change_number: u64,
    /// The moment of the change, if there is one.
    pub(super) last_changed_at: Option<Timestamp>,
    pub(super) write: Uuid,
    pub(super) added: Usage,
    pub(super) replaced: &'r Replaced,
}

impl Query for TakeNumber<'_> {
    type SqlType = (WholeRow,);
}

impl QueryId for TakeNumber<'_> {
    type QueryId = TakeNumber<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<PgConnection> for TakeNumber<'_> {}

impl QueryFragment<Pg> for TakeNumber<'_> {
    /// (`OFFSET 0` makes the planner look up key by key.)
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("UPDATE visitors v SET change_counter = ");
        out.push_bind_param::<ChangeNumber, _>(&self.change_number)?;
        out.push_sql(", last_changed_at = coalesce(");
        out.push_bind_param::<Nullable<Instant>, _>(&self.last_changed_at)?;
        out.push_sql(", v.last_changed_at), latest_write = ");
        out.push_bind_param::<UuidBytes, _>(&self.write)?;
        out.push_sql(", living_conversations = greatest(v.living_conversations + ");
        out.push_bind_param::<ChangeNumber, _>(&self.added.conversations)?;
        out.push_sql(" - c.living, 0), content_bytes = greatest(v.content_bytes + ");
        out.push_bind_param::<ChangeNumber, _>(&self.added.content_bytes)?;
        out.push_sql(" - c.bytes - m.bytes - e.bytes, 0) FROM ");
        self.push_conversations(&mut out)?;
        out.push_sql(" c, ");
        self.push_messages(&mut out)?;
        out.push_sql(" m, ");
        self.push_erased(&mut out)?;
        out.push_sql(" e WHERE v.id = ");
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(" AND v.change_counter = ");
        out.push_bind_param::<ChangeNumber, _>(&self.change_counter)?;
        out.push_sql(
            " RETURNING c.stored, m.stored, c.living, c.bytes + m.bytes + e.bytes, \
             v.living_conversations, v.content_bytes",
        );
        Ok(())
    }
}

impl TakeNumber<'_> {
    fn push_conversations<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "(SELECT count(*) AS stored, count(*) FILTER (WHERE t.content_bytes > 0) AS living, \
             coalesce(sum(t.content_bytes), 0)::bigint AS bytes FROM unnest(",
        );
        out.push_bind_param::<Array<UuidBytes>, _>(&self.replaced.conversations)?;
        out.push_sql(
            ") AS n (id) CROSS JOIN LATERAL \
             (SELECT content_bytes FROM conversations WHERE visitor_id = ",
        );
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(" AND id = n.id OFFSET 0) t)");
        Ok(())
    }

    /// (A stamp that is NULL is not newer than any erasure.)
    fn push_messages<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "(SELECT count(*) AS stored, coalesce(sum(t.content_bytes) \
             FILTER (WHERE n.erasure IS NULL OR t.stamp > n.erasure), 0)::bigint AS bytes FROM unnest(",
        );
        out.push_bind_param::<Array<UuidBytes>, _>(&self.replaced.conversations_of_messages)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<UuidBytes>, _>(&self.replaced.messages)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<BigInt>>, _>(&self.replaced.erasures_of_messages)?;
        out.push_sql(
            ") AS n (conversation_id, id, erasure) CROSS JOIN LATERAL \
             (SELECT content_bytes, stamp FROM messages WHERE visitor_id = ",
        );
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(" AND conversation_id = n.conversation_id AND id = n.id OFFSET 0) t)");
        Ok(())
    }

    fn push_erased<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT coalesce(sum(t.content_bytes), 0)::bigint AS bytes FROM unnest(");
        out.push_bind_param::<Array<UuidBytes>, _>(&self.replaced.erased_conversations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.replaced.erased_through)?;
        out.push_sql(
            ") AS n (id, erasure) CROSS JOIN LATERAL \
             (SELECT content_bytes FROM messages WHERE visitor_id = ",
        );
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(
            " AND conversation_id = n.id AND content_bytes > 0 \
             AND (stamp IS NULL OR stamp <= n.erasure) OFFSET 0) t)",
        );
        Ok(())
    }
}

/// What came of taking a number.
#[derive(Debug)]
pub(super) struct Taken {
    stored_conversations: usize,
    stored_messages: usize,
    removed: Usage,
    after: Usage,
}

impl FromSqlRow<(WholeRow,), Pg> for Taken {
    fn build_from_row<'a>(row: &impl Row<'a, Pg>) -> deserialize::Result<Self> {
        let mut columns = RowReader::of(row);
        let stored_conversations: i64 = columns.next::<BigInt, _>("stored")?;
        let stored_messages: i64 = columns.next::<BigInt, _>("stored")?;
        Ok(Self {
            stored_conversations: usize::try_from(stored_conversations)?,
            stored_messages: usize::try_from(stored_messages)?,
            removed: Usage {
                conversations: counted_bytes(columns.next::<BigInt, _>("living")?),
                content_bytes: counted_bytes(columns.next::<BigInt, _>("bytes")?),
            },
            after: Usage {
                conversations: columns.next::<ChangeNumber, _>("living_conversations")?,
                content_bytes: columns.next::<ChangeNumber, _>("content_bytes")?,
            },
        })
    }
}

impl Taken {
    /// Whether everything that is to be replaced is stored.
    pub(super) fn found_all(&self, replaced: &Replaced) -> bool {
        self.stored_conversations == replaced.conversations.len()
            && self.stored_messages == replaced.messages.len()
    }

    /// The usage before and after a change set that adds this.
    pub(super) fn usage(&self, added: Usage) -> (Usage, Usage) {
        let change = UsageChange::of(added, self.removed);
        (change.undone_from(self.after), self.after)
    }
}
