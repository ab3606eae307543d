//! What is measured of this crate: the reading of a post without a server around it. For benchmarks,
//! behind the feature `bench`; nothing else should need it.

use std::sync::Arc;

use convosync_application::sync::MessageText as _;
use convosync_domain::posted::{PostedContent, PostedConversation, PostedMessage};

use crate::body::Body;
use crate::items::read_submission;
use crate::json::Leniency;
use crate::settings::Limits;

/// Reads a post to its end, as one whose messages are all new; `None` when it is invalid.
#[must_use]
pub fn read_post(body: Vec<u8>) -> Option<Vec<PostedConversation>> {
    let body = Body::new(body, Limits::default(), 0).ok()?;
    let submission = read_submission(&Arc::new(body), Leniency::FULL)
        .ok()?
        .submission;
    let conversations = submission.conversations.into_iter();
    conversations
        .map(|conversation| {
            let messages = conversation.messages.iter().map(|message| {
                let change = message.text.read().ok()?.change;
                Some(PostedMessage {
                    id: message.id.clone(),
                    content: PostedContent::Read {
                        digest: Some(message.digest),
                        change: Box::new(change),
                    },
                })
            });
            Some(PostedConversation {
                id: conversation.id,
                messages: messages.collect::<Option<_>>()?,
                change: conversation.change.clone(),
            })
        })
        .collect()
}

/// Reads a post as far as one must be read whose messages are all stored already, and tells how many
/// those are; `None` when it is invalid.
#[must_use]
pub fn skim_post(body: Vec<u8>) -> Option<usize> {
    let body = Body::new(body, Limits::default(), 0).ok()?;
    let submission = read_submission(&Arc::new(body), Leniency::FULL)
        .ok()?
        .submission;
    let messages = submission.conversations.iter();
    Some(
        messages
            .map(|conversation| conversation.messages.len())
            .sum(),
    )
}
