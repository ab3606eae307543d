//! The floor of the SQLite store: one thread that reads bodies with `serde_json`, looks up what is
//! stored, and writes the same rows through prepared statements of the C API. It knows no HTTP, no
//! merge and no second device, and believes every body.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, ensure};
use serde::Deserialize;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::rows::{Conversation, Message, Output, Post, Request, Response, Value};
use super::sqlite_c::{Connection, Statement};
use crate::load::VISITORS;

/// The same as those of the server's writing connection.
const SETTINGS: &str = "PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA secure_delete = ON;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA mmap_size = 0;
    PRAGMA wal_autocheckpoint = 4000;";

const SCHEMA: &str = concat!(
    include_str!("../../../../migrations/sqlite/2026-11-24-000001_create_schema/up.sql"),
    include_str!("../../../../migrations/sqlite/2026-11-25-000001_add_opaque_ids/up.sql"),
    include_str!("../../../../migrations/sqlite/2026-11-25-000002_measure_content/up.sql"),
);

/// A file with the server's schema and visitors.
pub struct Floor {
    connection: Connection,
}

impl Floor {
    /// Makes a new file.
    pub fn create(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute(SETTINGS)?;
        connection.execute(SCHEMA)?;
        let mut visitor = connection.prepare(
            "INSERT INTO visitors(id, key, kind, user_id, registered_at, change_counter) \
             VALUES (?, ?, 1, ?, 0, 0)",
        )?;
        connection.execute("BEGIN")?;
        for number in 1..=VISITORS {
            let key = u128::from(number).to_be_bytes();
            let user_id = format!("visitor-{number}");
            visitor.bind(Value::Integer(i64::try_from(number)?))?;
            visitor.bind(Value::Bytes(&key))?;
            visitor.bind(Value::Text(&user_id))?;
            visitor.step()?;
        }
        drop(visitor);
        connection.execute("COMMIT")?;
        Ok(Self { connection })
    }

    /// A writer with its statements prepared.
    pub fn writer(&self) -> Result<Writer<'_>> {
        Writer::new(&self.connection)
    }
}

/// Writes posts.
pub struct Writer<'c> {
    connection: &'c Connection,
    find_visitor: Statement<'c>,
    count_change: Statement<'c>,
    find_conversation: Statement<'c>,
    message_heads: Statement<'c>,
    insert_conversation: Statement<'c>,
    insert_message: Statement<'c>,
    insert_request: Statement<'c>,
    insert_response: Statement<'c>,
    insert_output: Statement<'c>,
    newest_conversation: i64,
    newest_message: i64,
}

/// The visitor of a post as the store has it.
struct Visitor {
    id: i64,
    change_number: i64,
}

impl<'c> Writer<'c> {
    fn new(connection: &'c Connection) -> Result<Self> {
        let insert = |table: &str, keys: &str, columns: &[&str]| {
            let marks = vec!["?"; keys.split(',').count() + columns.len()].join(", ");
            let columns = columns.join(", ");
            let sql = format!("INSERT INTO {table}({keys}, {columns}) VALUES ({marks})");
            connection.prepare(&sql)
        };
        Ok(Self {
            connection,
            find_visitor: connection
                .prepare("SELECT id, change_counter FROM visitors WHERE key = ?")?,
            count_change: connection
                .prepare("UPDATE visitors SET change_counter = ? WHERE id = ?")?,
            find_conversation: connection
                .prepare("SELECT id, stamp FROM conversations WHERE visitor = ? AND uuid = ?")?,
            message_heads: connection
                .prepare("SELECT uuid, digest FROM messages WHERE conversation = ?")?,
            insert_conversation: insert(
                "conversations",
                "id, visitor, uuid, change_number, latest_change, content_bytes, stamp",
                Conversation::COLUMNS,
            )?,
            insert_message: insert(
                "messages",
                "id, conversation, uuid, change_number, content_bytes, digest, stamp",
                Message::COLUMNS,
            )?,
            insert_request: insert("message_requests", "id", Request::COLUMNS)?,
            insert_response: insert("message_responses", "id", Response::COLUMNS)?,
            insert_output: insert("message_outputs", "id", Output::COLUMNS)?,
            newest_conversation: 0,
            newest_message: 0,
        })
    }

