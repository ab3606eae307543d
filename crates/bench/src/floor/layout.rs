//! Which columns a floor selects, and how a row of them is written.

use anyhow::{Result, ensure};

use super::json::{push_boolean, push_integer, push_moment, push_real, push_string, push_uuid};
use super::rows::{Conversation, Kind, Message, Output, Request, Response};

/// A row of a result.
pub(super) trait Row {
    /// Whether the column is NULL.
    fn is_null(&self, column: usize) -> bool;
    /// An integer.
    fn integer(&self, column: usize) -> i64;
    /// A double.
    fn real(&self, column: usize) -> f64;
    /// A boolean.
    fn boolean(&self, column: usize) -> bool;
    /// A text's bytes, or bytes.
    fn bytes(&self, column: usize) -> &[u8];
}

/// The columns of a table: keys and history, then the content, then what is unknown.
pub(super) struct Layout {
    /// The columns as a list of SQL.
    pub(super) list: String,
    columns: usize,
    content: Content,
    parts: Vec<Part>,
}

/// The fields of an object, and the first of their columns.
struct Content {
    first: usize,
    /// Each key as it stands in an object after another one.
    fields: Vec<(String, Kind)>,
}

/// A part of a message.
struct Part {
    key: String,
    /// The column that is NULL where there is no such part.
    id: usize,
    content: Content,
}

/// The first columns of every layout.
const ID: usize = 0;
const CONTENT_BYTES: usize = 1;

impl Layout {
    /// The columns of a conversation. `id` is what the store calls its UUID.
    pub(super) fn of_conversations(id: &str) -> Self {
        let keys = [
            id,
            "content_bytes",
            "opaque_id",
            "change_number",
            "latest_change",
            "stamp",
            "future_stamp",
            "erased_through",
        ];
        Self::new("c", &keys, Conversation::COLUMNS, Conversation::KINDS)
    }

    /// The columns of a message `m` and its parts, which stand in rows of tables of their own, `request`,
    /// `response` and `output`, with this key.
    pub(super) fn of_messages(id: &str, part_key: &str) -> Self {
        let keys = [
            id,
            "content_bytes",
            "opaque_id",
            "change_number",
            "digest",
            "stamp",
            "own_stamp",
            "future_stamp",
            "deleted_at",
        ];
        let mut layout = Self::new("m", &keys, Message::COLUMNS, Message::KINDS);
        for (name, columns, kinds) in [
            ("request", Request::COLUMNS, Request::KINDS),
            ("response", Response::COLUMNS, Response::KINDS),
            ("output", Output::COLUMNS, Output::KINDS),
        ] {
            let id = layout.columns;
            layout.add(name, &[part_key]);
            let part = Part {
                key: format!(",\"{name}\":"),
                id,
                content: layout.add_content(name, columns, kinds),
            };
            layout.parts.push(part);
        }
        layout
    }

    /// How many columns there are.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    fn new(table: &str, keys: &[&str], columns: &[&str], kinds: &[Kind]) -> Self {
        let mut layout = Self {
            list: String::new(),
            columns: 0,
            content: Content {
                first: 0,
                fields: Vec::new(),
            },
            parts: Vec::new(),
        };
        layout.add(table, keys);
        layout.content = layout.add_content(table, columns, kinds);
        layout
    }

    fn add(&mut self, table: &str, columns: &[&str]) {
        for column in columns {
            let comma = if self.columns > 0 { ", " } else { "" };
            self.list.push_str(&format!("{comma}{table}.\"{column}\""));
            self.columns += 1;
        }
    }

    fn add_content(&mut self, table: &str, columns: &[&str], kinds: &[Kind]) -> Content {
        let first = self.columns;
        self.add(table, columns);
        self.add(table, &["extra"]);
        let fields = columns.iter().zip(kinds).map(|(column, kind)| {
            let name = if *column == "client_id" { "id" } else { column };
            (format!(",\"{name}\":"), *kind)
        });
        Content {
            first,
            fields: fields.collect(),
        }
    }

    /// Writes an object without its end. It must be no tombstone, of which the floor knows nothing.
    pub(super) fn push(&self, out: &mut Vec<u8>, id_key: &str, row: &impl Row) -> Result<()> {
        ensure!(row.integer(CONTENT_BYTES) > 0, "a tombstone");
        out.extend_from_slice(id_key.as_bytes());
        push_uuid(out, row.bytes(ID))?;
        self.content.push(out, row)?;
        for part in &self.parts {
            if row.is_null(part.id) {
                continue;
            }
            out.extend_from_slice(part.key.as_bytes());
            let start = out.len();
            part.content.push(out, row)?;
            // The comma before its first field begins it.
            match out.get_mut(start) {
                Some(comma) => *comma = b'{',
                None => out.push(b'{'),
            }
            out.push(b'}');
        }
        Ok(())
    }
}

impl Content {
    fn push(&self, out: &mut Vec<u8>, row: &impl Row) -> Result<()> {
        for (column, (key, kind)) in (self.first..).zip(&self.fields) {
            if row.is_null(column) {
                continue;
            }
            out.extend_from_slice(key.as_bytes());
            match kind {
                Kind::Boolean => push_boolean(out, row.boolean(column)),
                Kind::Integer => push_integer(out, row.integer(column))?,
                Kind::Real => push_real(out, row.real(column))?,
                Kind::Text => push_string(out, row.bytes(column)),
                Kind::Json => out.extend_from_slice(row.bytes(column)),
                Kind::Moment => push_moment(out, row.integer(column)),
            }
        }
        let extra = self.first + self.fields.len();
        if let [b'{', members @ .., b'}'] = row.bytes(extra) {
            out.push(b',');
            out.extend_from_slice(members);
        }
        Ok(())
    }
}
