//! Stored conversations and messages, and what a post does to one of them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

use super::values::{PostedConversation, PostedFields, PostedMessage};

/// How far a stamp may lie ahead of the server's clock before it is from the future.
const SKEW_MICROS: i64 = 300 * 1_000_000;

/// A stored value.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// As a post brought it.
    Sent(Value),
    /// The moment of receipt, in microseconds, where nobody sent one.
    Received(i64),
}

/// The stored fields of a conversation, a message or a part, unknown ones included.
pub type Fields = BTreeMap<String, Field>;

/// A place in time, and whether it is a moment of receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970.
    pub micros: i64,
    /// Whether it stands for a moment from the future.
    pub is_receipt: bool,
}

/// A stored conversation, living or dead.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conversation {
    /// Its own fields; none while it is dead.
    pub fields: Fields,
    /// Its place in time.
    pub stamp: Option<i64>,
    /// The latest stamp, or deletion, from the future that was honoured.
    pub future_stamp: Option<i64>,
    /// The latest deletion that it has seen.
    pub erased_through: Option<Moment>,
    /// The number of the last post that changed it, its messages apart.
    pub change_number: u64,
    /// Its messages, the dead ones too.
    pub messages: BTreeMap<String, Message>,
}

/// A stored message, living or dead.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// Its own fields; none while it is dead.
    pub fields: Fields,
    /// The parts that exist, by name.
    pub parts: BTreeMap<&'static str, Fields>,
    /// Its place in time.
    pub stamp: Option<i64>,
    /// The latest `updated_at` of its own that it was posted with.
    pub own_stamp: Option<i64>,
    /// The latest stamp, or deletion, from the future that was honoured.
    pub future_stamp: Option<i64>,
    /// The latest deletion of its own that it has seen.
    pub deletion: Option<Moment>,
    /// The number of the last post that changed it.
    pub change_number: u64,
}

/// What a posted stamp, or a deletion's moment, counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    Nowhere,
    At(Moment),
    /// From the future and not honoured: older than what is stored.
    Older,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Newer,
    SameOrNone,
    Older,
}

/// The place of a posted stamp, and the future stamp to be remembered when it is used.
fn place(stamp: Option<i64>, remembered: Option<i64>, now: i64) -> (Placed, Option<i64>) {
    let Some(stamp) = stamp else {
        return (Placed::Nowhere, remembered);
    };
    // Whenever it equals the remembered one it counts as older, from the future or no longer.
    if remembered == Some(stamp) {
        return (Placed::Older, remembered);
    }
    if stamp <= now + SKEW_MICROS {
        let moment = Moment {
            micros: stamp,
            is_receipt: false,
        };
        return (Placed::At(moment), remembered);
    }
    // Later than every future stamp before: honoured once, as the moment of receipt.
    if remembered.is_none_or(|earlier| stamp > earlier) {
        let moment = Moment {
            micros: now,
            is_receipt: true,
        };
        return (Placed::At(moment), Some(stamp));
    }
    (Placed::Older, remembered)
}

/// Where a posted stamp stands to a stored one; any is newer than none stored.
fn relation(posted: Placed, stored: Option<i64>) -> Relation {
    match (posted, stored) {
        (Placed::Nowhere, _) => Relation::SameOrNone,
        (Placed::Older, _) => Relation::Older,
        (Placed::At(_), None) => Relation::Newer,
        (Placed::At(moment), Some(stored)) => match moment.micros.cmp(&stored) {
            Ordering::Greater => Relation::Newer,
            Ordering::Equal => Relation::SameOrNone,
            Ordering::Less => Relation::Older,
        },
    }
}

/// The fields of an item that is created, or lives again: what was sent with a value, and the
/// moment of receipt in the field named, if nobody sent that.
fn created(posted: &PostedFields, filled_in: Option<&str>, now: i64) -> Fields {
    let mut fields = Fields::new();
    if let Some(name) = filled_in {
        fields.insert(name.to_owned(), Field::Received(now));
    }
    merge(&mut fields, posted, Relation::SameOrNone);
    fields
}

/// The table of the merge rule, for an item that is stored.
fn merge(stored: &mut Fields, posted: &PostedFields, relation: Relation) {
    for (name, value) in posted {
        match relation {
            Relation::Newer if value.is_null() => {
                stored.remove(name);
            }
            Relation::SameOrNone if value.is_null() => {}
            Relation::Newer | Relation::SameOrNone => {
                stored.insert(name.clone(), Field::Sent(value.clone()));
            }
            Relation::Older => {}
        }
    }
}

