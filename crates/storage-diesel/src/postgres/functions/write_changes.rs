//! `write_changes` writes a change set in one call: it looks, takes the number and writes, all or nothing, and says
//! whether it did. It does not say why not: whoever is told `false` finds out statement by statement.
//!
//! On a cluster the visitor's row is taken by a statement of Citus, which keeps all shards of the visitor where they are
//! until the commit.

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
    let written = [
        conversations::Columns::TABLE,
        messages::Columns::TABLE,
        message_requests::Columns::TABLE,
        message_responses::Columns::TABLE,
        message_outputs::Columns::TABLE,
    ];
    function.begin(VARIABLES, &written, "RETURN false;");
    function.look_for_replaced::<conversations::Columns>("");
    function.look_for_replaced::<messages::Columns>("conversation_id = named.conversation_id AND ");
    function.look_for_touched();
    function.take_number();
    function.touch();
    function.write_rows::<conversations::Columns>();
    function.write_rows::<messages::Columns>();
    function.write_rows::<message_requests::Columns>();
    function.write_rows::<message_responses::Columns>();
    function.write_rows::<message_outputs::Columns>();
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

    /// Takes the number by compare-and-swap, unless the visitor would grow beyond its quota.
    fn take_number(&mut self) {
        let visitors = self.whole("visitors");
        let take = format!(
            "UPDATE {visitors} AS v SET change_counter = $2, \
             last_changed_at = coalesce($3, v.last_changed_at), latest_write = $4, \
             living_conversations = greatest(v.living_conversations + $5, 0), \
             content_bytes = greatest(v.content_bytes + $6, 0) \
             WHERE v.id = $1 AND v.change_counter = $7 \
             AND ($8 IS NULL OR $5 <= 0 OR v.living_conversations + $5 <= $8) \
             AND ($9 IS NULL OR $6 <= 0 OR v.content_bytes + $6 <= $9)"
        );
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
        self.run_on_whole(&take, &arguments);
        self.line("GET DIAGNOSTICS how_many = ROW_COUNT;");
        self.line("IF how_many = 0 THEN RETURN false; END IF;");
        if matches!(self.tables, Tables::Distributed { .. }) {
            // The setting of the server's session is not that of the node's.
            self.line(
                "PERFORM set_config('synchronous_commit', 'on', true) \
                 WHERE current_setting('synchronous_commit') <> 'remote_apply';",
            );
            self.line(&format!(
                "IF NOT {IS_HERE} THEN RAISE EXCEPTION 'the visitor is being moved to another node' \
                 USING ERRCODE = 'serialization_failure'; END IF;"
            ));
        }
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

    /// Writes the rows of a table that are new, and those that replace stored ones.
    fn write_rows<C: ColumnsOfRows>(&mut self) {
        let table = C::TABLE;
        let keys = quoted("", C::KEY);
        let rest = quoted("", C::REST);
        let insert = format!(
            "INSERT INTO {{{table}}} (visitor_id, {keys}, {rest}) SELECT $1, {keys}, {rest} \
             FROM json_populate_recordset(NULL::{}, $2::json)",
            self.whole(table)
        );
        let replace = format!(
            "{insert} ON CONFLICT (visitor_id, {keys}) DO UPDATE SET ({rest}) = ROW({})",
            quoted("excluded.", C::REST)
        );
        for (kind, statement) in [("new", insert), ("replacing", replace)] {
            let rows = format!("{kind}_{table}");
            self.parameters.push_str(&format!(", {rows} text"));
            self.line(&format!("IF {rows} IS NOT NULL THEN"));
            self.run("", &statement, "", &["visitor", &rows]);
            self.line("END IF;");
        }
    }
}
