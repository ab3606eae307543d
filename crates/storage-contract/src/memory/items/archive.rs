//! What one visitor has, to be carried elsewhere and back.

use std::collections::BTreeMap;

use convosync_domain::archive::{
    ArchivePlace, ArchiveRows, ArchivedConversation, ArchivedMessage, ArchivedVisitor,
    read_archive_page,
};
use convosync_domain::change_set::VisitorRegistration;
use convosync_domain::identity::{ConversationKey, MessageKey, VisitorId};
use convosync_domain::ports::StoreError;

use super::{Items, Numbered, Rows, StoredItems};

impl Items {
    pub(in crate::memory) fn of_new_visitor(registration: &VisitorRegistration) -> Self {
        Self::of_archived(&ArchivedVisitor::new(registration, 0))
    }

    pub(in crate::memory) fn of_archived(visitor: &ArchivedVisitor) -> Self {
        Self {
            user_id: visitor.user_id.clone(),
            registered_at: visitor.registered_at,
            change_counter: visitor.change_counter,
            last_changed_at: visitor.last_changed_at,
            conversations: BTreeMap::new(),
        }
    }

    pub(in crate::memory) fn archived(&self, id: VisitorId) -> ArchivedVisitor {
        ArchivedVisitor {
            id,
            user_id: self.user_id.clone(),
            registered_at: self.registered_at,
            change_counter: self.change_counter,
            last_changed_at: self.last_changed_at,
        }
    }

    pub(in crate::memory) fn archive_page(
        &self,
        after: Option<ArchivePlace>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, StoreError> {
        read_archive_page(&mut Rows(self), after, limit)
    }

    /// Puts what is not there yet beside what is.
    pub(in crate::memory) fn restore(&mut self, conversations: Vec<ArchivedConversation>) {
        for archived in conversations {
            let stored = self
                .conversations
                .entry(archived.conversation.id.key())
                .or_insert_with(|| StoredItems {
                    conversation: Numbered {
                        item: archived.conversation,
                        change_number: archived.change_number,
                    },
                    messages: BTreeMap::new(),
                });
            for archived in archived.messages {
                let message = stored.messages.entry(archived.message.id.key());
                message.or_insert(Numbered {
                    item: archived.message,
                    change_number: archived.change_number,
                });
            }
        }
    }
}

impl ArchiveRows for Rows<'_> {
    type Error = StoreError;

    fn conversations(
        &mut self,
        from: Option<ConversationKey>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, StoreError> {
        let later = self
            .0
            .conversations
            .iter()
            .filter(|(key, _)| Some(**key) >= from);
        let archived = later.map(|(_, stored)| ArchivedConversation {
            conversation: stored.conversation.item.clone(),
            change_number: stored.conversation.change_number,
            messages: Vec::new(),
        });
        Ok(archived.take(limit).collect())
    }

    fn messages(
        &mut self,
        conversation: ConversationKey,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<ArchivedMessage>, StoreError> {
        let stored = self.0.conversations.get(&conversation);
        let messages = stored.into_iter().flat_map(|stored| &stored.messages);
        let later = messages.filter(|(key, _)| Some(**key) > after);
        let archived = later.map(|(_, numbered)| ArchivedMessage {
            message: numbered.item.clone(),
            change_number: numbered.change_number,
        });
        Ok(archived.take(limit).collect())
    }
}
