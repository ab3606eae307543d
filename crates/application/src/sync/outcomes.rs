//! What became of the items of a post, for the device to learn.

use std::collections::{HashMap, HashSet};

use convosync_domain::change_set::ConversationChange;
use convosync_domain::feed::{ChangedConversation, LeftOut};
use convosync_domain::identity::{ConversationKey, MessageKey};
use convosync_domain::merge::{Merge, Outcome, conversation_outcome, message_outcome};
use convosync_domain::posted::PostedChange;
use convosync_domain::stored::{MessageHistory, StoredMessage};

use super::results::ItemsLost;
use super::submission::{MessageText, Submission, SubmittedConversation, SubmittedMessage};
use super::unchanged_messages::UnchangedMessages;

type Item = (ConversationKey, Option<MessageKey>);

/// What became of the items of a post.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    /// Those of which a value is not there, as they are.
    pub(super) not_taken: Vec<ChangedConversation>,
    /// Where each conversation stands in that list.
    places: HashMap<ConversationKey, usize>,
    not_taken_items: HashSet<Item>,
    as_sent: HashSet<Item>,
    /// The conversations that the post deletes, even if they live again by it.
    deleted: HashSet<ConversationKey>,
}

impl Outcomes {
    /// Compares what was posted with what is there after the merge. A message that is not known to be unchanged is
    /// read once more, since its values have gone into the merge.
    pub(super) fn of<T: MessageText>(
        submission: &Submission<T>,
        unchanged: &UnchangedMessages,
        merge: &Merge,
    ) -> Self {
        let mut outcomes = Self::default();
        for conversation in &submission.conversations {
            outcomes.judge(conversation, unchanged, merge);
        }
        outcomes
    }

    fn judge<T: MessageText>(
        &mut self,
        posted: &SubmittedConversation<T>,
        unchanged: &UnchangedMessages,
        merge: &Merge,
    ) {
        let key = posted.id.key();
        let Some(stored) = merge.conversation(key) else {
            return;
        };
        if matches!(posted.change, PostedChange::Deletion { .. }) {
            self.deleted.insert(key);
        }
        let outcome = conversation_outcome(&posted.change, stored);
        if self.note((key, None), outcome, posted.is_mended) {
            self.not_taken(key, merge);
        }
        for message in &posted.messages {
            if unchanged.contains(key, message) {
                continue;
            }
            // One that cannot be read was left out, which the device is told elsewhere.
            let Ok(reading) = message.text.read() else {
                continue;
            };
            let found = merge.message(key, message.id.key());
            let outcome = message_outcome(&reading.change, found, &stored.history);
            if self.note((key, Some(message.id.key())), outcome, reading.is_mended)
                && let Some(not_taken) = self.not_taken(key, merge)
                // A dead conversation stands for its messages.
                && not_taken.conversation.content.is_some()
            {
                let found = found.cloned();
                let shown = found.unwrap_or_else(|| covered_by_deletion(message));
                not_taken.messages.push(shown);
            }
        }
    }

    /// Notes what became of an item, and tells whether the device has to be sent it: it is not what was sent, and
    /// is not in the list yet.
    fn note(&mut self, item: Item, outcome: Outcome, is_mended: bool) -> bool {
        match outcome {
            Outcome::AsSent if !is_mended => {
                self.as_sent.insert(item);
                false
            }
            Outcome::AsSent | Outcome::Taken => false,
            Outcome::NotTaken => self.not_taken_items.insert(item),
        }
    }

    /// The conversation in the list of what was not taken.
    fn not_taken(
        &mut self,
        key: ConversationKey,
        merge: &Merge,
    ) -> Option<&mut ChangedConversation> {
        let place = *self.places.entry(key).or_insert(self.not_taken.len());
        if place == self.not_taken.len() {
            self.not_taken.push(ChangedConversation {
                conversation: merge.conversation(key)?.clone(),
                messages: Vec::new(),
            });
        }
        self.not_taken.get_mut(place)
    }

    /// How many items there are of which a value is not there.
    pub(super) fn lost(&self) -> ItemsLost {
        let all = self.not_taken_items.len();
        let messages = self.not_taken_items.iter();
        let messages = messages.filter(|(_, message)| message.is_some()).count();
        ItemsLost {
            conversations: all - messages,
            messages,
        }
    }

    /// The conversations that the post deletes and that live all the same.
    pub(super) fn undeleted(&self) -> Vec<ConversationKey> {
        let living = self.not_taken.iter().map(|changed| &changed.conversation);
        let living = living.filter(|conversation| conversation.content.is_some());
        let keys = living.map(|conversation| conversation.id.key());
        keys.filter(|key| self.deleted.contains(key)).collect()
    }

    /// What a page after these changes, which got this number, need not bring: what was not taken, as the device is
    /// sent it anyway, and what was written just as the device sent it. Of what was stored before, the device may hold
    /// fields that it did not send: others may have cleared them since it last pulled, or the deletion of its
    /// conversation in the same post. Of that, only what was created is left out.
    pub(super) fn left_out(
        &self,
        changes: &[ConversationChange],
        change_number: u64,
        is_up_to_date: bool,
    ) -> LeftOut {
        let written = changes.iter().flat_map(|change| {
            let is_known = is_up_to_date && !self.deleted.contains(&change.key);
            let itself = change.conversation.iter();
            let itself = itself.filter(move |write| is_known || write.is_insert());
            let messages = change.messages.iter();
            let messages = messages.filter(move |write| is_known || write.is_insert());
            let messages = messages.map(|write| (change.key, Some(write.item().id.key())));
            itself.map(|_| (change.key, None)).chain(messages)
        });
        let written_as_sent = written.filter(|item| self.as_sent.contains(item));
        let mut items: HashSet<_> = written_as_sent.collect();
        items.extend(&self.not_taken_items);
        LeftOut {
            items,
            through: change_number,
        }
    }
}

/// A message of which nothing is stored, as a deletion of its conversation covers it: its tombstone shows the moment
/// of that deletion.
fn covered_by_deletion<T>(message: &SubmittedMessage<T>) -> StoredMessage {
    StoredMessage {
        id: message.id.clone(),
        history: MessageHistory::default(),
        content: None,
        digest: None,
    }
}
