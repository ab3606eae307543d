//! The function `write_changes` of the database, which writes a change set in one call (ADR 0032). It is made of
//! the columns that are declared here, and defined anew where the database has another one.
//!
//! The call looks, takes the number and writes, all or nothing, and says whether it did. It does not say why not:
//! whoever is told `false` finds out statement by statement.
//!
//! Where the tables are distributed, Citus has the node run it that has the visitor. There the visitor's row is taken
//! by a statement of Citus, which keeps all shards of the visitor where they are until the commit. What lies in those
//! shards is written by their names: that Citus routes and plans each statement once more would cost several times
//! what the rows do. Where the shards are elsewhere nothing is written.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use super::schema::{
    conversations, message_outputs, message_requests, message_responses, messages,
};
use super::statements::ColumnsOfRows;

/// Its parameters before those of the rows.
const PARAMETERS: &str = "visitor uuid, known_counter bigint, next_counter bigint, changed_at bigint, \
     this_write uuid, added_conversations bigint, added_bytes bigint, max_conversations bigint, \
     max_bytes bigint, touched uuid[]";

/// The tables whose shards the function writes into by their names.
const SHARDED: [&str; 5] = [
    conversations::Columns::TABLE,
    messages::Columns::TABLE,
    message_requests::Columns::TABLE,
    message_responses::Columns::TABLE,
    message_outputs::Columns::TABLE,
];

/// Whether the shards of the visitor are on this node, and nowhere else. (Colocated shards move together.)
const IS_HERE: &str = "(SELECT count(*) = 1 AND bool_and(groupid = (SELECT groupid FROM pg_dist_local_group)) \
     FROM pg_dist_placement WHERE shardid = shard AND shardstate = 1)";

/// Defines the function, unless the database has just this one.
pub(super) fn define(connection: &mut PgConnection) -> QueryResult<()> {
    let function = match is_distributed(connection)? {
        true => WriteFunction::of(Tables::Distributed {
            schema: diesel::select(sql::<Text>("quote_ident(current_schema())"))
                .get_result(connection)?,
        }),
        false => WriteFunction::of(Tables::Local),
    };
    let defined = format!(
        "(SELECT prosrc FROM pg_proc WHERE oid = to_regprocedure('write_changes({})'))",
        function.types()
    );
    let defined: Option<String> =
        diesel::select(sql::<Nullable<Text>>(&defined)).get_result(connection)?;
    match defined {
        Some(body) if body == function.body => Ok(()),
        _ => connection.batch_execute(&function.definition()),
    }
}

/// Whether visitors lie on the nodes of a Citus cluster.
fn is_distributed(connection: &mut PgConnection) -> QueryResult<bool> {
    let has_citus = sql::<Bool>("EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')");
    if !diesel::select(has_citus).get_result::<bool>(connection)? {
        return Ok(false);
    }
    diesel::select(sql::<Bool>(
        "EXISTS (SELECT FROM pg_dist_partition \
         WHERE logicalrelid = 'visitors'::regclass AND partmethod = 'h')",
    ))
    .get_result(connection)
}

/// How the tables lie.
#[derive(Debug)]
enum Tables {
    Local,
    /// By the visitor, in a schema of this quoted name.
    Distributed {
        schema: String,
    },
}

/// The text of the function.
#[derive(Debug)]
struct WriteFunction {
    tables: Tables,
    parameters: String,
    body: String,
}

