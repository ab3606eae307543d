//! What one visitor has, as somebody looks at it.

use convosync_domain::feed::{Admit, ChangedHead};
use convosync_domain::identity::{ConversationKey, VisitorId};
use convosync_domain::ports::{StoreError, VisitorSummary};
use convosync_domain::reading::{
    ConversationRead, ConversationRequest, ListRead, ListRequest, LivingMessage, MessagePlace,
    ReadingRows, read_conversation, read_list,
};
use convosync_domain::stored::StoredMessage;

use super::{Items, Rows, StoredItems};

impl Items {
    pub(in crate::memory) fn summary(&self, id: VisitorId) -> VisitorSummary {
        let messages = self.conversations.values().map(StoredItems::count_living);
        VisitorSummary {
            id,
            user_id: self.user_id.clone(),
            registered_at: self.registered_at,
            last_changed_at: self.last_changed_at,
            change_counter: self.change_counter,
            usage: self.usage(),
            messages: messages.sum(),
        }
    }

    pub(in crate::memory) fn list(
        &self,
        request: &ListRequest,
        admit: &Admit,
    ) -> Result<ListRead, StoreError> {
        read_list(&mut Rows(self), request, admit, self.change_counter)
    }

    pub(in crate::memory) fn read(
        &self,
        request: &ConversationRequest,
        admit: &Admit,
    ) -> Result<ConversationRead, StoreError> {
        read_conversation(&mut Rows(self), request, admit)
    }

    pub(in crate::memory) fn head(&self, conversation: ConversationKey) -> Option<ChangedHead> {
        self.conversations.get(&conversation).map(StoredItems::head)
    }
}

impl StoredItems {
    fn count_living(&self) -> u64 {
        u64::try_from(self.living_messages().count()).unwrap_or(u64::MAX)
    }
}

impl ReadingRows for Rows<'_> {
    fn head(&mut self, conversation: ConversationKey) -> Result<Option<ChangedHead>, StoreError> {
        Ok(self.0.head(conversation))
    }

    fn count_messages(
        &mut self,
        conversations: &[ConversationKey],
    ) -> Result<Vec<u64>, StoreError> {
        let counts = conversations.iter().map(|key| {
            let stored = self.0.conversations.get(key);
            stored.map_or(0, StoredItems::count_living)
        });
        Ok(counts.collect())
    }

    fn living_messages(
        &mut self,
        conversation: ConversationKey,
    ) -> Result<Vec<LivingMessage>, StoreError> {
        let stored = self.0.conversations.get(&conversation);
        let living = stored.into_iter().flat_map(StoredItems::living_messages);
        Ok(living.map(living_message).collect())
    }
}

fn living_message(message: &StoredMessage) -> LivingMessage {
    let content = message.content.as_ref();
    LivingMessage {
        place: MessagePlace {
            timestamp: content.and_then(|content| content.fields.timestamp),
            key: message.id.key(),
        },
        content_bytes: message.content_bytes(),
    }
}