/// Stamps, deletions and `erased_through` only ever rise.
fn raise(stored: &mut Option<i64>, posted: Placed) {
    if let Placed::At(moment) = posted {
        *stored = (*stored).max(Some(moment.micros));
    }
}

fn raise_deletion(stored: &mut Option<Moment>, deletion: Moment) {
    if stored.is_none_or(|earlier| deletion.micros > earlier.micros) {
        *stored = Some(deletion);
    }
}

impl Conversation {
    /// Dead while it has seen a deletion and its stamp is none or not newer.
    pub fn is_dead(&self) -> bool {
        self.erased_through
            .is_some_and(|erased| self.stamp.is_none_or(|stamp| stamp <= erased.micros))
    }

    /// Dead while the conversation is, by the conversation's deletion, or by its own.
    pub fn is_dead_here(&self, message: &Message) -> bool {
        let by_conversation = self
            .erased_through
            .is_some_and(|erased| message.stamp.is_none_or(|stamp| stamp <= erased.micros));
        self.is_dead() || by_conversation || message.is_deleted()
    }

    /// The conversation as it is without its messages and its change number.
    pub fn alone(&self) -> Self {
        Self {
            messages: BTreeMap::new(),
            change_number: 0,
            ..self.clone()
        }
    }

    /// First seen, and not deleted: created at any stamp.
    pub fn create(posted: &PostedConversation, now: i64) -> Self {
        let (placed, future_stamp) = place(posted.updated_at, None, now);
        let mut conversation = Self {
            fields: created(&posted.fields, Some("created_at"), now),
            future_stamp,
            ..Self::default()
        };
        raise(&mut conversation.stamp, placed);
        conversation
    }

    /// Stored before, and posted again without a deletion.
    pub fn update(&mut self, posted: &PostedConversation, now: i64) {
        let (placed, remembered) = place(posted.updated_at, self.future_stamp, now);
        self.future_stamp = remembered;
        if !self.is_dead() {
            let relation = relation(placed, self.stamp);
            merge(&mut self.fields, &posted.fields, relation);
            raise(&mut self.stamp, placed);
            return;
        }
        // A dead conversation's stamp rises only when it lives again; it then starts from what
        // this post carries.
        let mut alive = self.clone();
        raise(&mut alive.stamp, placed);
        if !alive.is_dead() {
            alive.fields = created(&posted.fields, Some("created_at"), now);
            *self = alive;
        }
    }

    /// A deletion, seen at any time in the conversation's life, or the first that is seen of it.
    pub fn delete(&mut self, posted: &PostedConversation, now: i64) {
        // Its moment is deleted_at, or the updated_at beside it where that is later.
        let moment = posted.deleted_at.max(posted.updated_at);
        // One from the future shares the memory; one that counts as older does nothing.
        let (Placed::At(deletion), remembered) = place(moment, self.future_stamp, now) else {
            return;
        };
        self.future_stamp = remembered;
        self.take_deletion(deletion);
    }

    /// A deletion by its URL: of now, or of the conversation's stamp where that is later, so that it dies.
    pub fn delete_now(&mut self, now: i64) {
        self.take_deletion(Moment {
            micros: self.stamp.map_or(now, |stamp| stamp.max(now)),
            is_receipt: true,
        });
    }

    fn take_deletion(&mut self, deletion: Moment) {
        let before = self.clone();
        raise_deletion(&mut self.erased_through, deletion);
        let after = self.clone();
        // What dies loses its content.
        if after.is_dead() {
            self.fields.clear();
        }
        for message in self.messages.values_mut() {
            if before.is_dead_here(message) || !after.is_dead_here(message) {
                continue;
            }
            message.lose_content();
            // A message that dies with its conversation forgets its stamp.
            if after.is_dead() {
                message.stamp = None;
            }
        }
    }

    /// A deletion of a message by its URL; `false` if there never was one. A dead conversation takes none.
    pub fn delete_message_now(&mut self, message_id: &str, now: i64) -> bool {
        let is_dead = self.is_dead();
        let Some(message) = self.messages.get_mut(message_id) else {
            return false;
        };
        if !is_dead {
            let latest = message.stamp.max(message.own_stamp);
            let deletion = Moment {
                micros: latest.map_or(now, |stamp| stamp.max(now)),
                is_receipt: true,
            };
            raise_deletion(&mut message.deletion, deletion);
            message.lose_content();
        }
        true
    }

