use super::*;
use crate::access::OpenAccess;
use crate::byte_budget::ByteBudget;
use convosync_domain::conversation::Conversation;
use convosync_domain::feed::ChangedHead;
use convosync_domain::identity::{ConversationKey, MessageKey, VisitorIdentity};
use convosync_domain::ports::{MockConversationReader, MockVisitorStore, Visitor};
use convosync_domain::stored::StoredConversation;
use convosync_domain::usage::Usage;

const EPOCH: Uuid = Uuid::from_u128(5);
const MEMORY: usize = 10_000;

fn ada() -> AuthorizedVisitor {
    OpenAccess.believe(VisitorIdentity::registered("ada").unwrap())
}

fn id() -> ConversationId {
    ConversationId::parse("c").unwrap()
}

fn reading(reader: MockConversationReader) -> ReadConversations {
    with_visitors(reader, MockVisitorStore::new())
}

fn with_visitors(reader: MockConversationReader, visitors: MockVisitorStore) -> ReadConversations {
    let settings = PullSettings {
        page_bytes: 1_000,
        memory: ByteBudget::new(MEMORY),
    };
    ReadConversations::new(Arc::new(reader), Arc::new(visitors), EPOCH, settings)
}

/// Visitors who are all known, at this change counter.
fn known_at(change_counter: u64) -> MockVisitorStore {
    let mut visitors = MockVisitorStore::new();
    visitors.expect_find().returning(move |id| {
        Ok(Some(Visitor {
            id,
            change_counter,
            usage: Usage::default(),
        }))
    });
    visitors
}

fn list_place(latest_change: u64) -> ListPlace {
    ListPlace {
        latest_change,
        key: id().key(),
    }
}

fn list_cursor(latest_change: u64, epoch: Uuid) -> String {
    let place = list_place(latest_change);
    ListCursor { epoch, place }.encode(ada().id())
}

fn message_place() -> MessagePlace {
    MessagePlace {
        timestamp: None,
        key: MessageKey::from_uuid(Uuid::from_u128(3)),
    }
}

fn asked(order: MessageOrder, cursor: Option<String>) -> PageOfConversation {
    PageOfConversation {
        id: id(),
        order,
        cursor,
        limit: 7,
    }
}

fn conversation_page(next: Option<MessagePlace>) -> ConversationRead {
    ConversationRead::Page(Box::new(ConversationPage {
        conversation: StoredConversation {
            id: id(),
            history: Default::default(),
            content: Some(Conversation::default()),
        },
        latest_change: 2,
        messages: Vec::new(),
        next,
    }))
}

/// A reader whose list is empty at change 3, and ends at this place.
fn listing(after: Option<ListPlace>, limit: usize, next: Option<ListPlace>) -> ReadConversations {
    let mut reader = MockConversationReader::new();
    let expected = ListRequest {
        after,
        limit,
        content_bytes: 1_000,
    };
    reader
        .expect_list()
        .withf(move |visitor, request, _| (*visitor, *request) == (ada().id(), expected))
        .once()
        .returning(move |_, _, _| {
            Ok(Some(ListRead::Page(ListPage {
                conversations: Vec::new(),
                next,
                change_counter: 3,
            })))
        });
    reading(reader)
}

#[tokio::test]
async fn the_list_goes_on_where_its_last_page_ended() {
    let first = listing(None, 7, Some(list_place(2)));
    let first = first.list(&ada(), None, 7).await.unwrap();
    let cursor = first.next_cursor.unwrap();
    let last = listing(Some(list_place(2)), LIMIT_MAX, None);
    let last = last.list(&ada(), Some(&cursor), usize::MAX).await.unwrap();
    assert_eq!(last.next_cursor, None);
}

#[tokio::test]
async fn a_place_in_the_list_of_another_life_of_the_store_has_expired() {
    for cursor in [list_cursor(2, Uuid::nil()), list_cursor(4, EPOCH)] {
        let mut reader = MockConversationReader::new();
        reader.expect_list().returning(|_, _, _| {
            Ok(Some(ListRead::Page(ListPage {
                conversations: Vec::new(),
                next: None,
                change_counter: 3,
            })))
        });
        let read = with_visitors(reader, known_at(3));
        let error = read.list(&ada(), Some(&cursor), 7).await;
        assert!(matches!(error, Err(ReadError::CursorExpired)));
        let error = read.change_counter(&ada(), Some(&cursor)).await;
        assert!(matches!(error, Err(ReadError::CursorExpired)));
    }
    let read = with_visitors(MockConversationReader::new(), known_at(3));
    let cursor = list_cursor(3, EPOCH);
    let counter = read.change_counter(&ada(), Some(&cursor)).await;
    assert_eq!(counter.unwrap(), 3);
}

