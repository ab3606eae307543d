//! A device that edits offline and syncs by turns: what it keeps, what it posts, and how it applies an
//! answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::devices::{CONVERSATION_IDS, Change, DEVICES, EARLIEST, Edit, MESSAGE_IDS, Stamp};
use super::turns::Item;
use super::values::rfc3339;

/// 2099-01-01T00:00:00Z.
const FUTURE: i64 = 4_070_908_800_000_000;
const MINUTE: i64 = 60_000_000;

/// How many minutes the clock of each device runs ahead.
const AHEAD: [i64; DEVICES] = [0, 3, -4];

/// How a device writes what it has changed; each does it otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Every item that it has changed, with all its fields.
    WholeItems,
    /// The changed fields alone.
    ChangedFields,
    /// The conversations that it has changed something of, with all messages.
    WholeConversations,
}

const HABITS: [Habit; DEVICES] = [
    Habit::WholeItems,
    Habit::ChangedFields,
    Habit::WholeConversations,
];

type Fields = Map<String, Value>;

/// Conversations as a device has them, by id.
#[derive(Debug, Clone, Default, PartialEq)]
struct Conversations(BTreeMap<String, Conversation>);

#[derive(Debug, Clone, Default, PartialEq)]
struct Conversation {
    fields: Fields,
    messages: BTreeMap<String, Fields>,
}

/// An edit that the server has not acknowledged.
#[derive(Debug, Clone)]
struct Unacknowledged {
    number: u64,
    item: Item,
    /// Fields, or null for those that were cleared; none for a deletion.
    fields: Option<Fields>,
    /// The moment of a deletion.
    deleted_at: Option<String>,
}

/// A turn that has been sent.
#[derive(Debug, Clone)]
struct Sent {
    body: Value,
    /// The edits that are in it.
    through: u64,
    /// What was sent of each item: as it is on the device, or its deletion.
    items: Vec<(Item, Option<Fields>)>,
}

/// A device: what it knows the server to have, the edits that were made since, and its cursor.
#[derive(Debug, Clone)]
pub struct Device {
    number: usize,
    known: Conversations,
    edits: Vec<Unacknowledged>,
    edited: u64,
    cursor: Option<String>,
    has_more: bool,
    in_flight: Option<Sent>,
}

impl Device {
    /// A device that has nothing.
    pub fn new(number: usize) -> Self {
        Self {
            number,
            known: Conversations::default(),
            edits: Vec::new(),
            edited: 0,
            cursor: None,
            has_more: false,
            in_flight: None,
        }
    }

    /// Does what its user does, so many minutes after the first of all.
    pub fn edit(&mut self, edit: &Edit, minutes: i64) {
        let shown = self.shown();
        let id = CONVERSATION_IDS[edit.conversation].to_owned();
        let message_id = edit.message.map(|message| MESSAGE_IDS[message].to_owned());
        let item = (id.clone(), message_id.clone());
        // What is deleted is not shown any more, so nothing can be done with it.
        let is_deleted = |edit: &Unacknowledged| {
            edit.deleted_at.is_some() && (edit.item == item || edit.item == (id.clone(), None))
        };
        if self.edits.iter().any(is_deleted) {
            return;
        }
        let conversation = shown.0.get(&id);
        let held = match &message_id {
            Some(message_id) => conversation.and_then(|held| held.messages.get(message_id)),
            None => conversation.map(|held| &held.fields),
        };
        let clock = EARLIEST + (minutes + AHEAD[self.number]) * MINUTE;
        let moment = match edit.stamp {
            Stamp::Future => rfc3339(FUTURE + clock - EARLIEST),
            _ => rfc3339(clock),
        };
        let mut fields = Fields::new();
        match &edit.change {
            Change::Delete if held.is_none() => return,
            Change::Delete => {
                self.note(item, None, Some(moment));
                return;
            }
            Change::Set(values) => {
                let values = values.iter().cloned();
                fields.extend(values.map(|(name, value)| (name.to_owned(), value)));
            }
            Change::Clear(name) => {
                fields.insert((*name).to_owned(), Value::Null);
            }
        }
        let stamped = |mut fields: Fields, is_stamped: bool| {
            if is_stamped {
                fields.insert("updated_at".to_owned(), json!(moment));
            }
            fields
        };
        let is_stamped = edit.stamp != Stamp::None;
        let stamps_conversation_only = edit.stamp == Stamp::ClockOfConversation;
        if message_id.is_some() && (conversation.is_none() || stamps_conversation_only) {
            self.note((id, None), Some(stamped(Fields::new(), is_stamped)), None);
        }
        let is_itself_stamped = is_stamped && !(message_id.is_some() && stamps_conversation_only);
        self.note(item, Some(stamped(fields, is_itself_stamped)), None);
    }

