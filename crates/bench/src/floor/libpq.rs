//! As much of PostgreSQL's C API, libpq, as the floor calls. Parameters and results are binary.

#![allow(unsafe_code, reason = "the floor is a program on the C API")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::{ptr, slice};

use anyhow::{Result, bail};
use pq_sys as ffi;
use pq_sys::ExecStatusType::{PGRES_COMMAND_OK, PGRES_TUPLES_OK};

use super::layout::Row;

const BINARY: c_int = 1;

/// A connection.
pub(super) struct Connection(*mut ffi::PGconn);

impl Connection {
    /// Connects to a database.
    pub(super) fn open(url: &str) -> Result<Self> {
        let url = CString::new(url)?;
        // SAFETY: the text ends with a zero.
        let connection = Self(unsafe { ffi::PQconnectdb(url.as_ptr()) });
        // SAFETY: the connection lives; of null, the answer is that it is bad.
        if unsafe { ffi::PQstatus(connection.0) } != ffi::ConnStatusType::CONNECTION_OK {
            bail!("PostgreSQL: {}", connection.complaint());
        }
        Ok(connection)
    }

    /// Prepares a statement under a name that no other one has.
    pub(super) fn prepare(&self, name: &str, sql: &str) -> Result<Statement<'_>> {
        let (name, sql) = (CString::new(name)?, CString::new(sql)?);
        // SAFETY: the connection is open, the texts end with a zero, and no types are given.
        let done = unsafe { ffi::PQprepare(self.0, name.as_ptr(), sql.as_ptr(), 0, ptr::null()) };
        self.check(Rows(done))?;
        Ok(Statement {
            connection: self,
            name,
        })
    }

    fn check(&self, rows: Rows) -> Result<Rows> {
        // SAFETY: the result lives; of null, the answer is a fatal error.
        match unsafe { ffi::PQresultStatus(rows.0) } {
            PGRES_COMMAND_OK | PGRES_TUPLES_OK => Ok(rows),
            _ => bail!("PostgreSQL: {}", self.complaint()),
        }
    }

    fn complaint(&self) -> String {
        // SAFETY: the message is a text of libpq's that ends with a zero, and is copied at once.
        let message = unsafe { CStr::from_ptr(ffi::PQerrorMessage(self.0)) };
        message.to_string_lossy().into_owned()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: statements borrow the connection, so they are gone.
        unsafe { ffi::PQfinish(self.0) };
    }
}

/// A prepared statement.
pub(super) struct Statement<'c> {
    connection: &'c Connection,
    name: CString,
}

impl Statement<'_> {
    /// Runs it with parameters in PostgreSQL's binary form.
    pub(super) fn run<const N: usize>(&self, parameters: [&[u8]; N]) -> Result<Rows> {
        let values = parameters.map(|bytes| bytes.as_ptr().cast::<c_char>());
        let mut lengths = [0; N];
        for (length, bytes) in lengths.iter_mut().zip(parameters) {
            *length = c_int::try_from(bytes.len())?;
        }
        // SAFETY: the connection is open, the name ends with a zero, and each array has N items, of which
        // the values point to as many bytes as the lengths say. All live until the call returns.
        let rows = unsafe {
            ffi::PQexecPrepared(
                self.connection.0,
                self.name.as_ptr(),
                c_int::try_from(N)?,
                values.as_ptr(),
                lengths.as_ptr(),
                [BINARY; N].as_ptr(),
                BINARY,
            )
        };
        self.connection.check(Rows(rows))
    }
}

/// The rows of a result.
pub(super) struct Rows(*mut ffi::PGresult);

impl Rows {
    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = RowOf<'_>> {
        // SAFETY: the result lives.
        let length = unsafe { ffi::PQntuples(self.0) };
        (0..length).map(|index| RowOf { rows: self, index })
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // SAFETY: rows borrow the result, so they are gone. Clearing null does nothing.
        unsafe { ffi::PQclear(self.0) };
    }
}

/// One of the rows.
#[derive(Clone, Copy)]
pub(super) struct RowOf<'r> {
    rows: &'r Rows,
    index: c_int,
}

impl RowOf<'_> {
    /// The bytes of a value that has so many; zeros for any other one.
    pub(super) fn array<const N: usize>(&self, column: usize) -> [u8; N] {
        self.bytes(column).try_into().unwrap_or([0; N])
    }
}

impl Row for RowOf<'_> {
    fn is_null(&self, column: usize) -> bool {
        // SAFETY: the result lives; of a column that it has not, libpq says that it is NULL.
        unsafe { ffi::PQgetisnull(self.rows.0, self.index, place(column)) != 0 }
    }

    fn integer(&self, column: usize) -> i64 {
        i64::from_be_bytes(self.array(column))
    }

    fn real(&self, column: usize) -> f64 {
        f64::from_be_bytes(self.array(column))
    }

    fn boolean(&self, column: usize) -> bool {
        self.array(column) != [0]
    }

    fn bytes(&self, column: usize) -> &[u8] {
        let (rows, column) = (self.rows.0, place(column));
        // SAFETY: the result lives, and so long do the values in it. Of a column that it has not, libpq
        // returns null.
        unsafe {
            let bytes = ffi::PQgetvalue(rows, self.index, column);
            let length = ffi::PQgetlength(rows, self.index, column);
            match usize::try_from(length) {
                Ok(length) if !bytes.is_null() => slice::from_raw_parts(bytes.cast(), length),
                _ => &[],
            }
        }
    }
}

/// A result has fewer columns than any integer can count.
fn place(column: usize) -> c_int {
    column as c_int
}

/// An array of one dimension, of items of the type of this number, in PostgreSQL's binary form.
pub(super) fn array<const N: usize>(of_type: i32, items: &[[u8; N]]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(20 + items.len() * (N + 4));
    // Dimensions, no NULL, the type, the length, and the number of the first item.
    for number in [1, 0, of_type, i32::try_from(items.len())?, 1] {
        bytes.extend(number.to_be_bytes());
    }
    for item in items {
        bytes.extend(i32::try_from(N)?.to_be_bytes());
        bytes.extend(item);
    }
    Ok(bytes)
}
