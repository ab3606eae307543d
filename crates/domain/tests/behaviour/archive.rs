//! The walk through everything of a visitor.

use std::convert::Infallible;

use convosync_domain::archive::{
    ArchiveRows, ArchivedConversation, ArchivedMessage, read_archive_page,
};
use convosync_domain::conversation::Conversation;
use convosync_domain::identity::{ConversationKey, MessageKey};
use convosync_domain::message::{Message, MessageFields};
use convosync_domain::stored::{
    ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
};

use crate::support::*;

const MIB: usize = 1 << 20;

struct Rows(Vec<ArchivedConversation>);

impl ArchiveRows for Rows {
    type Error = Infallible;

    fn conversations(
        &mut self,
        from: Option<ConversationKey>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, Infallible> {
        let later = self
            .0
            .iter()
            .filter(|it| Some(it.conversation.id.key()) >= from);
        let alone = later.map(|it| ArchivedConversation {
            messages: Vec::new(),
            ..it.clone()
        });
        Ok(alone.take(limit).collect())
    }

    fn messages(
        &mut self,
        conversation: ConversationKey,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<ArchivedMessage>, Infallible> {
        let all = self
            .0
            .iter()
            .filter(|it| it.conversation.id.key() == conversation);
        let later = all
            .flat_map(|it| &it.messages)
            .filter(|it| Some(it.message.id.key()) > after);
        Ok(later.take(limit).cloned().collect())
    }
}

/// A conversation whose title and messages have so many bytes.
fn conversation(number: u128, title: usize, messages: &[usize]) -> ArchivedConversation {
    let messages = (1..).zip(messages).map(|(number, bytes)| ArchivedMessage {
        message: StoredMessage {
            id: message_id(number),
            history: MessageHistory::default(),
            content: Some(Box::new(Message {
                fields: MessageFields {
                    img: Some("x".repeat(*bytes)),
                    ..MessageFields::default()
                },
                ..Message::default()
            })),
            digest: None,
        },
        change_number: 1,
    });
    ArchivedConversation {
        conversation: StoredConversation {
            id: conversation_id(number),
            history: ConversationHistory::default(),
            content: Some(Conversation {
                title: Some("x".repeat(title)),
                ..Conversation::default()
            }),
        },
        change_number: 1,
        messages: messages.collect(),
    }
}

/// How many messages each conversation brings, page by page.
fn pages(conversations: Vec<ArchivedConversation>, limit: usize) -> Vec<Vec<usize>> {
    let mut rows = Rows(conversations);
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = read_archive_page(&mut rows, after, limit).unwrap();
        let Some(last) = page.last() else {
            return pages;
        };
        after = Some(last.place());
        pages.push(page.iter().map(|it| it.messages.len()).collect());
    }
}

#[test]
fn a_page_ends_where_the_limit_says() {
    let both = || vec![conversation(1, 1, &[1; 11]), conversation(2, 1, &[1; 30])];
    assert_eq!(pages(both(), 100), [[11, 30]]);
    assert_eq!(
        pages(both(), 14),
        [vec![11, 1], vec![14], vec![14], vec![1]]
    );
    assert_eq!(pages(both(), 12), [vec![11], vec![11], vec![12], vec![7]]);
}

/// A few messages are read before anybody knows how long they are, and the fewer the less is known.
#[test]
fn a_page_is_short_in_bytes() {
    let short_then_long = [vec![1; 31], vec![5 * MIB; 10]].concat();
    let long = conversation(1, 1, &short_then_long);
    assert_eq!(pages(vec![long], 100), [[39], [1], [1]]);
    let mib = || conversation(1, 1, &[MIB; 20]);
    assert_eq!(pages(vec![mib()], 100), [[7], [7], [6]]);
    let next = conversation(2, 1, &[1; 3]);
    let both = [vec![7], vec![7], vec![6], vec![3]];
    assert_eq!(pages(vec![mib(), next], 100), both);
}

#[test]
fn a_conversation_that_is_long_itself_comes_with_its_messages() {
    let long = conversation(1, 5 * MIB, &[1; 10]);
    assert_eq!(pages(vec![long], 100), [[0], [10]]);
}
