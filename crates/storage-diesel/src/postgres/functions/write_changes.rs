//! `write_changes` writes a change set in one call: it looks, takes the number and writes, all or nothing, and says
//! whether it did. It does not say why not: whoever is told `false` finds out statement by statement.
//!
//! On a cluster a statement of Citus keeps all shards of the visitor where they are until the commit.

use super::super::schema::{
    conversations, message_outputs, message_requests, message_responses, messages,
};
use super::super::statements::ColumnsOfRows;
use super::{Function, IS_HERE, Tables, quoted};

/// Its parameters before those of the rows.
const PARAMETERS: &str = "visitor uuid, known_counter bigint, next_counter bigint, changed_at bigint, \
     this_write uuid, added_conversations bigint, added_bytes bigint, max_conversations bigint, \
     max_bytes bigint, touched uuid[]";

const VARIABLES: &str = "how_many bigint; living bigint; bytes bigint; \
     removed_conversations bigint := 0; removed_bytes bigint := 0;";

pub(super) fn function(tables: &Tables) -> Function<'_> {
    let mut function = Function {
        name: "write_changes",
        tables,
        parameters: PARAMETERS.to_owned(),
        returns: "boolean".to_owned(),
        body: String::new(),
    };
    let rows = [
        RowsOf::of::<conversations::Columns>(&function),
        RowsOf::of::<messages::Columns>(&function),
        RowsOf::of::<message_requests::Columns>(&function),
        RowsOf::of::<message_responses::Columns>(&function),
        RowsOf::of::<message_outputs::Columns>(&function),
    ];
    let tables_of_rows = rows.iter().map(|rows| rows.table);
    let written: Vec<_> = ["visitors"].into_iter().chain(tables_of_rows).collect();
    function.begin(VARIABLES, &written, "RETURN false;");
    function.look_for_replaced::<conversations::Columns>("");
    function.look_for_replaced::<messages::Columns>("conversation_id = named.conversation_id AND ");
    function.look_for_touched();
    function.hold_shards();
    function.take_number();
    function.touch();
    for RowsOf { table, .. } in &rows {
        let parameters = format!(", new_{table} text, replacing_{table} text");
        function.parameters.push_str(&parameters);
    }
    function.insert_new(&rows);
    function.replace(&rows);
    function.line("RETURN true; END");
    function
}

