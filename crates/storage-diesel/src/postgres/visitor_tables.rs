//! How statements call the tables that have the rows of a visitor: by their names or, at the node of a cluster that has
//! the visitor, by those of its shards there. To the planner of Citus those are plain tables, and the statement costs what it
//! costs on plain PostgreSQL (ADR 0035).
//!
//! A statement that is alone, or the first of a transaction that sees one moment, has the condition `{here}`. Those that follow
//! in such a transaction need none.

use std::sync::Arc;

use diesel::pg::Pg;
use diesel::query_builder::AstPass;

/// The tables that are read so, that of visitors first.
pub(super) const TABLES: [&str; 6] = [
    "visitors",
    "conversations",
    "messages",
    "message_requests",
    "message_responses",
    "message_outputs",
];

/// The names of the tables that have the rows of a visitor.
#[derive(Clone, Debug)]
pub(super) enum VisitorTables {
    /// Those of all visitors.
    Whole,
    /// Those of the shards, which were on the node that is asked when it was looked up where they are.
    Shards(Arc<Shards>),
}

/// The shards of some visitors.
#[derive(Debug)]
pub(super) struct Shards {
    /// The number of the node that has them.
    pub(super) group: i32,
    /// The number that the shard of each of the tables has, in their order.
    pub(super) numbers: [i64; TABLES.len()],
}

impl VisitorTables {
    /// Adds a piece of a statement to a query, in which these stand for
    /// - `{conversations}`: a table,
    /// - `{here}`: the condition that shards are on this node (colocated shards move together),
    /// - `{plan_once}`: a value, by which what follows in the transaction is planned once for each connection if it is about
    ///   shards, as on plain PostgreSQL. (Of what Citus plans nothing may be kept: see `session`.)
    pub(super) fn push(&self, out: &mut AstPass<'_, '_, Pg>, text: &str) {
        for (place, piece) in text.split(['{', '}']).enumerate() {
            match (place % 2 == 1, piece) {
                (false, words) => out.push_sql(words),
                (true, "here") => self.push_here(out),
                (true, "plan_once") => self.push_plan_once(out),
                (true, table) => self.push_table(out, table),
            }
        }
    }

    fn push_table(&self, out: &mut AstPass<'_, '_, Pg>, table: &str) {
        debug_assert!(TABLES.contains(&table), "{table} is no table of visitors");
        out.push_sql(table);
        if let Self::Shards(shards) = self {
            let mut numbers = TABLES.iter().zip(&shards.numbers);
            if let Some((_, number)) = numbers.find(|(name, _)| **name == table) {
                out.push_sql(&format!("_{number}"));
            }
        }
    }

    fn push_here(&self, out: &mut AstPass<'_, '_, Pg>) {
        let Self::Shards(shards) = self else {
            return out.push_sql("true");
        };
        let Shards { group, numbers } = &**shards;
        let [visitors, ..] = numbers;
        out.push_sql(&format!(
            "EXISTS (SELECT FROM pg_dist_placement \
             WHERE shardid = {visitors} AND groupid = {group} AND shardstate = 1)"
        ));
    }

    fn push_plan_once(&self, out: &mut AstPass<'_, '_, Pg>) {
        out.push_sql(match self {
            Self::Whole => "NULL",
            Self::Shards(_) => "set_config('plan_cache_mode', 'force_generic_plan', true)",
        });
    }

    /// What is found in these tables or, where that is nothing, in the whole ones: shards may have moved.
    pub(super) fn find<T, E>(
        &self,
        mut find_in: impl FnMut(&Self) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        match (find_in(self)?, self) {
            (None, Self::Shards(_)) => find_in(&Self::Whole),
            (found, _) => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::debug_query;
    use uuid::Uuid;

    use super::*;
    use crate::postgres::feed::{SelectCounter, SelectLivingIds};

    fn shards() -> VisitorTables {
        VisitorTables::Shards(Arc::new(Shards {
            group: 3,
            numbers: [11, 12, 13, 14, 15, 16],
        }))
    }

    fn counter_in(tables: &VisitorTables) -> String {
        let visitor = Uuid::nil();
        debug_query::<Pg, _>(&SelectCounter { tables, visitor }).to_string()
    }

    fn ids_in(tables: &VisitorTables) -> String {
        let (owner, visitor) = (Uuid::nil(), Uuid::nil());
        let query = SelectLivingIds {
            tables,
            owner,
            visitor,
        };
        debug_query::<Pg, _>(&query).to_string()
    }

    #[test]
    fn tables_are_called_by_their_names_or_by_those_of_shards_that_are_on_the_node() {
        let whole = counter_in(&VisitorTables::Whole);
        assert!(
            whole.starts_with("SELECT change_counter, NULL FROM visitors WHERE true AND id = $1"),
            "{whole}"
        );
        let here = counter_in(&shards());
        assert!(
            here.starts_with(
                "SELECT change_counter, set_config('plan_cache_mode', 'force_generic_plan', true) FROM visitors_11 \
                 WHERE EXISTS (SELECT FROM pg_dist_placement WHERE shardid = 11 AND groupid = 3 AND shardstate = 1) \
                 AND id = $1"
            ),
            "{here}"
        );
        let ids = ids_in(&shards());
        assert!(ids.contains(" FROM visitors_11 v "), "{ids}");
        assert!(ids.contains(" FROM conversations_12 "), "{ids}");
    }

    #[test]
    fn what_is_not_in_the_shards_is_looked_for_in_the_whole_tables_and_a_failure_is_not() {
        let find = |tables: &VisitorTables, in_shards: Result<Option<u8>, ()>| {
            tables.find(|tables| match tables {
                VisitorTables::Shards(_) => in_shards,
                VisitorTables::Whole => Ok(Some(2)),
            })
        };
        assert_eq!(find(&shards(), Ok(Some(1))), Ok(Some(1)));
        assert_eq!(find(&shards(), Ok(None)), Ok(Some(2)));
        assert_eq!(find(&shards(), Err(())), Err(()));
        assert_eq!(find(&VisitorTables::Whole, Ok(None)), Ok(Some(2)));
    }
}
