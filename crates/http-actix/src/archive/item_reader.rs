//! One item of a line, put together.

use convosync_application::sync::{MessageText as _, SubmittedConversation, SubmittedMessage};
use convosync_domain::archive::{ArchivedConversation, ArchivedMessage};
use convosync_domain::conversation::Conversation;
use convosync_domain::message::Message;
use convosync_domain::posted::PostedChange;
use convosync_domain::stored::{
    ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
};

use super::sync_object::{DigestText, Moment, Number, SyncConversation, SyncMessage};
use super::{LineError, first_of};
use crate::items::RawMessage;

/// Puts the two halves of an item together: what was in the shape of a post, and what beside it.
pub(super) struct ItemReader {
    /// Where the item's conversation is.
    pub(super) path: String,
    /// No item of the visitor has a higher number.
    pub(super) change_counter: u64,
}

impl ItemReader {
    pub(super) fn conversation(
        &self,
        posted: SubmittedConversation<RawMessage>,
        sync: SyncConversation,
    ) -> Result<ArchivedConversation, LineError> {
        let path = &self.path;
        if posted.messages.len() != sync.messages.len() {
            return Err(LineError(format!(
                "{path}.messages: must be as many as in sync"
            )));
        }
        let history = ConversationHistory {
            stamp: sync.stamp.map(Moment::into),
            future_stamp: sync.future_stamp.map(Moment::into),
            erased_through: sync.erased_through.map(Moment::into),
        };
        let patch = self.content(path, posted.change, history.is_dead())?;
        let messages = posted.messages.into_iter().zip(sync.messages);
        let messages = messages.enumerate().map(|(index, (posted, sync))| {
            self.message(
                &format!("{path}.messages[{index}]"),
                &posted,
                &sync,
                history,
            )
        });
        Ok(ArchivedConversation {
            messages: messages.collect::<Result<_, _>>()?,
            conversation: StoredConversation {
                id: posted.id,
                history,
                content: patch.map(Conversation::created_from),
            },
            change_number: self.change_number(path, sync.change_number)?,
        })
    }

    fn message(
        &self,
        path: &str,
        posted: &SubmittedMessage<RawMessage>,
        sync: &SyncMessage,
        conversation: ConversationHistory,
    ) -> Result<ArchivedMessage, LineError> {
        let history = MessageHistory {
            stamp: sync.stamp.map(Moment::into),
            own_stamp: sync.own_stamp.map(Moment::into),
            future_stamp: sync.future_stamp.map(Moment::into),
            deleted_at: sync.deleted_at.map(Moment::into),
        };
        let change = posted.text.read().map_err(first_of)?.change;
        let patch = self.content(path, change, history.is_dead_in(&conversation))?;
        Ok(ArchivedMessage {
            message: StoredMessage {
                id: posted.id.clone(),
                history,
                content: patch.map(|patch| Box::new(Message::created_from(patch))),
                digest: sync.digest.map(DigestText::into),
            },
            change_number: self.change_number(path, sync.change_number)?,
        })
    }

    /// The fields of an item; none of a dead one.
    fn content<P>(
        &self,
        path: &str,
        change: PostedChange<P>,
        is_dead: bool,
    ) -> Result<Option<P>, LineError> {
        match (change, is_dead) {
            (PostedChange::Fields { patch, .. }, false) => Ok(Some(patch)),
            (PostedChange::Deletion { .. }, true) => Ok(None),
            _ => Err(LineError(format!(
                "{path}.deleted_at: must be there where sync makes the item dead, and only there"
            ))),
        }
    }

    fn change_number(&self, path: &str, number: Number) -> Result<u64, LineError> {
        let number = number.into();
        if (1..=self.change_counter).contains(&number) {
            return Ok(number);
        }
        Err(LineError(format!(
            "{path}: change_number must be 1 to the visitor's change_counter"
        )))
    }
}
