//! As much of SQLite's C API as the floor calls.

#![allow(unsafe_code, reason = "the floor is a program on the C API")]

use std::ffi::{CStr, CString, c_int};
use std::path::Path;
use std::ptr;

use anyhow::{Result, bail};
use libsqlite3_sys as ffi;

use super::rows::Value;

/// A connection.
pub struct Connection(*mut ffi::sqlite3);

impl Connection {
    /// Opens a file, which is made where there is none.
    pub fn open(path: &Path) -> Result<Self> {
        let path = CString::new(path.to_string_lossy().as_bytes())?;
        let mut connection = Self(ptr::null_mut());
        // SAFETY: the path ends with a zero, and the handle is written before the call returns.
        let code = unsafe { ffi::sqlite3_open(path.as_ptr(), &raw mut connection.0) };
        connection.check(code)?;
        Ok(connection)
    }

    /// Runs statements that return nothing of interest.
    pub fn execute(&self, sql: &str) -> Result<()> {
        let sql = CString::new(sql)?;
        // SAFETY: the connection is open, the text ends with a zero, and there is no callback.
        let code = unsafe {
            ffi::sqlite3_exec(self.0, sql.as_ptr(), None, ptr::null_mut(), ptr::null_mut())
        };
        self.check(code)
    }

    /// Prepares a statement.
    pub fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        let sql = CString::new(sql)?;
        let mut statement = ptr::null_mut();
        // SAFETY: the connection is open, the text ends with a zero, and the handle is written before
        // the call returns.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                self.0,
                sql.as_ptr(),
                -1,
                ffi::SQLITE_PREPARE_PERSISTENT,
                &raw mut statement,
                ptr::null_mut(),
            )
        };
        self.check(code)?;
        Ok(Statement {
            connection: self,
            statement,
            bound: 0,
        })
    }

    fn check(&self, code: c_int) -> Result<()> {
        if code == ffi::SQLITE_OK {
            return Ok(());
        }
        // SAFETY: the message is a text of SQLite's that ends with a zero, and is copied at once.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(self.0)) };
        bail!("SQLite: {} ({code})", message.to_string_lossy());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: statements borrow the connection, so they are gone. Closing null does nothing.
        unsafe { ffi::sqlite3_close(self.0) };
    }
}

/// A prepared statement.
pub struct Statement<'c> {
    connection: &'c Connection,
    statement: *mut ffi::sqlite3_stmt,
    bound: c_int,
}

impl Statement<'_> {
    /// Binds the next parameter. The value has to live until the statement has been reset.
    pub fn bind(&mut self, value: Value<'_>) -> Result<()> {
        self.bound += 1;
        let (statement, place) = (self.statement, self.bound);
        // SAFETY: the statement lives. SQLite is told not to copy texts and bytes, and to expect them
        // to stay: those who bind them run the statement before they let them go.
        let code = unsafe {
            match value {
                Value::Null => ffi::sqlite3_bind_null(statement, place),
                Value::Boolean(value) => {
                    ffi::sqlite3_bind_int(statement, place, c_int::from(value))
                }
                Value::Integer(value) => ffi::sqlite3_bind_int64(statement, place, value),
                Value::Real(value) => ffi::sqlite3_bind_double(statement, place, value),
                Value::Text(text) => ffi::sqlite3_bind_text(
                    statement,
                    place,
                    text.as_ptr().cast(),
                    c_int::try_from(text.len())?,
                    None,
                ),
                Value::Bytes(bytes) => ffi::sqlite3_bind_blob(
                    statement,
                    place,
                    bytes.as_ptr().cast(),
                    c_int::try_from(bytes.len())?,
                    None,
                ),
            }
        };
        self.connection.check(code)
    }

    /// Goes to the next row; `false` when there is none, and the statement is as new.
    pub fn step(&mut self) -> Result<bool> {
        // SAFETY: the statement lives, and so does what is bound.
        match unsafe { ffi::sqlite3_step(self.statement) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => self.reset().map(|()| false),
            code => self.connection.check(code).map(|()| false),
        }
    }

    /// Ends a query.
    pub fn reset(&mut self) -> Result<()> {
        self.bound = 0;
        // SAFETY: the statement lives.
        let code = unsafe { ffi::sqlite3_reset(self.statement) };
        self.connection.check(code)
    }

    /// An integer of the row.
    pub fn integer(&self, column: c_int) -> i64 {
        // SAFETY: the statement stands on a row; SQLite answers 0 for a column that it has not.
        unsafe { ffi::sqlite3_column_int64(self.statement, column) }
    }

    /// A double of the row.
    pub fn real(&self, column: c_int) -> f64 {
        // SAFETY: as for integers.
        unsafe { ffi::sqlite3_column_double(self.statement, column) }
    }

    /// Whether a column of the row is NULL.
    pub fn is_null(&self, column: c_int) -> bool {
        // SAFETY: as for integers.
        unsafe { ffi::sqlite3_column_type(self.statement, column) == ffi::SQLITE_NULL }
    }

    /// The bytes of the row, empty for NULL.
    pub fn bytes(&self, column: c_int) -> &[u8] {
        // SAFETY: the bytes are SQLite's until the next step, which needs the statement alone.
        unsafe {
            let bytes = ffi::sqlite3_column_blob(self.statement, column);
            let length = ffi::sqlite3_column_bytes(self.statement, column);
            match usize::try_from(length) {
                Ok(length) if !bytes.is_null() => std::slice::from_raw_parts(bytes.cast(), length),
                _ => &[],
            }
        }
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: the statement lives until here, and its connection longer.
        unsafe { ffi::sqlite3_finalize(self.statement) };
    }
}
