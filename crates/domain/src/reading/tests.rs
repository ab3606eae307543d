use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering as AtomicOrdering};

use uuid::Uuid;

use super::*;
use crate::conversation::Conversation;
use crate::feed::{ChangedConversation, ChangedMessage, ChangedMessages};
use crate::identity::{ConversationId, MessageId};
use crate::stored::{ConversationHistory, MessageHistory};

/// Conversations by number, each with its latest change, the bytes of its content and its living messages: by number,
/// with their moments and the bytes of their content.
#[derive(Default)]
struct Rows(BTreeMap<u128, (u64, usize, Vec<Row>)>);

type Row = (u128, Option<i64>, usize);

fn conversation(number: u128) -> ConversationKey {
    ConversationKey::from_uuid(Uuid::from_u128(number))
}

fn message(number: u128) -> MessageKey {
    MessageKey::from_uuid(Uuid::from_u128(number))
}

fn place(number: u128, timestamp: Option<i64>) -> MessagePlace {
    MessagePlace {
        timestamp: timestamp.and_then(|micros| Timestamp::from_micros(micros).ok()),
        key: message(number),
    }
}

impl FeedRows for Rows {
    type Error = Infallible;

    fn changed_heads(&mut self, wanted: &ChangedHeads) -> Result<Vec<ChangedHead>, Infallible> {
        let keys = self.0.keys().copied().collect::<Vec<_>>();
        let heads = keys
            .into_iter()
            .filter_map(|number| self.head(conversation(number)).ok()?);
        Ok(heads.filter(|head| wanted.has(head)).collect())
    }

    fn changed_messages(
        &mut self,
        _: &[ChangedMessages],
    ) -> Result<Vec<Vec<ChangedMessage>>, Infallible> {
        Ok(Vec::new())
    }

    fn read(
        &mut self,
        items: Vec<NamedConversation>,
    ) -> Result<Vec<ChangedConversation>, Infallible> {
        let read = items.into_iter().map(|named| ChangedConversation {
            conversation: StoredConversation {
                id: ConversationId::from_uuid(named.key.as_uuid()),
                history: ConversationHistory::default(),
                content: Some(Conversation::default()),
            },
            messages: named
                .messages
                .into_iter()
                .map(|key| StoredMessage {
                    id: MessageId::from_uuid(key.as_uuid()),
                    history: MessageHistory::default(),
                    content: None,
                    digest: None,
                })
                .collect(),
        });
        Ok(read.collect())
    }
}

impl ReadingRows for Rows {
    fn head(&mut self, key: ConversationKey) -> Result<Option<ChangedHead>, Infallible> {
        let found = self.0.get(&key.as_uuid().as_u128());
        Ok(found.map(|(latest_change, content_bytes, _)| ChangedHead {
            latest_change: *latest_change,
            key,
            change_number: 1,
            content_bytes: *content_bytes,
        }))
    }

    fn count_messages(&mut self, keys: &[ConversationKey]) -> Result<Vec<u64>, Infallible> {
        let counts = keys.iter().map(|key| {
            let (_, _, messages) = &self.0[&key.as_uuid().as_u128()];
            u64::try_from(messages.len()).unwrap()
        });
        Ok(counts.collect())
    }

    fn living_messages(&mut self, key: ConversationKey) -> Result<Vec<LivingMessage>, Infallible> {
        let (_, _, messages) = &self.0[&key.as_uuid().as_u128()];
        let living = messages
            .iter()
            .map(|(number, timestamp, content_bytes)| LivingMessage {
                place: place(*number, *timestamp),
                content_bytes: *content_bytes,
            });
        Ok(living.collect())
    }
}

fn everything() -> Admit {
    Arc::new(|_| true)
}

