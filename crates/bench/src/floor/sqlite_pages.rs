//! The floor of a page on SQLite: prepared statements of the C API on the server's own file.

use std::ffi::c_int;
use std::path::Path;

use anyhow::{Result, ensure};

use super::layout::{Layout, Row};
use super::pages::{Asked, Changed, Head, PageFloor, Room, sort};
use super::rows::Value;
use super::sqlite_c::{Connection, Statement};

/// The same as those of the server's reading connections.
const SETTINGS: &str = "PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA mmap_size = 0;
    PRAGMA query_only = ON;
    PRAGMA busy_timeout = 5000;";

/// A file that a server has filled.
pub struct Store(Connection);

impl Store {
    /// Opens it, beside the server.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute(SETTINGS)?;
        Ok(Self(connection))
    }

    /// A reader with its statements prepared.
    pub fn pages(&self) -> Result<Pages<'_>> {
        let connection = &self.0;
        let of_conversations = Layout::of_conversations("uuid");
        let of_messages = Layout::of_messages("uuid", "id");
        Ok(Pages {
            begin: connection.prepare("BEGIN")?,
            commit: connection.prepare("COMMIT")?,
            find_visitor: connection
                .prepare("SELECT id, change_counter FROM visitors WHERE key = ?")?,
            changed_heads: connection.prepare(
                "SELECT id, uuid, latest_change, change_number FROM conversations \
                 WHERE visitor = ? AND latest_change > ?",
            )?,
            changed_messages: connection.prepare(
                "SELECT id, uuid, change_number FROM messages \
                 WHERE conversation = ? AND change_number > ?",
            )?,
            conversation: connection.prepare(&format!(
                "SELECT {} FROM conversations c WHERE id = ?",
                of_conversations.list
            ))?,
            message: connection.prepare(&format!(
                "SELECT {} FROM messages m \
                 LEFT JOIN message_requests request ON request.id = m.id \
                 LEFT JOIN message_responses response ON response.id = m.id \
                 LEFT JOIN message_outputs output ON output.id = m.id WHERE m.id = ?",
                of_messages.list
            ))?,
            of_conversations,
            of_messages,
            heads: Vec::new(),
            changed: Vec::new(),
        })
    }
}

/// Reads pages.
pub struct Pages<'c> {
    begin: Statement<'c>,
    commit: Statement<'c>,
    find_visitor: Statement<'c>,
    changed_heads: Statement<'c>,
    changed_messages: Statement<'c>,
    conversation: Statement<'c>,
    message: Statement<'c>,
    of_conversations: Layout,
    of_messages: Layout,
    heads: Vec<Head<i64>>,
    changed: Vec<Changed<i64>>,
}

impl PageFloor for Pages<'_> {
    fn write(&mut self, asked: Asked, out: &mut Vec<u8>) -> Result<()> {
        self.begin.step()?;
        out.extend_from_slice(b"{\"conversations\":[");
        self.find_visitor
            .bind(Value::Bytes(asked.visitor.as_bytes()))?;
        ensure!(self.find_visitor.step()?, "the visitor is not there");
        let (visitor, counter) = (self.find_visitor.integer(0), self.find_visitor.integer(1));
        self.find_visitor.reset()?;
        let since = i64::try_from(asked.since)?;
        if counter > since {
            self.find_heads(visitor, since)?;
            self.write_conversations(since, asked.limit, out)?;
        }
        out.push(b']');
        self.commit.step()?;
        Ok(())
    }
}

impl Pages<'_> {
    fn find_heads(&mut self, visitor: i64, since: i64) -> Result<()> {
        self.heads.clear();
        let rows = &mut self.changed_heads;
        rows.bind(Value::Integer(visitor))?;
        rows.bind(Value::Integer(since))?;
        while rows.step()? {
            self.heads.push(Head {
                key: rows.integer(0),
                id: rows.bytes(1).try_into()?,
                latest_change: rows.integer(2),
                change_number: rows.integer(3),
            });
        }
        sort(&mut self.heads);
        Ok(())
    }

    fn write_conversations(&mut self, since: i64, limit: usize, out: &mut Vec<u8>) -> Result<()> {
        let mut room = Room(limit);
        for (index, head) in self.heads.iter().enumerate() {
            self.changed.clear();
            let rows = &mut self.changed_messages;
            rows.bind(Value::Integer(head.key))?;
            rows.bind(Value::Integer(since))?;
            while rows.step()? {
                let (id, number) = (rows.bytes(1).try_into()?, rows.integer(2));
                self.changed.push((number, id, rows.integer(0)));
            }
            self.changed.sort_unstable();
            let taken = room.take(head.change_number > since, self.changed.len());
            let Some((taken, has_room)) = taken else {
                break;
            };
            if index > 0 {
                out.push(b',');
            }
            let row = &mut self.conversation;
            row.bind(Value::Integer(head.key))?;
            ensure!(row.step()?, "a conversation is gone");
            self.of_conversations.push(out, "{\"id\":", row)?;
            row.reset()?;
            out.extend_from_slice(b",\"messages\":[");
            for (index, (_, _, id)) in self.changed.iter().take(taken).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                let row = &mut self.message;
                row.bind(Value::Integer(*id))?;
                ensure!(row.step()?, "a message is gone");
                self.of_messages.push(out, "{\"message_id\":", row)?;
                out.push(b'}');
                row.reset()?;
            }
            out.extend_from_slice(b"]}");
            if !has_room {
                break;
            }
        }
        Ok(())
    }
}

impl Row for Statement<'_> {
    fn is_null(&self, column: usize) -> bool {
        Statement::is_null(self, place(column))
    }

    fn integer(&self, column: usize) -> i64 {
        Statement::integer(self, place(column))
    }

    fn real(&self, column: usize) -> f64 {
        Statement::real(self, place(column))
    }

    fn boolean(&self, column: usize) -> bool {
        Statement::integer(self, place(column)) != 0
    }

    fn bytes(&self, column: usize) -> &[u8] {
        Statement::bytes(self, place(column))
    }
}

/// A select has fewer columns than any integer can count.
fn place(column: usize) -> c_int {
    column as c_int
}
