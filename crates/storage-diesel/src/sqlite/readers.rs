//! The pool of connections that read.

use std::sync::Arc;
use std::thread;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;

use super::connection::{Database, Role};
use super::errors::OpenError;

/// Makes the connections of the pool that reads.
#[derive(Debug)]
pub(super) struct Readers(pub(super) Arc<Database>);

/// A connection that only reads.
pub(super) struct Reader {
    pub(super) connection: SqliteConnection,
    generation: u64,
}

impl r2d2::ManageConnection for Readers {
    type Connection = Reader;
    type Error = OpenError;

    fn connect(&self) -> Result<Reader, OpenError> {
        let generation = self.0.generation();
        Ok(Reader {
            connection: self.0.connect(Role::Reader)?,
            generation,
        })
    }

    fn is_valid(&self, reader: &mut Reader) -> Result<(), OpenError> {
        if self.has_broken(reader) {
            return Err(self.0.unusable(&"the connection is from before a failure"));
        }
        Ok(())
    }

    fn has_broken(&self, reader: &mut Reader) -> bool {
        // A read that panics leaves its transaction open.
        thread::panicking()
            || reader.generation != self.0.generation()
            || AnsiTransactionManager::is_broken_transaction_manager(&mut reader.connection)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sqlite::errors::Fault;

    #[test]
    fn a_connection_from_before_a_failure_is_not_used_again() {
        use r2d2::ManageConnection;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let database = Arc::new(Database::at(&path, Duration::ZERO).unwrap());
        let readers = Readers(Arc::clone(&database));
        let mut reader = readers.connect().unwrap();
        assert!(!readers.has_broken(&mut reader));
        let failure = diesel::result::Error::DatabaseError(
            diesel::result::DatabaseErrorKind::Unknown,
            Box::new("disk I/O error".to_owned()),
        );
        database.note(&Fault::Database(failure));
        assert!(readers.has_broken(&mut reader));
        assert!(!readers.has_broken(&mut readers.connect().unwrap()));
    }
}