    /// Writes posts, each of a visitor, in one transaction; returns how many messages were new.
    pub fn write(&mut self, posts: &[(u64, String)]) -> Result<usize> {
        self.connection.execute("BEGIN IMMEDIATE")?;
        let mut new = 0;
        for (visitor, body) in posts {
            new += self.post(visitor % VISITORS + 1, body)?;
        }
        self.connection.execute("COMMIT")?;
        Ok(new)
    }

    fn post(&mut self, visitor: u64, body: &str) -> Result<usize> {
        let post: Post<'_> = serde_json::from_str(body)?;
        let key = u128::from(visitor).to_be_bytes();
        self.find_visitor.bind(Value::Bytes(&key))?;
        ensure!(self.find_visitor.step()?, "the visitor is not there");
        let visitor = Visitor {
            id: self.find_visitor.integer(0),
            change_number: self.find_visitor.integer(1) + 1,
        };
        self.find_visitor.reset()?;
        let mut new = 0;
        for conversation in &post.conversations {
            let id = conversation.id.as_bytes();
            self.find_conversation.bind(Value::Integer(visitor.id))?;
            self.find_conversation.bind(Value::Bytes(id))?;
            if self.find_conversation.step()? {
                let row = self.find_conversation.integer(0);
                self.find_conversation.reset()?;
                self.compare(row, conversation)?;
            } else {
                self.insert(&visitor, conversation)?;
                new += conversation.messages.len();
            }
        }
        if new > 0 {
            let update = &mut self.count_change;
            update.bind(Value::Integer(visitor.change_number))?;
            update.bind(Value::Integer(visitor.id))?;
            update.step()?;
        }
        Ok(new)
    }

    /// Makes sure that the messages of a conversation are the stored ones: nothing here can merge.
    fn compare(&mut self, row: i64, conversation: &Conversation<'_>) -> Result<()> {
        #[derive(Deserialize)]
        struct Named {
            message_id: Uuid,
        }
        self.message_heads.bind(Value::Integer(row))?;
        let mut heads = HashMap::with_capacity(conversation.messages.len());
        while self.message_heads.step()? {
            let id = Uuid::from_slice(self.message_heads.bytes(0))?;
            heads.insert(id, <[u8; 16]>::try_from(self.message_heads.bytes(1))?);
        }
        for message in &conversation.messages {
            let named: Named = serde_json::from_str(message.get())?;
            let digest = xxh3_128(message.get().as_bytes()).to_be_bytes();
            ensure!(
                heads.get(&named.message_id) == Some(&digest),
                "a message is not the stored one"
            );
        }
        Ok(())
    }

    fn insert(&mut self, visitor: &Visitor, conversation: &Conversation<'_>) -> Result<()> {
        self.newest_conversation += 1;
        let stamp = conversation.stamp()?;
        let insert = &mut self.insert_conversation;
        for key in [
            Value::Integer(self.newest_conversation),
            Value::Integer(visitor.id),
            Value::Bytes(conversation.id.as_bytes()),
            Value::Integer(visitor.change_number),
            Value::Integer(visitor.change_number),
            Value::Integer(1),
            stamp,
        ] {
            insert.bind(key)?;
        }
        conversation.tell(&mut |value| insert.bind(value))?;
        insert.step()?;

        for raw in &conversation.messages {
            let message: Message<'_> = serde_json::from_str(raw.get())?;
            let digest = xxh3_128(raw.get().as_bytes()).to_be_bytes();
            self.newest_message += 1;
            let id = Value::Integer(self.newest_message);
            let insert = &mut self.insert_message;
            for key in [
                id,
                Value::Integer(self.newest_conversation),
                Value::Bytes(message.message_id.as_bytes()),
                Value::Integer(visitor.change_number),
                Value::Integer(i64::try_from(raw.get().len())?),
                Value::Bytes(&digest),
                stamp,
            ] {
                insert.bind(key)?;
            }
            message.tell(&mut |value| insert.bind(value))?;
            insert.step()?;
            if let Some(request) = &message.request {
                self.insert_request.bind(id)?;
                request.tell(&mut |value| self.insert_request.bind(value))?;
                self.insert_request.step()?;
            }
            if let Some(response) = &message.response {
                self.insert_response.bind(id)?;
                response.tell(&mut |value| self.insert_response.bind(value))?;
                self.insert_response.step()?;
            }
            if let Some(output) = &message.output {
                self.insert_output.bind(id)?;
                output.tell(&mut |value| self.insert_output.bind(value))?;
                self.insert_output.step()?;
            }
        }
        Ok(())
    }
}
