//! Functions of the database, each of which does in one call what takes several statements or a costly plan (ADR 0033). They
//! are made of the columns that are declared here, and defined anew where the database has others.
//!
//! Where the tables are distributed, Citus has the node run a call that has the visitor. What lies in the visitor's
//! shards is read and written there by their names: that Citus routes and plans each statement once more would cost
//! several times what the rows do. A function may do so only while the shards are on its node, and nowhere else.

mod read_heads;
mod write_changes;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

/// Defines the functions, unless the database has just these, with just these settings.
pub(super) fn define(connection: &mut PgConnection) -> QueryResult<()> {
    let tables = match is_distributed(connection)? {
        true => Tables::Distributed {
            schema: diesel::select(sql::<Text>("quote_ident(current_schema())"))
                .get_result(connection)?,
        },
        false => Tables::Local,
    };
    for function in [
        read_heads::function(&tables),
        write_changes::function(&tables),
    ] {
        let defined = format!(
            "(SELECT concat_ws(' ', array_to_string(proconfig, ' '), prosrc) FROM pg_proc \
             WHERE oid = to_regprocedure('{}'))",
            function.signature()
        );
        let defined: Option<String> =
            diesel::select(sql::<Nullable<Text>>(&defined)).get_result(connection)?;
        if defined.as_deref() != Some(&function.settings_and_body()) {
            connection.batch_execute(&function.definition())?;
        }
    }
    Ok(())
}

/// Whether the database has the Citus extension.
pub(super) fn has_citus(connection: &mut PgConnection) -> QueryResult<bool> {
    let exists = sql::<Bool>("EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')");
    diesel::select(exists).get_result(connection)
}

/// Whether visitors lie on the nodes of a Citus cluster.
pub(super) fn is_distributed(connection: &mut PgConnection) -> QueryResult<bool> {
    if !has_citus(connection)? {
        return Ok(false);
    }
    diesel::select(sql::<Bool>(
        "EXISTS (SELECT FROM pg_dist_partition \
         WHERE logicalrelid = to_regclass('visitors') AND partmethod = 'h')",
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

/// Whether the shards of the visitor are on this node, and nowhere else. (Colocated shards move together.)
const IS_HERE: &str = "(SELECT count(*) = 1 AND bool_and(groupid = (SELECT groupid FROM pg_dist_local_group)) \
     FROM pg_dist_placement WHERE shardid = shard AND shardstate = 1)";

/// What holds while a function works at shards: each statement about one has one good plan, whatever was in the shard
/// when the session met it.
const SETTINGS_ON_SHARDS: &[&str] = &[
    "citus.enable_manual_changes_to_shards=on",
    "plan_cache_mode=force_generic_plan",
    "enable_seqscan=off",
    "enable_hashjoin=off",
    "enable_mergejoin=off",
];

/// The text of a function, whose first parameter is the `visitor`.
#[derive(Debug)]
struct Function<'t> {
    name: &'static str,
    tables: &'t Tables,
    parameters: String,
    returns: String,
    body: String,
}

impl Function<'_> {
    fn line(&mut self, text: &str) {
        self.body.push_str(text);
        self.body.push('\n');
    }

    /// Begins the body with these variables and, where there are shards, those that have the names of the shards
    /// of these tables. Where they are not on this node, `elsewhere` is done, after the variables have been given
    /// the names of the distributed tables.
    fn begin(&mut self, variables: &str, names: &[&str], elsewhere: &str) {
        self.line("#variable_conflict use_column");
        self.line(&format!("DECLARE {variables}"));
        let Tables::Distributed { schema } = self.tables else {
            self.line("BEGIN");
            return;
        };
        self.line("shard bigint;");
        for name in names {
            self.line(&format!("{name}_here text := '{schema}.{name}';"));
        }
        let shard_of = |name: &str| {
            format!("get_shard_id_for_distribution_column('{schema}.{name}', visitor)")
        };
        self.line(&format!("BEGIN shard := {};", shard_of("visitors")));
        self.line(&format!("IF {IS_HERE} THEN"));
        for name in names {
            let shard = shard_of(name);
            self.line(&format!("{name}_here := '{schema}.{name}_' || {shard};"));
        }
        self.line(&format!("ELSE {elsewhere} END IF;"));
    }

    /// Adds a statement with these arguments for `$1` and so on, and `{conversations}` for a table: as it is, or about
    /// the shard that the visitor has of the table. It is planned once a session, or once for each shard.
    fn run(&mut self, before: &str, statement: &str, after: &str, arguments: &[&str]) {
        match self.tables {
            Tables::Local => {
                let mut statement = statement.replace(['{', '}'], "");
                for (place, argument) in arguments.iter().enumerate().rev() {
                    statement = statement.replace(&format!("${}", place + 1), argument);
                }
                self.line(&format!("{before}{statement}{after};"));
            }
            Tables::Distributed { .. } => {
                let text = statement.replace('\'', "''");
                let text = text.replace('{', "' || ").replace('}', "_here || '");
                self.run_prepared(before, &text, after, arguments);
            }
        }
    }

    /// Adds a statement, of which plpgsql is to make the text, about one shard. A session prepares it when it first meets
    /// the shard. It keeps in a setting that it did, as looking at all that it has prepared takes too long; after a
    /// rollback the setting is lost, and what was prepared is not.
    fn run_prepared(&mut self, before: &str, text: &str, after: &str, arguments: &[&str]) {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let name = format!("{}_{:016x}_", self.name, hasher.finish());
        let setting = format!("'convosync.{name}' || shard");
        let execute = match arguments {
            [] => format!("'EXECUTE {name}' || shard"),
            _ => format!(
                "format('EXECUTE {name}%s ({})', shard, {})",
                vec!["%L"; arguments.len()].join(", "),
                arguments.join(", ")
            ),
        };
        self.line(&format!(
            "IF current_setting({setting}, true) IS DISTINCT FROM 'prepared' THEN \
             IF NOT EXISTS (SELECT FROM pg_prepared_statements WHERE name = '{name}' || shard) THEN \
             EXECUTE 'PREPARE {name}' || shard || ' AS {text}'; END IF; \
             PERFORM set_config({setting}, 'prepared', false); END IF;"
        ));
        self.line(&format!("{before}EXECUTE {execute}{after};"));
    }

    /// The name of a table as a whole, which is that of the type of its rows, too.
    fn whole(&self, table: &str) -> String {
        match self.tables {
            Tables::Local => table.to_owned(),
            Tables::Distributed { schema } => format!("{schema}.{table}"),
        }
    }

    fn settings(&self) -> &'static [&'static str] {
        match self.tables {
            Tables::Local => &[],
            Tables::Distributed { .. } => SETTINGS_ON_SHARDS,
        }
    }

    fn settings_and_body(&self) -> String {
        let mut parts = self.settings().to_vec();
        parts.push(&self.body);
        parts.join(" ")
    }

    fn signature(&self) -> String {
        let parameters = self.parameters.split(", ");
        let types = parameters.filter_map(|parameter| parameter.split_once(' '));
        let types: Vec<&str> = types.map(|(_, type_name)| type_name).collect();
        format!("{}({})", self.name, types.join(", "))
    }

    /// The statements that define it, on all nodes where there are several.
    fn definition(&self) -> String {
        let Self {
            name,
            parameters,
            returns,
            body,
            ..
        } = self;
        let signature = self.signature();
        let create = format!(
            "DROP FUNCTION IF EXISTS {signature}; \
             CREATE FUNCTION {name}({parameters}) RETURNS {returns} LANGUAGE plpgsql"
        );
        let settings = self.settings().iter();
        let settings: String = settings.map(|setting| format!(" SET {setting}")).collect();
        let create = format!("{create}{settings} AS $body${body}$body$;");
        match self.tables {
            Tables::Local => create,
            Tables::Distributed { schema } => format!(
                "SET LOCAL citus.multi_shard_modify_mode = 'sequential'; {create} \
                 SELECT create_distributed_function('{signature}', 'visitor', colocate_with => '{schema}.visitors');"
            ),
        }
    }
}

