//! What is stored, brought into memory to be changed.

use std::collections::HashMap;

use convosync_domain::identity::{ConversationKey, MessageKey, VisitorId};
use convosync_domain::merge::StoredItems;
use convosync_domain::ports::{ConversationHead, NamedConversation, StoreError};

use super::SyncConversations;
use super::results::NoRoom;
use crate::byte_budget::Reservation;

impl SyncConversations {
    /// Reserves the memory for the stored conversations and those messages of theirs that may change, as often as
    /// they will be there.
    pub(super) fn reserve(
        &self,
        heads: &[ConversationHead],
        may_change: impl Fn(ConversationKey, MessageKey) -> bool + Copy,
        copies: usize,
    ) -> Result<Reservation, NoRoom> {
        let conversations = heads.iter().map(|head| head.conversation.content_bytes());
        let messages = heads.iter().flat_map(|head| {
            let key = head.conversation.id.key();
            let messages = head.messages.iter();
            let loaded = messages.filter(move |head| may_change(key, head.key));
            loaded.map(|head| head.content_bytes)
        });
        let bytes = conversations.chain(messages).fold(0, usize::saturating_add);
        let most = self.memory.bytes() / copies;
        if bytes > most {
            return Err(NoRoom::TooMuchStored { most });
        }
        let mut reservation = self.memory.reserve();
        match reservation.hold(bytes * copies) {
            true => Ok(reservation),
            false => Err(NoRoom::NoMemory),
        }
    }

    /// Loads the stored messages that may change, beside their conversations.
    pub(super) async fn load(
        &self,
        visitor: VisitorId,
        names: &[NamedConversation],
        may_change: impl Fn(ConversationKey, MessageKey) -> bool,
        heads: Vec<ConversationHead>,
    ) -> Result<Vec<StoredItems>, StoreError> {
        let wanted: Vec<_> = names
            .iter()
            .map(|named| NamedConversation {
                key: named.key,
                messages: named
                    .messages
                    .iter()
                    .copied()
                    .filter(|message| may_change(named.key, *message))
                    .collect(),
            })
            .filter(|named| !named.messages.is_empty())
            .collect();
        let mut messages: HashMap<_, HashMap<_, _>> = HashMap::new();
        if !wanted.is_empty() {
            for (conversation, message) in self.store.load(visitor, wanted).await? {
                messages
                    .entry(conversation)
                    .or_default()
                    .insert(message.id.key(), message);
            }
        }
        Ok(heads
            .into_iter()
            .map(|head| StoredItems {
                messages: messages
                    .remove(&head.conversation.id.key())
                    .unwrap_or_default(),
                conversation: head.conversation,
            })
            .collect())
    }
}
