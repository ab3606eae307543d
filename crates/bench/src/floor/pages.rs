//! The floor of a page of changes: what any program must do that answers one. It reads the visitor's
//! conversations, the changed messages of those that changed and their rows, and writes them as JSON, in
//! the order of the server. It knows no HTTP, no cursors and no tombstones, and checks nothing.

use anyhow::Result;
use uuid::Uuid;

/// A device that has seen some of a visitor's changes asks for what comes next.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The visitor, as stores name it.
    pub visitor: Uuid,
    /// The change number that the device has seen.
    pub since: u64,
    /// How many changed conversations and messages it wants.
    pub limit: usize,
}

/// What writes pages straight from the rows of a store.
pub trait PageFloor {
    /// Writes the page after the number as `{"conversations":[…` up to the end of the array.
    fn write(&mut self, asked: Asked, out: &mut Vec<u8>) -> Result<()>;
}

/// A conversation that has changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<K> {
    /// What the store calls it.
    pub(super) key: K,
    pub(super) id: [u8; 16],
    pub(super) latest_change: i64,
    pub(super) change_number: i64,
}

/// A message that has changed, by what orders the messages of a conversation, and what the store calls it.
pub(super) type Changed<K> = (i64, [u8; 16], K);

/// Sorts conversations as a feed does: the oldest change first.
pub(super) fn sort<K>(heads: &mut [Head<K>]) {
    heads.sort_unstable_by_key(|head| (head.latest_change, head.id));
}

/// How much room is left on a page.
pub(super) struct Room(pub(super) usize);

impl Room {
    /// Makes room for a conversation, itself changed or not, and for its changed messages, those that come
    /// first. `None` when the page has no room for the conversation; whether it has some for more comes with
    /// how many messages it takes.
    pub(super) fn take(&mut self, is_itself_new: bool, messages: usize) -> Option<(usize, bool)> {
        if is_itself_new {
            self.0 = self.0.checked_sub(1)?;
        }
        let taken = messages.min(self.0);
        self.0 -= taken;
        Some((taken, taken == messages))
    }
}
