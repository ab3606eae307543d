//! The texts of posted messages, read where they may change something.

use convosync_domain::identity::ConversationKey;
use convosync_domain::posted::{PostedContent, PostedConversation, PostedMessage};

use super::results::{RejectedMessage, VIOLATIONS_MAX};
use super::submission::{MessageText, Submission, SubmittedMessage};
use super::unchanged_messages::UnchangedMessages;

/// What has been read of a post.
pub(super) struct Reading<V> {
    pub(super) posted: Vec<PostedConversation>,
    pub(super) rejected: Vec<RejectedMessage<V>>,
}

/// Reads the texts of the messages that may change.
pub(super) fn read<T: MessageText>(
    submission: &Submission<T>,
    unchanged: &UnchangedMessages,
) -> Result<Reading<T::Violation>, Vec<T::Violation>> {
    let mut rejected = Vec::new();
    let mut violations = 0;
    let mut posted = Vec::with_capacity(submission.conversations.len());
    for conversation in &submission.conversations {
        let mut messages = Vec::with_capacity(conversation.messages.len());
        for message in &conversation.messages {
            match read_message(conversation.id.key(), message, unchanged) {
                Ok(message) => messages.push(message),
                Err(message) => {
                    violations += message.violations.len();
                    rejected.push(message);
                    if !submission.leaves_out_invalid && violations >= VIOLATIONS_MAX {
                        return Err(violations_of(rejected));
                    }
                }
            }
        }
        posted.push(PostedConversation {
            id: conversation.id.clone(),
            change: conversation.change.clone(),
            messages,
        });
    }
    if rejected.is_empty() || submission.leaves_out_invalid {
        Ok(Reading { posted, rejected })
    } else {
        Err(violations_of(rejected))
    }
}

fn read_message<T: MessageText>(
    conversation: ConversationKey,
    message: &SubmittedMessage<T>,
    unchanged: &UnchangedMessages,
) -> Result<PostedMessage, RejectedMessage<T::Violation>> {
    let id = message.id.clone();
    if unchanged.contains(conversation, message) {
        let content = PostedContent::AlreadyApplied;
        return Ok(PostedMessage { id, content });
    }
    match message.text.read() {
        Ok(reading) => {
            let content = PostedContent::Read {
                digest: Some(message.digest),
                change: Box::new(reading.change),
            };
            Ok(PostedMessage { id, content })
        }
        Err(violations) => Err(RejectedMessage { id, violations }),
    }
}

fn violations_of<V>(rejected: Vec<RejectedMessage<V>>) -> Vec<V> {
    let violations = rejected.into_iter().flat_map(|message| message.violations);
    violations.take(VIOLATIONS_MAX).collect()
}
