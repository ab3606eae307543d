//! Looks at a store and changes nothing, not even the files beside it.

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::Sqlite;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::errors::OpenError;
use super::migrate::MIGRATIONS;
use super::opened_files::beside;
use crate::migrations::SchemaState;

/// What a path may have in a `file:` URI.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_');

/// What was found in the file of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// How far its schema is.
    pub schema: SchemaState,
    /// The first damage, if the whole file was looked through and there is some.
    pub damage: Option<String>,
}

/// Looks into the file at this path, be it in use or not; with `thoroughly` through the whole of it.
///
/// # Errors
/// [`OpenError::Unusable`] where it cannot be read or is no database.
pub fn examine(path: &Path, thoroughly: bool) -> Result<Examined, OpenError> {
    let unusable = |reason: String| OpenError::Unusable {
        path: path.to_owned(),
        reason,
    };
    let absolute = std::path::absolute(path).map_err(|error| unusable(error.to_string()))?;
    let name = absolute.to_str();
    let name = name.ok_or_else(|| unusable("its name is not UTF-8".to_owned()))?;
    let encoded = utf8_percent_encode(name, ENCODED);
    // With no log beside it everything is in the file, and reading it as one that never changes makes no log.
    let how = match beside(&absolute, "-wal").exists() {
        true => "readonly_shm=1",
        false => "immutable=1",
    };
    let mut connection = SqliteConnection::establish(&format!("file:{encoded}?mode=ro&{how}"))
        .map_err(|error| unusable(error.to_string()))?;
    read(&mut connection, thoroughly).map_err(unusable)
}

fn read(connection: &mut SqliteConnection, thoroughly: bool) -> Result<Examined, String> {
    let query = |error: diesel::result::Error| error.to_string();
    connection
        .batch_execute("PRAGMA busy_timeout = 1000; PRAGMA query_only = ON")
        .map_err(query)?;
    let schema = schema(connection)?;
    let damage = match thoroughly {
        true => diesel::select(sql::<Text>(
            "(SELECT quick_check FROM pragma_quick_check LIMIT 1)",
        ))
        .get_result::<String>(connection)
        .map(|found| Some(found).filter(|found| found != "ok"))
        .map_err(query)?,
        false => None,
    };
    Ok(Examined { schema, damage })
}

fn schema(connection: &mut SqliteConnection) -> Result<SchemaState, String> {
    let query = |error: diesel::result::Error| error.to_string();
    let has = |connection: &mut SqliteConnection, which: &str| {
        let any = format!("EXISTS (SELECT 1 FROM sqlite_schema WHERE {which})");
        diesel::select(sql::<Bool>(&any)).get_result::<bool>(connection)
    };
    if !has(connection, "type = 'table'").map_err(query)? {
        return Ok(SchemaState::None);
    }
    if !has(connection, "name = '__diesel_schema_migrations'").map_err(query)? {
        return Ok(SchemaState::Foreign);
    }
    let applied = sql::<Text>("SELECT version FROM __diesel_schema_migrations");
    let applied: Vec<String> = applied.load(connection).map_err(query)?;
    SchemaState::of::<Sqlite>(applied, &MIGRATIONS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::sqlite::{SqliteOptions, SqliteStore};

    /// The names of what a folder has, with the contents.
    fn listing(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        entries
            .map(|entry| (entry.path(), fs::read(entry.path()).unwrap()))
            .collect()
    }

    #[test]
    fn a_store_is_read_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        // A name that a URI would read as something else.
        let path = folder.path().join("a b?mode=rwc#%41.db");
        let store = SqliteStore::open(SqliteOptions::at(&path)).unwrap();
        let current = Examined {
            schema: SchemaState::Current,
            damage: None,
        };
        let before = listing(folder.path());
        assert_eq!(before.len(), 3, "{:?}", before.keys());
        assert_eq!(examine(&path, true).unwrap(), current);
        let names = |listing: &BTreeMap<PathBuf, Vec<u8>>| -> Vec<PathBuf> {
            listing.keys().cloned().collect()
        };
        assert_eq!(names(&listing(folder.path())), names(&before));

        store.close();
        let closed = listing(folder.path());
        assert_eq!(closed.len(), 1);
        assert_eq!(examine(&path, true).unwrap().schema, SchemaState::Current);
        assert_eq!(listing(folder.path()), closed);
    }

    /// The server was killed: what it acknowledged last is in the log.
    #[test]
    fn the_log_of_a_crash_is_read_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let store = SqliteStore::open(SqliteOptions::at(&path)).unwrap();
        let crashed = tempfile::tempdir().unwrap();
        for (from, content) in listing(folder.path()) {
            fs::write(crashed.path().join(from.file_name().unwrap()), content).unwrap();
        }
        drop(store);
        let before = listing(crashed.path());
        assert_eq!(before.len(), 3);
        let examined = examine(&crashed.path().join("convosync.db"), true).unwrap();
        assert_eq!(examined.schema, SchemaState::Current);
        assert_eq!(listing(crashed.path()), before);
    }

    #[test]
    fn what_is_no_store_of_this_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let examined = |statements: &str| {
            let _ = fs::remove_file(&path);
            let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            connection.batch_execute(statements).unwrap();
            drop(connection);
            examine(&path, false).unwrap().schema
        };
        let migrated =
            "CREATE TABLE __diesel_schema_migrations (version TEXT PRIMARY KEY, run_on TEXT);";
        assert_eq!(examined(""), SchemaState::None);
        assert_eq!(examined("CREATE TABLE t (id)"), SchemaState::Foreign);
        let others = format!("{migrated} INSERT INTO __diesel_schema_migrations VALUES ('1', '')");
        assert_eq!(examined(&others), SchemaState::Foreign);
        assert!(matches!(examined(migrated), SchemaState::Older(missing) if missing.len() > 1));

        fs::remove_file(&path).unwrap();
        SqliteStore::open(SqliteOptions::at(&path)).unwrap().close();
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        connection
            .batch_execute("INSERT INTO __diesel_schema_migrations VALUES ('99999999000000', '')")
            .unwrap();
        drop(connection);
        let newer = examine(&path, false).unwrap().schema;
        assert_eq!(newer, SchemaState::Newer("99999999000000".to_owned()));
    }

    #[test]
    fn what_is_no_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let refused = examine(&path, false).unwrap_err().to_string();
        assert!(refused.starts_with("cannot open "), "{refused}");
        assert!(!path.exists());
        fs::write(&path, vec![b'x'; 4_096]).unwrap();
        let refused = examine(&path, false).unwrap_err().to_string();
        assert!(refused.contains("not a database"), "{refused}");
    }
}
