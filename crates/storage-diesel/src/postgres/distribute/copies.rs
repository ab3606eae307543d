//! What has been copied of a store, and the copying of the rest.
//!
//! Every write of a visitor gives it another `latest_write`: whose copy has the same is copied as it is.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};
use uuid::Uuid;

use crate::types::sql::UuidBytes;

/// Visitors beyond that many bytes of content are left for the next transaction.
const BYTES_AT_ONCE: i64 = 64 << 20;
/// With more than that, another round comes before everybody waits.
const BYTES_UNDER_LOCK: i64 = 8 << 20;
/// The tables of visitors, in the order of their keys: each has a row only where those before it have one.
const TABLES: [(&str, &str); 6] = [
    ("visitors", "id"),
    ("conversations", "visitor_id"),
    ("messages", "visitor_id"),
    ("message_requests", "visitor_id"),
    ("message_responses", "visitor_id"),
    ("message_outputs", "visitor_id"),
];

/// What is known of the copies, kept in temporary tables: `copied` has what `convosync_distributing.visitors` has, and is
/// joined with the store's visitors on this node.
const TEMPORARY: &str = "
    CREATE TEMPORARY TABLE copied (id uuid PRIMARY KEY, latest_write uuid NOT NULL);
    INSERT INTO copied SELECT id, latest_write FROM convosync_distributing.visitors;
    CREATE TEMPORARY TABLE copied_tombstones (visitor_id uuid PRIMARY KEY);
    INSERT INTO copied_tombstones SELECT visitor_id FROM convosync_distributing.visitor_tombstones;
    CREATE TEMPORARY TABLE missing (place bigint PRIMARY KEY, id uuid NOT NULL, bytes bigint NOT NULL);
    ANALYZE copied, copied_tombstones;
";

/// Those whose copy is missing, or not what they are now, or of somebody who has left.
const FIND_MISSING: &str = "
    TRUNCATE missing;
    INSERT INTO missing
        SELECT row_number() OVER (ORDER BY coalesce(v.id, c.id)), coalesce(v.id, c.id), coalesce(v.content_bytes, 0)
        FROM visitors v FULL JOIN copied c ON c.id = v.id WHERE v.latest_write IS DISTINCT FROM c.latest_write;
    ANALYZE missing;
";

/// Tombstones stay as they are.
const COPY_TOMBSTONES: &str = "
    INSERT INTO convosync_distributing.visitor_tombstones SELECT t.* FROM visitor_tombstones t
        WHERE NOT EXISTS (SELECT FROM copied_tombstones c WHERE c.visitor_id = t.visitor_id);
    INSERT INTO copied_tombstones SELECT visitor_id FROM visitor_tombstones ON CONFLICT DO NOTHING;
";

/// The copies of a store.
pub(super) struct Copies {
    visitors_at_once: i64,
}

/// Who is to be copied.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(super) struct Missing {
    #[diesel(sql_type = BigInt)]
    pub(super) visitors: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) bytes: i64,
}

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = UuidBytes)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Copies {
    /// The copies that there are.
    pub(super) fn found(connection: &mut PgConnection, visitors_at_once: u32) -> QueryResult<Self> {
        connection.batch_execute(TEMPORARY)?;
        Ok(Self {
            visitors_at_once: i64::from(visitors_at_once.max(1)),
        })
    }

    /// How many visitors have been copied.
    pub(super) fn visitors(&self, connection: &mut PgConnection) -> QueryResult<i64> {
        let count = diesel::sql_query("SELECT count(*) AS count FROM copied");
        Ok(count.get_result::<Count>(connection)?.count)
    }

    /// Whether these can be copied while everybody waits.
    pub(super) fn are_few(&self, missing: Missing) -> bool {
        missing.visitors <= self.visitors_at_once && missing.bytes <= BYTES_UNDER_LOCK
    }

    /// Finds who is to be copied now.
    pub(super) fn find_missing(&self, connection: &mut PgConnection) -> QueryResult<Missing> {
        connection.batch_execute(FIND_MISSING)?;
        diesel::sql_query(
            "SELECT count(*) AS visitors, coalesce(sum(bytes), 0)::bigint AS bytes FROM missing",
        )
        .get_result(connection)
    }

    /// Copies those who were found, some in a transaction, and tells how many and how many bytes it has copied.
    pub(super) fn copy_missing(
        &mut self,
        connection: &mut PgConnection,
        missing: Missing,
        on_copied: &mut dyn FnMut(i64, i64),
    ) -> QueryResult<()> {
        let (mut place, mut bytes) = (0, 0);
        on_copied(0, 0);
        while place < missing.visitors {
            // One moment for all tables of a visitor.
            let mut transaction = connection.build_transaction().repeatable_read();
            let copied = transaction.run(|connection| self.copy_next(connection, place))?;
            place = copied.last().map_or(missing.visitors, |next| next.place);
            bytes += copied.iter().map(|next| next.bytes).sum::<i64>();
            on_copied(place, bytes);
        }
        let mut transaction = connection.build_transaction().repeatable_read();
        transaction.run(|connection| connection.batch_execute(COPY_TOMBSTONES))
    }

    /// The same within a transaction that has locked the store's tables.
    pub(super) fn copy_all_within(
        &mut self,
        connection: &mut PgConnection,
        missing: Missing,
    ) -> QueryResult<()> {
        let mut place = 0;
        while place < missing.visitors {
            let copied = self.copy_next(connection, place)?;
            place = copied.last().map_or(missing.visitors, |next| next.place);
        }
        connection.batch_execute(COPY_TOMBSTONES)
    }

    /// Copies the next visitors after this place, whatever there is of them now.
    fn copy_next(&self, connection: &mut PgConnection, place: i64) -> QueryResult<Vec<Next>> {
        let next: Vec<Next> = diesel::sql_query(
            "SELECT place, id, bytes FROM (SELECT place, id, bytes, sum(bytes) OVER (ORDER BY place) - bytes AS before \
             FROM (SELECT * FROM missing WHERE place > $1 ORDER BY place LIMIT $2) first) next \
             WHERE before < $3 ORDER BY place",
        )
        .bind::<BigInt, _>(place)
        .bind::<BigInt, _>(self.visitors_at_once)
        .bind::<BigInt, _>(BYTES_AT_ONCE)
        .load(connection)?;
        let visitors: Vec<Uuid> = next.iter().map(|next| next.id).collect();
        let known = diesel::sql_query("DELETE FROM copied WHERE id = ANY($1)");
        if known
            .bind::<Array<UuidBytes>, _>(&visitors)
            .execute(connection)?
            > 0
        {
            for (table, key) in TABLES.iter().rev() {
                diesel::sql_query(format!(
                    "DELETE FROM convosync_distributing.{table} WHERE {key} = ANY($1)"
                ))
                .bind::<Array<UuidBytes>, _>(&visitors)
                .execute(connection)?;
            }
        }
        for (table, key) in TABLES {
            diesel::sql_query(format!(
                "INSERT INTO convosync_distributing.{table} SELECT * FROM {table} WHERE {key} = ANY($1)"
            ))
            .bind::<Array<UuidBytes>, _>(&visitors)
            .execute(connection)?;
        }
        diesel::sql_query(
            "INSERT INTO copied SELECT id, latest_write FROM visitors WHERE id = ANY($1)",
        )
        .bind::<Array<UuidBytes>, _>(&visitors)
        .execute(connection)?;
        Ok(next)
    }
}