    /// What is posted of a message into this conversation, after the conversation itself.
    /// Says whether the message was created.
    pub fn post_message(
        &mut self,
        posted: &PostedMessage,
        conversation_updated_at: Option<i64>,
        now: i64,
    ) -> bool {
        // Into a dead conversation nothing of a message is stored, not even a deletion.
        if self.is_dead() {
            return false;
        }
        let stored = self.messages.get(&posted.message_id);
        if posted.deleted_at.is_some() {
            let mut message = stored.cloned().unwrap_or_default();
            let is_new = stored.is_none();
            message.delete(posted, now);
            if self.is_dead_here(&message) {
                message.lose_content();
            }
            self.messages.insert(posted.message_id.clone(), message);
            return is_new;
        }

        // The stamp is the message's own, else that of the conversation it is posted in.
        let stamp = posted.updated_at.or(conversation_updated_at);
        let remembered = stored.and_then(|message| message.future_stamp);
        let (mut placed, remembered) = place(stamp, remembered, now);
        if let Some(erased) = self.erased_through {
            match placed {
                // Without a stamp, what is not stored or is dead gets the one just after the
                // conversation's deletion.
                Placed::Nowhere if stored.is_none_or(|stored| self.is_dead_here(stored)) => {
                    placed = Placed::At(Moment {
                        micros: erased.micros + 1,
                        is_receipt: false,
                    });
                }
                // With a stamp not newer than the conversation's deletion it is not stored.
                Placed::At(moment) if moment.micros <= erased.micros => return false,
                Placed::Nowhere | Placed::At(_) | Placed::Older => {}
            }
        }

        let Some(stored) = stored else {
            let mut message = Message {
                future_stamp: remembered,
                ..Message::default()
            };
            message.raise_stamps(posted, placed);
            message.start_from(posted, now);
            self.messages.insert(posted.message_id.clone(), message);
            return true;
        };

        let was_dead = self.is_dead_here(stored);
        // Without its own updated_at, and changing nothing even if it were newer: nothing.
        if posted.updated_at.is_none() && !stored.would_change(posted, was_dead) {
            return false;
        }
        let relation = relation(placed, stored.stamp);
        let mut message = stored.clone();
        message.future_stamp = remembered;
        message.raise_stamps(posted, placed);
        if !was_dead {
            message.merge(posted, relation);
        } else if !self.is_dead_here(&message) {
            message.start_from(posted, now);
        }
        self.messages.insert(posted.message_id.clone(), message);
        false
    }
}

impl Message {
    /// Whether its own deletion keeps it dead: the conversation's stamp does not help here.
    fn is_deleted(&self) -> bool {
        self.deletion
            .is_some_and(|deletion| self.own_stamp.is_none_or(|own| own <= deletion.micros))
    }

    fn lose_content(&mut self) {
        self.fields.clear();
        self.parts.clear();
    }

    /// A deletion of its own; fields beside it, `updated_at` included, are not stored.
    fn delete(&mut self, posted: &PostedMessage, now: i64) {
        let moment = posted.deleted_at.max(posted.updated_at);
        if let (Placed::At(deletion), remembered) = place(moment, self.future_stamp, now) {
            self.future_stamp = remembered;
            raise_deletion(&mut self.deletion, deletion);
        }
    }

    fn raise_stamps(&mut self, posted: &PostedMessage, placed: Placed) {
        raise(&mut self.stamp, placed);
        if posted.updated_at.is_some() {
            raise(&mut self.own_stamp, placed);
        }
    }

    /// Created, or living again: starts from what this post carries.
    fn start_from(&mut self, posted: &PostedMessage, now: i64) {
        self.fields = created(&posted.fields, Some("timestamp"), now);
        self.parts = posted
            .parts
            .iter()
            .map(|(name, part)| (*name, created(part, None, now)))
            .collect();
    }

    /// Parts follow their message's stamp; one not stored yet is created, at any stamp.
    fn merge(&mut self, posted: &PostedMessage, relation: Relation) {
        merge(&mut self.fields, &posted.fields, relation);
        for (name, part) in &posted.parts {
            match self.parts.get_mut(name) {
                Some(stored) => merge(stored, part, relation),
                None => {
                    self.parts.insert(name, created(part, None, 0));
                }
            }
        }
    }

    /// Whether a post without its own `updated_at` would change anything if it were newer.
    fn would_change(&self, posted: &PostedMessage, is_dead: bool) -> bool {
        if is_dead {
            // It would live again, unless its own deletion holds it.
            return !self.is_deleted();
        }
        let mut newer = self.clone();
        newer.merge(posted, Relation::Newer);
        newer != *self
    }
}
