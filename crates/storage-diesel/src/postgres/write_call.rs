//! A change set in one call of the function `write_changes` of the database, which `functions` defines.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Text};
use uuid::Uuid;

use convosync_domain::timestamp::Timestamp;

use super::json_rows::JsonRows;
use super::rows::{Batches, STATEMENT_BYTES};
use super::statements::ColumnsOfRows;
use super::write::Commit;
use crate::statements::statements;
use crate::types::sql::{ChangeNumber, Instant, UuidBytes};

statements! { Pg, PgConnection:
    /// Whether the change set was written.
    WriteChanges -> Bool =
        "SELECT write_changes(" + visitor: Uuid as UuidBytes,
        ", " + known_counter: u64 as ChangeNumber,
        ", " + next_counter: u64 as ChangeNumber,
        ", " + changed_at: Option<Timestamp> as Nullable<Instant>,
        ", " + write: Uuid as UuidBytes,
        ", " + added_conversations: u64 as ChangeNumber,
        ", " + added_bytes: u64 as ChangeNumber,
        ", " + max_conversations: Option<u64> as Nullable<ChangeNumber>,
        ", " + max_bytes: Option<u64> as Nullable<ChangeNumber>,
        ", " + touched: Option<Vec<Uuid>> as Nullable<Array<UuidBytes>>,
        ", " + new_conversations: Option<JsonRows> as Nullable<Text>,
        ", " + replacing_conversations: Option<JsonRows> as Nullable<Text>,
        ", " + new_messages: Option<JsonRows> as Nullable<Text>,
        ", " + replacing_messages: Option<JsonRows> as Nullable<Text>,
        ", " + new_requests: Option<JsonRows> as Nullable<Text>,
        ", " + replacing_requests: Option<JsonRows> as Nullable<Text>,
        ", " + new_responses: Option<JsonRows> as Nullable<Text>,
        ", " + replacing_responses: Option<JsonRows> as Nullable<Text>,
        ", " + new_outputs: Option<JsonRows> as Nullable<Text>,
        ", " + replacing_outputs: Option<JsonRows> as Nullable<Text>,
        ")";
}

impl WriteChanges {
    /// The call that does all of a commit; `None` for what takes statements of its own: a visitor who registers, and may
    /// be known or gone, erasures, messages that lose a part, and more than one statement should take.
    pub(super) fn of(commit: &Commit, write: Uuid) -> Option<Self> {
        let rows = &commit.rows;
        let loses_parts = !(rows.requests.gone.is_empty()
            && rows.responses.gone.is_empty()
            && rows.outputs.gone.is_empty());
        let takes_statements =
            commit.registers.is_some() || loses_parts || !rows.erasures.is_empty();
        if takes_statements || rows.bytes() > STATEMENT_BYTES {
            return None;
        }
        let added = rows.usage.added();
        Some(Self {
            visitor: commit.visitor,
            known_counter: commit.change_counter,
            next_counter: commit.change_number,
            changed_at: commit.last_changed_at,
            write,
            added_conversations: added.conversations,
            added_bytes: added.content_bytes,
            max_conversations: commit.quota.max_conversations.filter(in_reach),
            max_bytes: commit.quota.max_content_bytes.filter(in_reach),
            touched: (!rows.touched.is_empty()).then(|| rows.touched.clone()),
            new_conversations: json(&rows.conversations.new)?,
            replacing_conversations: json(&rows.conversations.replacing)?,
            new_messages: json(&rows.messages.new)?,
            replacing_messages: json(&rows.messages.replacing)?,
            new_requests: json(&rows.requests.rows.new)?,
            replacing_requests: json(&rows.requests.rows.replacing)?,
            new_responses: json(&rows.responses.rows.new)?,
            replacing_responses: json(&rows.responses.rows.replacing)?,
            new_outputs: json(&rows.outputs.rows.new)?,
            replacing_outputs: json(&rows.outputs.rows.replacing)?,
        })
    }
}

/// The rows, if there are any; `None` where they are too many for one statement.
fn json<C: ColumnsOfRows>(batches: &Batches<C>) -> Option<Option<JsonRows>> {
    let mut batches = batches.iter();
    let rows = batches.next().map(JsonRows::of);
    batches.next().is_none().then_some(rows)
}

/// Whether the database can count so far; what is beyond is no limit.
fn in_reach(limit: &u64) -> bool {
    i64::try_from(*limit).is_ok()
}

#[cfg(test)]
mod tests {
    use convosync_domain::change_set::Erasure;
    use convosync_storage_contract::fixtures::{
        change_set, conversation, dead_message, erase, insert, insert_messages, message,
        registration, update, visitor_id,
    };
    use convosync_test_postgres::TestServer;

    use super::*;
    use crate::migrations::random_uuid;
    use crate::postgres::{PostgresOptions, PostgresStore};

    /// What is written by a call is one that says so; the contract has what comes of it.
    #[tokio::test]
    async fn posts_are_written_by_a_call_on_every_kind_of_database_also_on_citus() {
        let database = TestServer::shared().new_database();
        let store = PostgresStore::open(&PostgresOptions::at(database.url())).unwrap();
        let mut connection = PgConnection::establish(&database.url()).unwrap();
        let visitor = visitor_id("ada");
        convosync_domain::ports::VisitorStore::register(&store, registration("ada"))
            .await
            .unwrap();
        let mut written = |known_counter: u64, changes| {
            let commit = Commit::of(visitor, change_set(known_counter, [changes]));
            let call = WriteChanges::of(&commit, random_uuid().unwrap())?;
            Some(call.get_result::<bool>(&mut connection).unwrap())
        };
        let posted = || insert(conversation(1, 1), [message(1, 1), message(2, 2)]);
        assert_eq!(written(0, posted()), Some(true));
        assert_eq!(
            written(0, posted()),
            Some(false),
            "the counter has moved on"
        );
        let more = insert_messages(1, [message(3, 3)]);
        assert_eq!(written(1, more), Some(true));
        let edited = update(conversation(1, 4), [message(1, 4), message(3, 5)]);
        assert_eq!(written(2, edited), Some(true));
        let absent = insert_messages(9, [message(1, 1)]);
        assert_eq!(written(3, absent), Some(false));
        let absent = update(conversation(1, 6), [message(9, 6)]);
        assert_eq!(written(3, absent), Some(false));
        let erased = erase(conversation(1, 7), Erasure::Everything);
        assert_eq!(written(3, erased), None);
        let deleted = update(conversation(1, 8), [dead_message(1, 8, 4)]);
        assert_eq!(written(3, deleted), None);
    }
}
