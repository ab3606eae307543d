//! What a device is told in a turn, between the merge of its post and the changes that come of that.

use std::collections::HashMap;

use convosync_domain::change_set::{ConversationChange, Write};
use convosync_domain::feed::{ChangedConversation, ChangesPage, FeedPosition, LeftOut};
use convosync_domain::identity::ConversationKey;
use convosync_domain::merge::Merge;
use convosync_domain::stored::{StoredConversation, StoredMessage};

use super::outcomes::Outcomes;
use super::results::{Told, TurnStart};

/// What is to be told once the changes are known.
pub(super) struct ToTell {
    start: TurnStart,
    change_counter: u64,
    outcomes: Outcomes,
    /// The conversations of the post as they are after it, where the device has seen every change before it: then
    /// the page after the post can hold nothing but what the post changes.
    conversations: Option<HashMap<ConversationKey, StoredConversation>>,
}

impl ToTell {
    /// Of a post that is merged into the state of this change counter.
    pub(super) fn of(
        start: TurnStart,
        change_counter: u64,
        outcomes: Outcomes,
        merge: &Merge,
    ) -> Self {
        let is_up_to_date = start.since.position == Some(FeedPosition::drained_at(change_counter));
        let conversations = merge.named().map(|it| (it.id.key(), it.clone()));
        Self {
            start,
            change_counter,
            conversations: is_up_to_date.then(|| conversations.collect()),
            outcomes,
        }
    }

    /// What is told when these are the changes.
    pub(super) fn after(self, changes: &[ConversationChange]) -> Told {
        let change_number = match changes.is_empty() {
            true => self.change_counter,
            false => self.change_counter + 1,
        };
        let is_up_to_date = self.conversations.is_some();
        let left_out = self
            .outcomes
            .left_out(changes, change_number, is_up_to_date);
        let own_page = |conversations| own_page(conversations, changes, &left_out, &self.start);
        Told {
            page: self.conversations.and_then(own_page),
            lost: self.outcomes.lost(),
            undeleted: self.outcomes.undeleted(),
            not_taken: self.outcomes.not_taken,
            left_out,
        }
    }
}

/// The page of these changes, as a read of the store right after they are committed would bring it; `None` where it
/// would not hold all of them, or an erasure reaches messages that the post does not name.
fn own_page(
    mut conversations: HashMap<ConversationKey, StoredConversation>,
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
    for change in changes {
        let is_new = |key| !left_out.items.contains(&(change.key, key));
        let conversation = conversations.remove(&change.key)?;
        let mut messages = Vec::new();
        // A dead conversation brings no messages.
        if conversation.content.is_some() {
            let changed = change.messages.iter().map(Write::item);
            let new = changed.filter(|message| is_new(Some(message.id.key())));
            messages.extend(new.cloned());
            messages.sort_unstable_by_key(|message: &StoredMessage| message.id.key());
        }
        if !messages.is_empty() || (change.conversation.is_some() && is_new(None)) {
            page.push(ChangedConversation {
                conversation,
                messages,
            });
        }
    }
    page.sort_unstable_by_key(|changed| changed.conversation.id.key());
    let content_bytes = page.iter().map(content_bytes);
    let content_bytes = content_bytes.fold(0, usize::saturating_add);
    (content_bytes < start.page_bytes).then_some(ChangesPage {
        conversations: page,
        next: FeedPosition::drained_at(left_out.through),
        has_more: false,
        change_counter: left_out.through,
    })
}

fn content_bytes(changed: &ChangedConversation) -> usize {
    let messages = changed.messages.iter().map(StoredMessage::content_bytes);
    messages.fold(changed.conversation.content_bytes(), usize::saturating_add)
}