    fn note(&mut self, item: Item, fields: Option<Fields>, deleted_at: Option<String>) {
        self.edited += 1;
        self.edits.push(Unacknowledged {
            number: self.edited,
            item,
            fields,
            deleted_at,
        });
    }

    /// What its user sees.
    fn shown(&self) -> Conversations {
        let mut shown = self.known.clone();
        for edit in &self.edits {
            match &edit.fields {
                Some(fields) => shown.apply(&edit.item, fields),
                None => shown.remove(&edit.item),
            }
        }
        shown
    }

    /// What its user sees, ordered by id: `{"conversations": [{.., "messages": [..]}]}`.
    pub fn state(&self) -> Value {
        let shown = self.shown().0.into_iter();
        let conversations = shown.map(|(id, conversation)| {
            let mut fields = conversation.fields;
            let messages = conversation.messages.into_iter();
            let messages = messages.map(|(id, fields)| with_id("message_id", &id, fields));
            fields.insert("messages".to_owned(), messages.collect());
            with_id("id", &id, fields)
        });
        json!({ "conversations": conversations.collect::<Vec<_>>() })
    }

    /// Whether it has nothing to post and nothing to wait for.
    pub fn is_settled(&self) -> bool {
        self.edits.is_empty() && self.in_flight.is_none() && !self.has_more && self.cursor.is_some()
    }

    /// The cursor of its next turn, empty at first.
    pub fn since(&self) -> &str {
        self.cursor.as_deref().unwrap_or_default()
    }

    /// The body of its next turn. A post whose answer got lost is repeated as it was.
    pub fn begin_turn(&mut self) -> Value {
        let sent = self.in_flight.take().unwrap_or_else(|| self.written());
        let body = sent.body.clone();
        self.in_flight = Some(sent);
        body
    }

    /// Applies the answer: what it does not name is as it was sent.
    pub fn end_turn(&mut self, answer: &Value) {
        let Some(sent) = self.in_flight.take() else {
            return;
        };
        let mut deleted = BTreeSet::new();
        for (item, fields) in sent.items {
            match fields {
                Some(fields) => self.known.put(&item, fields),
                // Given up only if the answer does not tell that it lives on.
                None => {
                    deleted.insert(item);
                }
            }
        }
        for brought in answer["conversations"].as_array().into_iter().flatten() {
            let item = (text(brought, "id"), None);
            deleted.remove(&item);
            if brought.get("deleted_at").is_some() {
                self.known.remove(&item);
                continue;
            }
            let mut fields = without_id("id", brought);
            fields.remove("messages");
            self.known.put(&item, fields);
            for message in brought["messages"].as_array().into_iter().flatten() {
                let item = (item.0.clone(), Some(text(message, "message_id")));
                deleted.remove(&item);
                match message.get("deleted_at") {
                    Some(_) => self.known.remove(&item),
                    None => self.known.put(&item, without_id("message_id", message)),
                }
            }
        }
        for item in &deleted {
            self.known.remove(item);
        }
        self.edits.retain(|edit| edit.number > sent.through);
        self.cursor = answer["cursor"].as_str().map(str::to_owned);
        self.has_more = answer["has_more"] == json!(true);
    }

    /// What it has to post, as its app writes it.
    fn written(&self) -> Sent {
        let shown = self.shown();
        let mut items = Vec::new();
        let mut written = Vec::new();
        let mut conversations: Vec<&String> = Vec::new();
        for edit in &self.edits {
            if !conversations.contains(&&edit.item.0) {
                conversations.push(&edit.item.0);
            }
        }
        for id in conversations {
            let item = (id.clone(), None);
            if let Some(deletion) = self.deletion(&item) {
                written.push(with_id("id", id, deletion));
                items.push((item, None));
                continue;
            }
            let nothing = Conversation::default();
            let held = shown.0.get(id).unwrap_or(&nothing);
            let mut object = Fields::new();
            if let Some(changed) = self.changed(&item) {
                object = self.fields_of(&held.fields, changed);
                items.push((item, Some(held.fields.clone())));
            }
            let messages = self.messages_of(id, held, &mut items);
            object.insert("messages".to_owned(), Value::Array(messages));
            written.push(with_id("id", id, object));
        }
        Sent {
            body: json!({ "conversations": written }),
            through: self.edited,
            items,
        }
    }