impl WriteFunction {
    fn of(tables: Tables) -> Self {
        let mut function = Self {
            tables,
            parameters: PARAMETERS.to_owned(),
            body: String::from("\nDECLARE\n"),
        };
        function.declare();
        function.line("BEGIN");
        function.find_shards();
        function.look_for_replaced::<conversations::Columns>("");
        function
            .look_for_replaced::<messages::Columns>("conversation_id = named.conversation_id AND ");
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

    fn line(&mut self, text: &str) {
        self.body.push_str(text);
        self.body.push('\n');
    }

    fn declare(&mut self) {
        self.line("found bigint; living bigint; bytes bigint;");
        self.line("removed_conversations bigint := 0; removed_bytes bigint := 0;");
        if matches!(self.tables, Tables::Distributed { .. }) {
            self.line("shard bigint;");
            for table in SHARDED {
                self.line(&format!("shard_of_{table} text;"));
            }
        }
    }

    /// Nothing is written where the shards of the visitor are not on this node: they may be on their way to another
    /// one.
    fn find_shards(&mut self) {
        let Tables::Distributed { schema } = &self.tables else {
            return;
        };
        let schema = schema.clone();
        let shard = |table: &str| {
            format!("get_shard_id_for_distribution_column('{schema}.{table}', visitor)")
        };
        self.line(&format!("shard := {};", shard("visitors")));
        self.line(&format!("IF NOT {IS_HERE} THEN RETURN false; END IF;"));
        for table in SHARDED {
            let id = shard(table);
            self.line(&format!("shard_of_{table} := '{schema}.{table}_' || {id};"));
        }
    }

    /// Looks for what is to be replaced, which has to be there, and how much it is. Should another write come
    /// between, the counter would be another one.
    fn look_for_replaced<C: ColumnsOfRows>(&mut self, parent: &str) {
        let table = C::TABLE;
        let rows = format!("replacing_{table}");
        self.line(&format!("IF {rows} IS NOT NULL THEN"));
        let look = format!(
            "SELECT count(*), count(*) FILTER (WHERE stored.content_bytes > 0), \
             coalesce(sum(stored.content_bytes), 0) FROM json_populate_recordset(NULL::{}, $2) AS named \
             CROSS JOIN LATERAL (SELECT content_bytes FROM {{table}} \
             WHERE visitor_id = $1 AND {parent}id = named.id OFFSET 0) AS stored",
            self.row_type(table)
        );
        let arguments = ["visitor", &rows];
        self.run(table, &look, &arguments, " INTO found, living, bytes");
        self.line(&format!(
            "IF found <> json_array_length({rows}) THEN RETURN false; END IF;"
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
            conversations::Columns::TABLE,
            "SELECT count(*) FROM {table} WHERE visitor_id = $1 AND id = ANY($2)",
            &["visitor", "touched"],
            " INTO found",
        );
        self.line("IF found <> cardinality(touched) THEN RETURN false; END IF; END IF;");
    }

    /// Takes the number by compare-and-swap, unless the visitor would grow beyond its quota.
    fn take_number(&mut self) {
        let visitors = self.row_type("visitors");
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
        self.run("visitors", &take, &arguments, "");
        self.line("GET DIAGNOSTICS found = ROW_COUNT;");
        self.line("IF found = 0 THEN RETURN false; END IF;");
        if matches!(self.tables, Tables::Distributed { .. }) {
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
            conversations::Columns::TABLE,
            "UPDATE {table} SET latest_change = $3 WHERE visitor_id = $1 AND id = ANY($2)",
            &["visitor", "touched", "next_counter"],
            "",
        );
        self.line("END IF;");
    }

    /// Writes the rows of a table that are new, and those that replace stored ones.
    fn write_rows<C: ColumnsOfRows>(&mut self) {
        let table = C::TABLE;
        let keys = quoted("", C::KEY);
        let rest = quoted("", C::REST);
        let insert = format!(
            "INSERT INTO {{table}} (visitor_id, {keys}, {rest}) SELECT $1, {keys}, {rest} \
             FROM json_populate_recordset(NULL::{}, $2)",
            self.row_type(table)
        );
        let replace = format!(
            "{insert} ON CONFLICT (visitor_id, {keys}) DO UPDATE SET ({rest}) = ROW({})",
            quoted("excluded.", C::REST)
        );
        for (kind, statement) in [("new", insert), ("replacing", replace)] {
            let rows = format!("{kind}_{table}");
            self.parameters.push_str(&format!(", {rows} json"));
            self.line(&format!("IF {rows} IS NOT NULL THEN"));
            self.run(table, &statement, &["visitor", &rows], "");
            self.line("END IF;");
        }
    }

    /// Adds a statement about `{table}` with these arguments for `$1` and so on: as it is, which is planned once a
    /// connection, or about the shard that the visitor has of the table.
    fn run(&mut self, table: &str, statement: &str, arguments: &[&str], into: &str) {
        let line = match &self.tables {
            Tables::Local => {
                let mut statement = statement.replace("{table}", table);
                for (place, argument) in arguments.iter().enumerate().rev() {
                    statement = statement.replace(&format!("${}", place + 1), argument);
                }
                format!("{statement}{into};")
            }
            Tables::Distributed { .. } => {
                let text = statement.replace('\'', "''");
                let text = text.replace("{table}", &format!("' || shard_of_{table} || '"));
                format!("EXECUTE '{text}'{into} USING {};", arguments.join(", "))
            }
        };
        self.line(&line);
    }

    /// The table's name, which is that of the type of its rows, too.
    fn row_type(&self, table: &str) -> String {
        match &self.tables {
            Tables::Local => table.to_owned(),
            Tables::Distributed { schema } => format!("{schema}.{table}"),
        }
    }

    /// The types of the parameters.
    fn types(&self) -> String {
        let parameters = self.parameters.split(", ");
        let types = parameters.filter_map(|parameter| parameter.split_once(' '));
        let types: Vec<&str> = types.map(|(_, type_name)| type_name).collect();
        types.join(", ")
    }

    /// The statements that define it, on all nodes where there are several.
    fn definition(&self) -> String {
        let Self {
            parameters, body, ..
        } = self;
        let create = format!(
            "CREATE OR REPLACE FUNCTION write_changes({parameters}) RETURNS boolean LANGUAGE plpgsql"
        );
        match &self.tables {
            Tables::Local => format!("{create} AS $write_changes${body}$write_changes$;"),
            Tables::Distributed { schema } => format!(
                "SET LOCAL citus.multi_shard_modify_mode = 'sequential'; \
                 {create} SET citus.enable_manual_changes_to_shards = on AS $write_changes${body}$write_changes$; \
                 SELECT create_distributed_function('write_changes({})', 'visitor', \
                 colocate_with => '{schema}.visitors');",
                self.types()
            ),
        }
    }
}

fn quoted(prefix: &str, names: &[&str]) -> String {
    let quoted = names.iter().map(|name| format!("{prefix}\"{name}\""));
    quoted.collect::<Vec<_>>().join(", ")
}
