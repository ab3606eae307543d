//! Which posted messages are the ones last applied, so that nothing can change.

use std::collections::{HashMap, HashSet};

use convosync_domain::identity::{ConversationKey, MessageKey};
use convosync_domain::ports::ConversationHead;
use convosync_domain::posted::PostedChange;

use super::submission::{Submission, SubmittedMessage};

/// The stored messages that a post names, told apart by whether it can change them.
pub(super) struct UnchangedMessages {
    /// Whether every text posted for a stored message is the text last applied whole.
    unchanged: HashMap<(ConversationKey, MessageKey), bool>,
}

impl UnchangedMessages {
    pub(super) fn of<T>(submission: &Submission<T>, heads: &[ConversationHead]) -> Self {
        // A deletion may erase a message before its text is posted again.
        let deleted: HashSet<_> = submission
            .conversations
            .iter()
            .filter(|posted| matches!(posted.change, PostedChange::Deletion { .. }))
            .map(|posted| posted.id.key())
            .collect();
        let digests: HashMap<_, _> = heads
            .iter()
            .flat_map(|head| {
                let conversation = head.conversation.id.key();
                head.messages
                    .iter()
                    .map(move |message| ((conversation, message.key), message.digest))
            })
            .collect();
        let mut unchanged: HashMap<_, _> = digests
            .iter()
            .map(|((conversation, message), digest)| {
                let may_be = digest.is_some() && !deleted.contains(conversation);
                ((*conversation, *message), may_be)
            })
            .collect();
        for conversation in &submission.conversations {
            for message in &conversation.messages {
                let key = (conversation.id.key(), message.id.key());
                if let Some(unchanged) = unchanged.get_mut(&key) {
                    *unchanged &= digests.get(&key) == Some(&Some(message.digest));
                }
            }
        }
        Self { unchanged }
    }

    /// Whether nothing can change by this message.
    pub(super) fn contains<T>(
        &self,
        conversation: ConversationKey,
        message: &SubmittedMessage<T>,
    ) -> bool {
        self.unchanged.get(&(conversation, message.id.key())) == Some(&true)
    }

    /// Whether the message is stored and may change.
    pub(super) fn may_change(&self, conversation: ConversationKey, message: MessageKey) -> bool {
        self.unchanged.get(&(conversation, message)) == Some(&false)
    }
}
