//! The floor of the PostgreSQL store: one connection that reads bodies with `serde_json` and sends the
//! same rows by `COPY`, a post a transaction, into the server's schema with its foreign keys.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Result;
use postgres::{Client, Statement, Transaction};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::rows::{Conversation, Message, Output, Post, Request, Response, Value};
use crate::load::VISITORS;
use crate::postgres_server::connect;

/// A connection that sends rows.
pub struct CopyFloor {
    client: Client,
    conversations: Rows,
    messages: Rows,
    requests: Rows,
    responses: Rows,
    outputs: Rows,
}

impl CopyFloor {
    /// Connects to a database that has the schema, and makes the visitors.
    pub fn connect(url: &str) -> Result<Self> {
        let mut client = connect(url)?;
        for number in 0..VISITORS {
            let insert = "INSERT INTO visitors (id, kind, user_id, registered_at, change_counter, \
                 latest_write, living_conversations, content_bytes) VALUES ($1, 1, $2, 0, 0, $1, 0, 0)";
            client.execute(insert, &[&visitor(number), &format!("visitor-{number}")])?;
        }
        Ok(Self {
            conversations: Rows::new(
                &mut client,
                "conversations",
                "visitor_id, id, change_number, latest_change, content_bytes, stamp",
                Conversation::COLUMNS,
            )?,
            messages: Rows::new(
                &mut client,
                "messages",
                "visitor_id, conversation_id, id, change_number, content_bytes, digest, stamp",
                Message::COLUMNS,
            )?,
            requests: Rows::of_part(&mut client, "message_requests", Request::COLUMNS)?,
            responses: Rows::of_part(&mut client, "message_responses", Response::COLUMNS)?,
            outputs: Rows::of_part(&mut client, "message_outputs", Output::COLUMNS)?,
            client,
        })
    }

    /// Writes a post, whose conversations must be new; returns how many messages it has.
    pub fn write(&mut self, number: u64, body: &str) -> Result<usize> {
        let post: Post<'_> = serde_json::from_str(body)?;
        let visitor = visitor(number % VISITORS);
        let mut written = 0;
        for conversation in &post.conversations {
            self.add(visitor, conversation)?;
            written += conversation.messages.len();
        }
        let mut transaction = self.client.transaction()?;
        for rows in [
            &mut self.conversations,
            &mut self.messages,
            &mut self.requests,
            &mut self.responses,
            &mut self.outputs,
        ] {
            rows.send(&mut transaction)?;
        }
        transaction.commit()?;
        Ok(written)
    }

    fn add(&mut self, visitor: Uuid, conversation: &Conversation<'_>) -> Result<()> {
        let stamp = conversation.stamp()?;
        let rows = &mut self.conversations;
        rows.ids(&[visitor, conversation.id]);
        for key in [
            Value::Integer(1),
            Value::Integer(1),
            Value::Integer(1),
            stamp,
        ] {
            rows.value(key);
        }
        conversation.tell(&mut |value| rows.take(value))?;
        rows.end();
        for raw in &conversation.messages {
            let message: Message<'_> = serde_json::from_str(raw.get())?;
            let digest = xxh3_128(raw.get().as_bytes()).to_be_bytes();
            let ids = [visitor, conversation.id, message.message_id];
            let rows = &mut self.messages;
            rows.ids(&ids);
            for key in [
                Value::Integer(1),
                Value::Integer(i64::try_from(raw.get().len())?),
                Value::Bytes(&digest),
                stamp,
            ] {
                rows.value(key);
            }
            message.tell(&mut |value| rows.take(value))?;
            rows.end();
            if let Some(request) = &message.request {
                self.requests.ids(&ids);
                request.tell(&mut |value| self.requests.take(value))?;
                self.requests.end();
            }
            if let Some(response) = &message.response {
                self.responses.ids(&ids);
                response.tell(&mut |value| self.responses.take(value))?;
                self.responses.end();
            }
            if let Some(output) = &message.output {
                self.outputs.ids(&ids);
                output.tell(&mut |value| self.outputs.take(value))?;
                self.outputs.end();
            }
        }
        Ok(())
    }
}

fn visitor(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number))
}

/// Rows of one table in the text format of `COPY`.
struct Rows {
    copy: Statement,
    text: String,
}

impl Rows {
    fn new(client: &mut Client, table: &str, keys: &str, columns: &[&str]) -> Result<Self> {
        let columns: String = columns.iter().fold(String::new(), |mut list, column| {
            // Writing to a String cannot fail.
            let _ = write!(list, ", \"{column}\"");
            list
        });
        let copy = format!("COPY {table}({keys}{columns}) FROM STDIN");
        Ok(Self {
            copy: client.prepare(&copy)?,
            text: String::new(),
        })
    }

    fn of_part(client: &mut Client, table: &str, columns: &[&str]) -> Result<Self> {
        Self::new(
            client,
            table,
            "visitor_id, conversation_id, message_id",
            columns,
        )
    }

    fn ids(&mut self, ids: &[Uuid]) {
        for id in ids {
            let _ = write!(self.text, "{id}\t");
        }
    }

    fn take(&mut self, value: Value<'_>) -> Result<()> {
        self.value(value);
        Ok(())
    }

    fn value(&mut self, value: Value<'_>) {
        let _ = match value {
            Value::Null => write!(self.text, "\\N"),
            Value::Boolean(value) => write!(self.text, "{value}"),
            Value::Integer(value) => write!(self.text, "{value}"),
            Value::Real(value) => write!(self.text, "{value}"),
            Value::Bytes(bytes) => {
                self.text.push_str("\\\\x");
                bytes
                    .iter()
                    .try_for_each(|byte| write!(self.text, "{byte:02x}"))
            }
            Value::Text(mut text) => {
                while let Some(at) = text.find(['\\', '\n', '\r', '\t']) {
                    let (plain, rest) = text.split_at(at);
                    self.text.push_str(plain);
                    self.text.push_str(match rest.as_bytes().first() {
                        Some(b'\n') => "\\n",
                        Some(b'\r') => "\\r",
                        Some(b'\t') => "\\t",
                        _ => "\\\\",
                    });
                    text = rest.get(1..).unwrap_or_default();
                }
                self.text.push_str(text);
                Ok(())
            }
        };
        self.text.push('\t');
    }

    fn end(&mut self) {
        self.text.pop();
        self.text.push('\n');
    }

    fn send(&mut self, transaction: &mut Transaction<'_>) -> Result<()> {
        let mut writer = transaction.copy_in(&self.copy)?;
        writer.write_all(self.text.as_bytes())?;
        writer.finish()?;
        self.text.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use convosync_storage_diesel::postgres::{PostgresOptions, PostgresStore};
    use convosync_test_postgres::TestServer;

    use super::*;
    use crate::bodies::{Shape, body};

    #[test]
    #[allow(clippy::unwrap_used, reason = "a panic in a test is its result")]
    fn it_writes_into_the_schema_that_the_server_has() {
        let database = TestServer::shared().new_database();
        PostgresStore::migrate(&PostgresOptions::at(database.url())).unwrap();
        let mut floor = CopyFloor::connect(&database.url()).unwrap();
        let body = body(Shape::new(2, 3), 0);
        assert_eq!(floor.write(0, &body).unwrap(), 6);
        for table in ["messages", "message_outputs"] {
            let written = database.value(&format!("SELECT count(*) FROM {table}"));
            assert_eq!(written, "6", "{table}");
        }
    }
}
