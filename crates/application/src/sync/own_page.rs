//! The page of changes after a post, where it can hold nothing but what the post has changed.

use std::collections::HashMap;

use convosync_domain::change_set::ConversationChange;
use convosync_domain::feed::{ChangedConversation, ChangesPage, FeedPosition, LeftOut};
use convosync_domain::identity::ConversationKey;
use convosync_domain::merge::Merge;
use convosync_domain::stored::{StoredConversation, StoredMessage};

use super::results::TurnStart;

/// The conversations that a post names, around what changes in them.
pub(super) struct OwnPage {
    conversations: HashMap<ConversationKey, StoredConversation>,
}

impl OwnPage {
    /// The beginnings of the page; `None` where others have changed something that the device has not seen.
    pub(super) fn begin(
        start: &TurnStart,
        change_counter: u64,
        keys: impl Iterator<Item = ConversationKey>,
        merge: &Merge,
    ) -> Option<Self> {
        let is_up_to_date = start.since.position == Some(drained_at(change_counter));
        is_up_to_date.then(|| Self {
            conversations: keys
                .filter_map(|key| Some((key, merge.conversation(key)?.clone())))
                .collect(),
        })
    }

    /// The page of these changes, as a read of the store right after they are committed would bring it; `None` where
    /// it would not hold all of them, or an erasure reaches messages that the post does not name.
    pub(super) fn of(
        mut self,
        changes: &[ConversationChange],
        left_out: &LeftOut,
        start: &TurnStart,
    ) -> Option<ChangesPage> {
        let items = changes
            .iter()
            .map(|change| usize::from(change.conversation.is_some()) + change.messages.len());
        let has_erasure = changes.iter().any(|change| change.erasure.is_some());
        if has_erasure || items.sum::<usize>() > start.limit {
            return None;
        }
        let mut page = Vec::with_capacity(changes.len());
        let mut content_bytes = 0usize;
        for change in changes {
            let is_new = |key| !left_out.items.contains(&(change.key, key));
            let conversation = self.conversations.remove(&change.key)?;
            let items = change.messages.iter().map(|write| write.item());
            let mut messages: Vec<StoredMessage> = Vec::new();
            if conversation.content.is_some() {
                let changed = items.filter(|message| is_new(Some(message.id.key())));
                messages.extend(changed.cloned());
                messages.sort_unstable_by_key(|message| message.id.key());
            }
            let itself = change.conversation.is_some() && is_new(None);
            if itself || !messages.is_empty() {
                let bytes = messages.iter().map(StoredMessage::content_bytes);
                content_bytes = bytes.fold(
                    content_bytes.saturating_add(conversation.content_bytes()),
                    usize::saturating_add,
                );
                page.push(ChangedConversation {
                    conversation,
                    messages,
                });
            }
        }
        page.sort_unstable_by_key(|changed| changed.conversation.id.key());
        (content_bytes < start.page_bytes).then_some(ChangesPage {
            conversations: page,
            next: drained_at(left_out.through),
            has_more: false,
            change_counter: left_out.through,
        })
    }
}

fn drained_at(change_counter: u64) -> FeedPosition {
    FeedPosition {
        since: change_counter,
        dead_left_out_through: None,
        last: None,
    }
}