impl Function<'_> {
    /// Looks for what is to be replaced, which has to be there, and how much it is. Should another write come
    /// between, the counter would be another one.
    fn look_for_replaced<C: ColumnsOfRows>(&mut self, parent: &str) {
        let table = C::TABLE;
        let rows = format!("replacing_{table}");
        self.line(&format!("IF {rows} IS NOT NULL THEN"));
        let look = format!(
            "SELECT count(*), count(*) FILTER (WHERE stored.content_bytes > 0), \
             coalesce(sum(stored.content_bytes), 0) FROM json_populate_recordset(NULL::{}, $2::json) AS named \
             CROSS JOIN LATERAL (SELECT content_bytes FROM {{{table}}} \
             WHERE visitor_id = $1 AND {parent}id = named.id OFFSET 0) AS stored",
            self.whole(table)
        );
        self.run(
            "",
            &look,
            " INTO how_many, living, bytes",
            &["visitor", &rows],
        );
        self.line(&format!(
            "IF how_many <> json_array_length({rows}::json) THEN RETURN false; END IF;"
        ));
        self.line("removed_bytes := removed_bytes + bytes;");
        if table == conversations::Columns::TABLE {
            self.line("removed_conversations := living;");
        }
        self.line("END IF;");
    }

    fn look_for_touched(&mut self) {
        self.line("IF touched IS NOT NULL THEN");
        self.run(
            "",
            "SELECT count(*) FROM {conversations} WHERE visitor_id = $1 AND id = ANY($2)",
            " INTO how_many",
            &["visitor", "touched"],
        );
        self.line("IF how_many <> cardinality(touched) THEN RETURN false; END IF; END IF;");
    }

    /// Keeps the shards of the visitor on this node until the commit: a statement of Citus, which does nothing to a row,
    /// takes the lock that every move and split of them waits for. It names a visitor of the shard, so that Citus plans it
    /// once and not for each visitor.
    fn hold_shards(&mut self) {
        let Tables::Distributed { schema } = self.tables else {
            return;
        };
        let hold = format!(
            "UPDATE {schema}.visitors SET change_counter = change_counter \
             WHERE id = ''' || visitor || ''' AND change_counter < 0"
        );
        self.run_prepared("", &hold, "", &[]);
        self.line(&format!(
            "IF NOT {IS_HERE} THEN RAISE EXCEPTION 'the visitor is being moved to another node' \
             USING ERRCODE = 'serialization_failure'; END IF;"
        ));
        // The setting of a server that has not connected to this node is not that of this session.
        self.line(
            "IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN \
             PERFORM set_config('synchronous_commit', 'on', true); END IF;",
        );
    }

    /// Takes the number by compare-and-swap, unless the visitor would grow beyond its quota.
    fn take_number(&mut self) {
        let take = "UPDATE {visitors} AS v SET change_counter = $2, \
             last_changed_at = coalesce($3, v.last_changed_at), latest_write = $4, \
             living_conversations = greatest(v.living_conversations + $5, 0), \
             content_bytes = greatest(v.content_bytes + $6, 0) \
             WHERE v.id = $1 AND v.change_counter = $7 \
             AND ($8::bigint IS NULL OR $5 <= 0 OR v.living_conversations + $5 <= $8) \
             AND ($9::bigint IS NULL OR $6 <= 0 OR v.content_bytes + $6 <= $9) RETURNING 1";
        let arguments = [
            "visitor",
            "next_counter",
            "changed_at",
            "this_write",
            "(added_conversations - removed_conversations)",
            "(added_bytes - removed_bytes)",
            "known_counter",
            "max_conversations",
            "max_bytes",
        ];
        self.run("", take, " INTO how_many", &arguments);
        self.line("IF how_many IS NULL THEN RETURN false; END IF;");
    }

    /// Messages of the conversations change.
    fn touch(&mut self) {
        self.line("IF touched IS NOT NULL THEN");
        self.run(
            "",
            "UPDATE {conversations} SET latest_change = $3 WHERE visitor_id = $1 AND id = ANY($2)",
            "",
            &["visitor", "touched", "next_counter"],
        );
        self.line("END IF;");
    }

    /// Writes the rows that are new, all in one statement: on a cluster each has a cost of its own.
    fn insert_new(&mut self, rows: &[RowsOf; 5]) {
        let names = rows.each_ref().map(|rows| format!("new_{}", rows.table));
        let mut place = 1;
        let inserts = rows.each_ref().map(|rows| {
            place += 1;
            rows.insert.replace("$rows", &format!("${place}"))
        });
        let [before @ .., last] = &inserts;
        let before = rows.iter().zip(before);
        let before = before.map(|(rows, insert)| format!("{}_written AS ({insert})", rows.table));
        let before = before.collect::<Vec<_>>().join(", ");
        let statement = format!("WITH {before} {last}");
        let arguments = ["visitor"]
            .into_iter()
            .chain(names.iter().map(String::as_str));
        let arguments: Vec<_> = arguments.collect();
        self.line(&format!(
            "IF coalesce({}) IS NOT NULL THEN",
            names.join(", ")
        ));
        self.run("", &statement, "", &arguments);
        self.line("END IF;");
    }

    /// Writes the rows that replace stored ones.
    fn replace(&mut self, rows: &[RowsOf]) {
        for RowsOf {
            table,
            insert,
            replacement,
        } in rows
        {
            let name = format!("replacing_{table}");
            self.line(&format!("IF {name} IS NOT NULL THEN"));
            let replace = insert.replace("$rows", "$2") + replacement;
            self.run("", &replace, "", &["visitor", &name]);
            self.line("END IF;");
        }
    }
}

/// How the rows of a table are written.
struct RowsOf {
    table: &'static str,
    /// Inserts those of `$rows`, a text of JSON, for the visitor `$1`.
    insert: String,
    /// What has them replace the stored ones.
    replacement: String,
}

impl RowsOf {
    fn of<C: ColumnsOfRows>(function: &Function<'_>) -> Self {
        let table = C::TABLE;
        let keys = quoted("", C::KEY);
        let rest = quoted("", C::REST);
        Self {
            table,
            insert: format!(
                "INSERT INTO {{{table}}} (visitor_id, {keys}, {rest}) SELECT $1, {keys}, {rest} \
                 FROM json_populate_recordset(NULL::{}, $rows::json)",
                function.whole(table)
            ),
            replacement: format!(
                " ON CONFLICT (visitor_id, {keys}) DO UPDATE SET ({rest}) = ROW({})",
                quoted("excluded.", C::REST)
            ),
        }
    }
}