/// Names after a prefix, quoted, with commas between them.
fn quoted(prefix: &str, names: &[&str]) -> String {
    let quoted = names.iter().map(|name| format!("{prefix}\"{name}\""));
    quoted.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use convosync_test_postgres::TestServer;

    use crate::postgres::{PostgresOptions, PostgresStore};

    const DEFINED: &str = "SELECT count(*) FROM pg_proc WHERE proname IN ('read_heads', 'write_changes') \
         AND prosrc LIKE '%visitors%'";

    const DEFINITIONS: &str = "SELECT string_agg(oid::text, ' ' ORDER BY proname) FROM pg_proc \
         WHERE proname IN ('read_heads', 'write_changes')";

    #[test]
    fn functions_that_are_missing_or_others_are_defined_anew_also_on_citus() {
        let database = TestServer::shared().new_database();
        let options = PostgresOptions::at(database.url());
        PostgresStore::migrate(&options).unwrap();
        assert_eq!(database.value(DEFINED), "2");
        let definitions = database.value(DEFINITIONS);
        PostgresStore::migrate(&options).unwrap();
        assert_eq!(database.value(DEFINITIONS), definitions, "they were there");
        database.execute(
            "DROP FUNCTION read_heads;
             DO $$ BEGIN EXECUTE format('CREATE OR REPLACE FUNCTION write_changes(%s) RETURNS boolean LANGUAGE sql \
             AS ''SELECT true''', (SELECT pg_get_function_identity_arguments(oid) FROM pg_proc \
             WHERE proname = 'write_changes')); END $$",
        );
        assert_eq!(database.value(DEFINED), "0");
        PostgresStore::migrate(&options).unwrap();
        assert_eq!(database.value(DEFINED), "2");
        let definitions = database.value(DEFINITIONS);
        database.execute(
            "DO $$ BEGIN EXECUTE format('ALTER FUNCTION write_changes(%s) SET work_mem = 1000', \
             (SELECT pg_get_function_identity_arguments(oid) FROM pg_proc WHERE proname = 'write_changes')); END $$",
        );
        PostgresStore::migrate(&options).unwrap();
        assert_ne!(database.value(DEFINITIONS), definitions, "a setting more");
    }
}
