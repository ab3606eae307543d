//! The floor of a page on PostgreSQL: the selects of the server through libpq.

use std::collections::HashMap;

use anyhow::{Context as _, Result};

use super::layout::{Layout, Row as _};
use super::libpq::{Connection, Statement, array};
use super::pages::{Asked, Changed, Head, PageFloor, Room, sort};

/// A database that a server has filled.
pub struct Store(Connection);

impl Store {
    /// Connects to it, beside the server.
    pub fn open(url: &str) -> Result<Self> {
        Connection::open(url).map(Self)
    }

    /// A reader with its statements prepared.
    pub fn pages(&self) -> Result<Pages<'_>> {
        let connection = &self.0;
        let of_conversations = Layout::of_conversations("id");
        let of_messages = Layout::of_messages("id", "message_id");
        let part = |name: &str| {
            format!(
                " LEFT JOIN message_{name}s {name} ON {name}.visitor_id = $1 \
                 AND {name}.conversation_id = m.conversation_id AND {name}.message_id = m.id"
            )
        };
        let messages = format!(
            "SELECT {}, m.conversation_id FROM unnest($2::uuid[], $3::uuid[]) AS n (conversation_id, id) \
             CROSS JOIN LATERAL (SELECT * FROM messages m WHERE m.visitor_id = $1::uuid \
             AND m.conversation_id = n.conversation_id AND m.id = n.id OFFSET 0) m{}{}{}",
            of_messages.list,
            part("request"),
            part("response"),
            part("output"),
        );
        Ok(Pages {
            begin: connection.prepare(
                "begin",
                "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            )?,
            commit: connection.prepare("commit", "COMMIT")?,
            find_visitor: connection.prepare(
                "find_visitor",
                "SELECT change_counter FROM visitors WHERE id = $1::uuid",
            )?,
            changed_heads: connection.prepare(
                "changed_heads",
                "SELECT id, latest_change, change_number FROM conversations \
                 WHERE visitor_id = $1::uuid AND latest_change > $2::bigint",
            )?,
            changed_messages: connection.prepare(
                "changed_messages",
                "SELECT m.id, n.conversation_id, m.change_number FROM unnest($2::uuid[]) \
                 AS n (conversation_id) CROSS JOIN LATERAL \
                 (SELECT id, change_number FROM messages WHERE visitor_id = $1::uuid \
                 AND conversation_id = n.conversation_id AND change_number > $3::bigint \
                 ORDER BY change_number, id LIMIT $4::bigint) m",
            )?,
            conversations: connection.prepare(
                "conversations",
                &format!(
                    "SELECT {} FROM conversations c WHERE visitor_id = $1::uuid \
                     AND id = ANY($2::uuid[])",
                    of_conversations.list
                ),
            )?,
            messages: connection.prepare("messages", &messages)?,
            // The column behind those that are laid out.
            conversation_of_message: of_messages.columns(),
            of_conversations,
            of_messages,
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
    conversations: Statement<'c>,
    messages: Statement<'c>,
    of_conversations: Layout,
    of_messages: Layout,
    conversation_of_message: usize,
}

type Id = [u8; 16];

/// Conversations that are asked at most at once for their changed messages, as the server does.
const CONVERSATIONS_AT_ONCE: usize = 32;
/// The number of PostgreSQL's type `uuid`.
const UUID: i32 = 2950;

impl PageFloor for Pages<'_> {
    fn write(&mut self, asked: Asked, out: &mut Vec<u8>) -> Result<()> {
        self.begin.run([])?;
        out.extend_from_slice(b"{\"conversations\":[");
        let rows = self.find_visitor.run([asked.visitor.as_bytes()])?;
        let visitor = rows.iter().next().context("the visitor is not there")?;
        let since = i64::try_from(asked.since)?;
        if visitor.integer(0) > since {
            let items = self.choose(asked, since)?;
            self.write_items(asked, &items, out)?;
        }
        out.push(b']');
        self.commit.run([])?;
        Ok(())
    }
}

/// What a page shows: conversations with their changed messages.
type Items = Vec<(Id, Vec<Id>)>;

impl Pages<'_> {
    fn choose(&self, asked: Asked, since: i64) -> Result<Items> {
        let visitor = asked.visitor.as_bytes().as_slice();
        let after = since.to_be_bytes();
        let rows = self.changed_heads.run([visitor, &after])?;
        let head = rows.iter().map(|row| Head {
            key: (),
            id: row.array(0),
            latest_change: row.integer(1),
            change_number: row.integer(2),
        });
        let mut heads: Vec<_> = head.collect();
        sort(&mut heads);

        let mut items = Vec::new();
        let mut room = Room(asked.limit);
        let mut at_once = 1;
        let mut rest = heads.as_slice();
        while !rest.is_empty() {
            let (batch, others) = rest.split_at(at_once.min(rest.len()));
            rest = others;
            at_once = CONVERSATIONS_AT_ONCE.min(at_once * 2);
            let ids: Vec<_> = batch.iter().map(|head| head.id).collect();
            let limit = i64::try_from(room.0 + 1)?.to_be_bytes();
            let ids = array(UUID, &ids)?;
            let rows = self.changed_messages.run([visitor, &ids, &after, &limit])?;
            let mut changed: HashMap<Id, Vec<Changed<()>>> = HashMap::new();
            for row in rows.iter() {
                let of_this = changed.entry(row.array(1)).or_default();
                of_this.push((row.integer(2), row.array(0), ()));
            }
            for head in batch {
                let mut messages = changed.remove(&head.id).unwrap_or_default();
                messages.sort_unstable();
                let taken = room.take(head.change_number > since, messages.len());
                let Some((taken, has_room)) = taken else {
                    return Ok(items);
                };
                let messages = messages.iter().take(taken).map(|(_, id, ())| *id);
                items.push((head.id, messages.collect()));
                if !has_room {
                    return Ok(items);
                }
            }
        }
        Ok(items)
    }

    fn write_items(&self, asked: Asked, items: &Items, out: &mut Vec<u8>) -> Result<()> {
        let visitor = asked.visitor.as_bytes().as_slice();
        let ids: Vec<_> = items.iter().map(|(id, _)| *id).collect();
        let rows = self.conversations.run([visitor, &array(UUID, &ids)?])?;
        let conversations: HashMap<Id, _> = rows.iter().map(|row| (row.array(0), row)).collect();

        let named = items
            .iter()
            .flat_map(|(id, messages)| messages.iter().map(|message| (*id, *message)));
        let (of, ids): (Vec<_>, Vec<_>) = named.unzip();
        let rows = self
            .messages
            .run([visitor, &array(UUID, &of)?, &array(UUID, &ids)?])?;
        let message =
            |row: super::libpq::RowOf<'_>| (row.array(self.conversation_of_message), row.array(0));
        let messages: HashMap<(Id, Id), _> = rows.iter().map(|row| (message(row), row)).collect();

        for (index, (id, of_this)) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let row = conversations.get(id).context("a conversation is gone")?;
            self.of_conversations.push(out, "{\"id\":", row)?;
            out.extend_from_slice(b",\"messages\":[");
            for (index, message) in of_this.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                let row = messages.get(&(*id, *message));
                let row = row.context("a message is gone")?;
                self.of_messages.push(out, "{\"message_id\":", row)?;
                out.push(b'}');
            }
            out.extend_from_slice(b"]}");
        }
        Ok(())
    }
}
