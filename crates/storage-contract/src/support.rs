//! Short ways to name, to show and to wait.
#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the result of the test that uses this"
)]

use convosync_domain::feed::{ChangesPage, FeedPosition};
use convosync_domain::ports::NamedConversation;
use tokio::task::JoinHandle;

use crate::fixtures::{conversation_id, message_id};

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
        id: conversation_id(conversation),
        messages: messages.into_iter().map(message_id).collect(),
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
            .map(|it| mark(it.id.as_uuid().as_u128(), it.content.is_some()))
            .collect();
        let conversation = &changed.conversation;
        let number = conversation.id.as_uuid().as_u128();
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
        .map(|message| message.id.as_uuid().as_u128())
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