#[tokio::test]
async fn a_conversation_goes_on_where_its_last_page_ended_in_its_order() {
    for order in [MessageOrder::OldestFirst, MessageOrder::NewestFirst] {
        let page = |after, next| {
            let mut reader = MockConversationReader::new();
            let expected = ConversationRequest {
                key: id().key(),
                order,
                after,
                limit: 7,
                content_bytes: 1_000,
            };
            reader
                .expect_read()
                .withf(move |visitor, request, _| (*visitor, *request) == (ada().id(), expected))
                .once()
                .returning(move |_, _, _| Ok(Some(conversation_page(next))));
            reading(reader)
        };
        let first = page(None, Some(message_place()));
        let first = first.read(&ada(), &asked(order, None)).await.unwrap();
        let last = page(Some(message_place()), None);
        let last = last.read(&ada(), &asked(order, first.next_cursor)).await;
        assert_eq!(last.unwrap().next_cursor, None);
    }
}

/// The store may not be asked.
#[tokio::test]
async fn a_cursor_of_something_else_is_invalid() {
    let read = reading(MockConversationReader::new());
    let place = message_place();
    let newest = MessagesCursor { place }.encode(ada().id(), id().key(), MessageOrder::NewestFirst);
    let of_list = list_cursor(1, EPOCH);
    for cursor in ["", "x", &newest, &of_list] {
        let oldest_first = asked(MessageOrder::OldestFirst, Some(cursor.to_owned()));
        let error = read.read(&ada(), &oldest_first).await;
        assert!(matches!(error, Err(ReadError::InvalidCursor)), "{cursor}");
        let error = read.latest_change(&ada(), &oldest_first).await;
        assert!(matches!(error, Err(ReadError::InvalidCursor)), "{cursor}");
    }
    for cursor in ["", "x", &newest] {
        let error = read.list(&ada(), Some(cursor), 7).await;
        assert!(matches!(error, Err(ReadError::InvalidCursor)), "{cursor}");
        let error = read.change_counter(&ada(), Some(cursor)).await;
        assert!(matches!(error, Err(ReadError::InvalidCursor)), "{cursor}");
    }
}

#[tokio::test]
async fn an_unknown_visitor_is_told_before_a_cursor_that_has_expired() {
    let mut reader = MockConversationReader::new();
    reader.expect_list().returning(|_, _, _| Ok(None));
    reader.expect_read().returning(|_, _, _| Ok(None));
    reader.expect_head().returning(|_, _| Ok(None));
    let mut visitors = MockVisitorStore::new();
    visitors.expect_find().returning(|_| Ok(None));
    let read = with_visitors(reader, visitors);
    let cursor = list_cursor(2, Uuid::nil());
    let asked = asked(MessageOrder::OldestFirst, None);
    let errors = [
        read.list(&ada(), Some(&cursor), 7).await.err(),
        read.change_counter(&ada(), Some(&cursor)).await.err(),
        read.read(&ada(), &asked).await.err(),
        read.latest_change(&ada(), &asked).await.err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(ReadError::UnknownVisitor)));
    }
}

#[tokio::test]
async fn a_conversation_that_does_not_live_is_not_there() {
    let head = |content_bytes| ChangedHead {
        latest_change: 2,
        key: ConversationKey::from_uuid(Uuid::from_u128(1)),
        change_number: 2,
        content_bytes,
    };
    for (found, lives) in [(None, false), (Some(head(0)), false), (Some(head(1)), true)] {
        let mut reader = MockConversationReader::new();
        reader
            .expect_head()
            .withf(|visitor, key| (*visitor, *key) == (ada().id(), id().key()))
            .returning(move |_, _| Ok(Some(found)));
        let asked = asked(MessageOrder::OldestFirst, None);
        let latest_change = reading(reader).latest_change(&ada(), &asked).await;
        match lives {
            true => assert_eq!(latest_change.unwrap(), 2),
            false => assert!(matches!(latest_change, Err(ReadError::UnknownConversation))),
        }
    }
    let mut reader = MockConversationReader::new();
    reader
        .expect_read()
        .returning(|_, _, _| Ok(Some(ConversationRead::NotThere)));
    let asked = asked(MessageOrder::OldestFirst, None);
    let error = reading(reader).read(&ada(), &asked).await;
    assert!(matches!(error, Err(ReadError::UnknownConversation)));
}

#[tokio::test]
async fn a_page_holds_its_memory_as_long_as_it_is_there() {
    let mut reader = MockConversationReader::new();
    reader.expect_read().returning(|_, _, admit| {
        Ok(Some(match admit(4_000) {
            true => conversation_page(None),
            false => ConversationRead::NotAdmitted,
        }))
    });
    reader.expect_list().returning(|_, _, admit| {
        Ok(Some(match admit(2_000) {
            true => ListRead::Page(ListPage {
                conversations: Vec::new(),
                next: None,
                change_counter: 3,
            }),
            false => ListRead::NotAdmitted,
        }))
    });
    let read = reading(reader);
    let left = || read.settings.memory.left();
    let asked = asked(MessageOrder::OldestFirst, None);
    let page = read.read(&ada(), &asked).await.unwrap();
    assert_eq!(left(), MEMORY - 8_000);
    let refused = read.read(&ada(), &asked).await;
    assert!(matches!(refused, Err(ReadError::NoMemory)));
    let refused = read.list(&ada(), None, 7).await;
    assert!(matches!(refused, Err(ReadError::NoMemory)));
    drop(page);
    let list = read.list(&ada(), None, 7).await.unwrap();
    assert_eq!(left(), MEMORY - 4_000);
    drop(list);
    assert_eq!(left(), MEMORY);
}
