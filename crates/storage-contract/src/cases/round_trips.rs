//! What was written comes back equal, by every read.

use std::sync::Arc;

use convosync_domain::conversation::Conversation;
use convosync_domain::message::{
    Message, MessageFields, MessageOutput, MessageRequest, MessageResponse,
};
use convosync_domain::stored::{StoredConversation, StoredMessage};

use crate::Store;
use crate::fixtures::{conversation, extreme, full, insert, message, update, update_messages};
use crate::owner::Owner;

/// A conversation and a message hold every field and every part.
pub async fn full_items_come_back(store: Arc<dyn Store>) {
    assert_comes_back(&store, Some(full::conversation()), [full::message()]).await;
}

/// Nothing but ids.
pub async fn bare_items_come_back(store: Arc<dyn Store>) {
    assert_comes_back(&store, Some(Conversation::default()), [Message::default()]).await;
}

/// A part that was sent exists, even as `{}`, whichever parts there are beside it.
pub async fn parts_come_back_alone_and_empty(store: Arc<dyn Store>) {
    let contents = messages_of_all_shapes();
    assert_comes_back(&store, Some(Conversation::default()), contents).await;
}

/// Every extreme of every type in every field, and unknown fields of every name.
pub async fn extreme_values_come_back(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    for (number, variant) in (1..).zip(0..extreme::VARIANTS) {
        let conversation = StoredConversation {
            content: Some(extreme::conversation(variant)),
            ..conversation(number, 1)
        };
        let message = message_of(1, 1, extreme::message(variant));
        ada.commit([insert(conversation.clone(), [message.clone()])])
            .await;
        ada.assert_holds(&conversation, &[message]).await;
    }
}

/// A text of four million bytes.
pub async fn a_long_text_comes_back(store: Arc<dyn Store>) {
    let mut content = full::message();
    content.output = Some(MessageOutput {
        output_content_text: Some("long \u{1f600}\n".repeat(400_000)),
        ..MessageOutput::default()
    });
    assert_comes_back(&store, Some(full::conversation()), [content]).await;
}

/// An update replaces every field and every part by what the item has now: fields are cleared,
/// parts are added, emptied and, where the item was erased and posted again in one post, gone.
pub async fn an_update_replaces_the_item_whole(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let mut shapes = messages_of_all_shapes();
    shapes.extend([
        full::message(),
        Message::default(),
        extreme::message(0),
        full::message(),
    ]);
    let conversations = [
        full::conversation(),
        Conversation::default(),
        extreme::conversation(0),
    ];
    let neighbours = [message(1, 1), message(3, 1)];
    ada.commit([insert(
        conversation(1, 1),
        [message(1, 1), message(2, 1), message(3, 1)],
    )])
    .await;
    for (stamp, (content, shape)) in (2..).zip(conversations.into_iter().cycle().zip(shapes)) {
        let edited = StoredConversation {
            content: Some(content),
            ..conversation(1, stamp)
        };
        let message = message_of(2, stamp, shape);
        ada.commit([update(edited.clone(), [message.clone()])])
            .await;
        let [before, after] = neighbours.clone();
        ada.assert_holds(&edited, &[before, message, after]).await;
    }
}

/// A message changes without its conversation.
pub async fn an_update_of_a_message_leaves_its_conversation(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [message(1, 1)])])
        .await;
    ada.commit([update_messages(1, [message(1, 2)])]).await;
    ada.assert_holds(&conversation(1, 1), &[message(1, 2)])
        .await;
}

/// A message with each choice of parts, empty ones and full ones.
fn messages_of_all_shapes() -> Vec<Message> {
    let full = full::message();
    let mut shapes = Vec::new();
    for choice in 0_u8..8 {
        let [request, response, output] = [1, 2, 4].map(|bit| choice & bit != 0);
        shapes.push(Message {
            fields: MessageFields::default(),
            request: request.then(MessageRequest::default),
            response: response.then(MessageResponse::default),
            output: output.then(MessageOutput::default),
        });
        shapes.push(Message {
            fields: full.fields.clone(),
            request: full.request.clone().filter(|_| request),
            response: full.response.clone().filter(|_| response),
            output: full.output.clone().filter(|_| output),
        });
    }
    shapes
}

fn message_of(number: u128, stamp: i64, content: Message) -> StoredMessage {
    StoredMessage {
        content: Some(Box::new(content)),
        ..message(number, stamp)
    }
}

async fn assert_comes_back(
    store: &Arc<dyn Store>,
    content: Option<Conversation>,
    contents: impl IntoIterator<Item = Message>,
) {
    let ada = Owner::registered(store, "ada").await;
    let conversation = StoredConversation {
        content,
        ..conversation(1, 1)
    };
    let messages: Vec<_> = (1..)
        .zip(contents)
        .map(|(number, content)| message_of(number, 1, content))
        .collect();
    ada.commit([insert(conversation.clone(), messages.clone())])
        .await;
    ada.assert_holds(&conversation, &messages).await;
}
