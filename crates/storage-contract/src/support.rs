//! Short ways to name, to show and to wait.
#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the result of the test that uses this"
)]

use convosync_domain::feed::{ChangesPage, FeedPosition};
use convosync_domain::identity::{ConversationId, MessageId};
use convosync_domain::ports::NamedConversation;
use tokio::task::JoinHandle;

use crate::fixtures::{conversation_id, message_id, number_of};

pub(crate) fn conversation_number(id: &ConversationId) -> u128 {
    number_of(id.key().as_uuid(), id.opaque())
}

pub(crate) fn message_number(id: &MessageId) -> u128 {
    number_of(id.key().as_uuid(), id.opaque())
}

/// The position of a device that has seen everything up to this change number.
pub(crate) fn since(change_number: u64) -> Option<FeedPosition> {
    Some(FeedPosition {
        since: change_number,
        dead_left_out_through: None,
        last: None,
    })
}

/// The conversation of this number and messages of it.
pub(crate) fn named(
    conversation: u128,
    messages: impl IntoIterator<Item = u128>,
) -> NamedConversation {
    NamedConversation {
        key: conversation_id(conversation).key(),
        messages: messages
            .into_iter()
            .map(|number| message_id(number).key())
            .collect(),
    }
}

/// A page as `conversation[messages]` by number, the dead in brackets, ` ...` where there is more.
pub(crate) fn shown(page: &ChangesPage) -> String {
    let mark = |number: u128, lives: bool| {
        if lives {
            number.to_string()
        } else {
            format!("({number})")
        }
    };
    let conversations = page.conversations.iter().map(|changed| {
        let messages = changed.messages.iter();
        let messages: Vec<_> = messages
            .map(|it| mark(message_number(&it.id), it.content.is_some()))
            .collect();
        let conversation = &changed.conversation;
        let number = conversation_number(&conversation.id);
        format!(
            "{}[{}]",
            mark(number, conversation.content.is_some()),
            messages.join(",")
        )
    });
    let more = page.has_more.then(|| "...".to_owned());
    conversations.chain(more).collect::<Vec<_>>().join(" ")
}

/// The numbers of the messages that pages show, in their order.
pub(crate) fn message_numbers(pages: &[ChangesPage]) -> Vec<u128> {
    let changed = pages.iter().flat_map(|page| &page.conversations);
    changed
        .flat_map(|changed| &changed.messages)
        .map(|message| message_number(&message.id))
        .collect()
}

/// Waits for tasks, and panics where one did.
pub(crate) async fn join<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::with_capacity(tasks.len());
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}