    fn messages_of(
        &self,
        id: &str,
        held: &Conversation,
        items: &mut Vec<(Item, Option<Fields>)>,
    ) -> Vec<Value> {
        let of_this = self.edits.iter().filter(|edit| edit.item.0 == id);
        let mut message_ids: BTreeSet<&String> =
            of_this.filter_map(|edit| edit.item.1.as_ref()).collect();
        if HABITS[self.number] == Habit::WholeConversations {
            message_ids.extend(held.messages.keys());
        }
        let written = message_ids.into_iter().map(|message_id| {
            let item = (id.to_owned(), Some(message_id.clone()));
            let object = if let Some(deletion) = self.deletion(&item) {
                items.push((item, None));
                deletion
            } else {
                let fields = held.messages.get(message_id).cloned().unwrap_or_default();
                let changed = self.changed(&item).unwrap_or_default();
                let object = self.fields_of(&fields, changed);
                items.push((item, Some(fields)));
                object
            };
            with_id("message_id", message_id, object)
        });
        written.collect()
    }

    /// What is posted of a deletion.
    fn deletion(&self, item: &Item) -> Option<Fields> {
        let mut edits = self.edits.iter().filter(|edit| edit.item == *item);
        let deleted_at = edits.find_map(|edit| edit.deleted_at.as_ref())?;
        let mut object = Fields::new();
        object.insert("deleted_at".to_owned(), json!(deleted_at));
        Some(object)
    }

    /// The fields of an item that were changed, in the values of the last edits.
    fn changed(&self, item: &Item) -> Option<Fields> {
        let edits = self.edits.iter().filter(|edit| edit.item == *item);
        let fields = edits.filter_map(|edit| edit.fields.as_ref());
        fields.fold(None, |changed: Option<Fields>, fields| {
            let mut changed = changed.unwrap_or_default();
            changed.extend(fields.clone());
            Some(changed)
        })
    }

    /// What is posted of the fields of an item: those that were cleared as null.
    fn fields_of(&self, held: &Fields, changed: Fields) -> Fields {
        match HABITS[self.number] {
            Habit::ChangedFields => changed,
            Habit::WholeItems | Habit::WholeConversations => {
                let mut all = held.clone();
                all.extend(changed);
                all
            }
        }
    }
}

impl Conversations {
    fn fields(&mut self, (id, message_id): &Item) -> &mut Fields {
        let conversation = self.0.entry(id.clone()).or_default();
        match message_id {
            None => &mut conversation.fields,
            Some(message_id) => conversation.messages.entry(message_id.clone()).or_default(),
        }
    }

    /// A value replaces, null clears.
    fn apply(&mut self, item: &Item, changed: &Fields) {
        let held = self.fields(item);
        for (name, value) in changed {
            match value {
                Value::Null => held.remove(name),
                _ => held.insert(name.clone(), value.clone()),
            };
        }
    }

    fn put(&mut self, item: &Item, fields: Fields) {
        *self.fields(item) = fields;
    }

    fn remove(&mut self, (id, message_id): &Item) {
        match message_id {
            None => {
                self.0.remove(id);
            }
            Some(message_id) => {
                if let Some(held) = self.0.get_mut(id) {
                    held.messages.remove(message_id);
                }
            }
        }
    }
}

fn with_id(name: &str, id: &str, mut fields: Fields) -> Value {
    fields.insert(name.to_owned(), json!(id));
    Value::Object(fields)
}

fn without_id(name: &str, object: &Value) -> Fields {
    let mut fields = object.as_object().cloned().unwrap_or_default();
    fields.remove(name);
    fields
}

fn text(object: &Value, name: &str) -> String {
    object[name].as_str().expect("an id").to_owned()
}