/// The pages of the list: its conversations with their counts of messages.
fn list(rows: &mut Rows, limit: usize, content_bytes: usize) -> Vec<Vec<(u128, u64)>> {
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let request = ListRequest {
            after,
            limit,
            content_bytes,
        };
        let Ok(read) = read_list(rows, &request, &everything(), 9);
        let ListRead::Page(page) = read else {
            panic!("not admitted");
        };
        let listed = page.conversations.iter();
        let listed = listed.map(|it| {
            let number = it.conversation.id.key().as_uuid().as_u128();
            (number, it.message_count)
        });
        pages.push(listed.collect());
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

/// The pages of a conversation.
fn read(
    rows: &mut Rows,
    order: MessageOrder,
    limit: usize,
    content_bytes: usize,
) -> Vec<Vec<u128>> {
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let request = ConversationRequest {
            key: conversation(1),
            order,
            after,
            limit,
            content_bytes,
        };
        let Ok(read) = read_conversation(rows, &request, &everything());
        let ConversationRead::Page(page) = read else {
            panic!("{read:?}");
        };
        let messages = page.messages.iter();
        pages.push(messages.map(|it| it.id.key().as_uuid().as_u128()).collect());
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

fn conversations() -> Rows {
    let message = |number| (number, None, 1);
    Rows(BTreeMap::from([
        (1, (5, 10, vec![message(1), message(2)])),
        (2, (7, 10, vec![])),
        (3, (6, 0, vec![])), // a tombstone
        (4, (2, 10, vec![message(1)])),
        (5, (5, 10, vec![])),
    ]))
}

#[test]
fn the_list_has_what_lives_and_what_changed_last_comes_first() {
    let all = [(2, 0), (5, 0), (1, 2), (4, 1)];
    assert_eq!(list(&mut conversations(), 10, 1_000), [all]);
    assert_eq!(list(&mut conversations(), 4, 1_000), [all]);
    assert_eq!(list(&mut conversations(), 3, 1_000), [&all[..3], &all[3..]]);
    assert_eq!(
        list(&mut conversations(), 1, 1_000),
        [[all[0]], [all[1]], [all[2]], [all[3]]]
    );
    assert_eq!(list(&mut Rows::default(), 1, 1), [[]]);
}

#[test]
fn a_page_ends_with_the_item_that_fills_it() {
    let all = [(2, 0), (5, 0), (1, 2), (4, 1)];
    assert_eq!(list(&mut conversations(), 10, 11), [&all[..2], &all[2..]]);
    assert_eq!(list(&mut conversations(), 10, 10).len(), 4);
    assert_eq!(list(&mut conversations(), 10, 0).len(), 4);
}

fn messages() -> Rows {
    let messages = vec![
        (4, Some(20), 10),
        (1, Some(30), 10),
        (3, Some(20), 10),
        (2, None, 10),
        (5, Some(-5), 10),
    ];
    Rows(BTreeMap::from([(1, (5, 10, messages))]))
}

#[test]
fn messages_come_in_the_order_of_time() {
    let oldest_first = [2, 5, 3, 4, 1];
    let newest_first = [1, 4, 3, 5, 2];
    for (order, all) in [
        (MessageOrder::OldestFirst, oldest_first),
        (MessageOrder::NewestFirst, newest_first),
    ] {
        assert_eq!(read(&mut messages(), order, 10, 1_000), [all]);
        assert_eq!(
            read(&mut messages(), order, 2, 1_000),
            [&all[..2], &all[2..4], &all[4..]]
        );
        assert_eq!(read(&mut messages(), order, 10, 25), [&all[..3], &all[3..]]);
    }
}

#[test]
fn what_is_dead_or_was_never_there_is_not_there() {
    for number in [3, 9] {
        let request = ConversationRequest {
            key: conversation(number),
            order: MessageOrder::OldestFirst,
            after: None,
            limit: 1,
            content_bytes: 1,
        };
        let Ok(read) = read_conversation(&mut conversations(), &request, &everything());
        assert_eq!(read, ConversationRead::NotThere);
    }
}

#[test]
fn a_page_that_is_not_admitted_is_not_read() {
    let asked = Arc::new(AtomicUsize::new(0));
    let refuse: Admit = {
        let asked = Arc::clone(&asked);
        Arc::new(move |bytes| {
            asked.store(bytes, AtomicOrdering::Relaxed);
            false
        })
    };
    let request = ListRequest {
        after: None,
        limit: 2,
        content_bytes: 1_000,
    };
    let Ok(read) = read_list(&mut conversations(), &request, &refuse, 9);
    assert_eq!(read, ListRead::NotAdmitted);
    assert_eq!(asked.load(AtomicOrdering::Relaxed), 20);

    let request = ConversationRequest {
        key: conversation(1),
        order: MessageOrder::OldestFirst,
        after: None,
        limit: 3,
        content_bytes: 1_000,
    };
    let Ok(read) = read_conversation(&mut messages(), &request, &refuse);
    assert_eq!(read, ConversationRead::NotAdmitted);
    assert_eq!(asked.load(AtomicOrdering::Relaxed), 40);
}
