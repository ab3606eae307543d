use std::sync::Mutex;

use convosync_domain::archive::ArchivedMessage;
use convosync_domain::conversation::Conversation;
use convosync_domain::identity::{ConversationId, MessageId, VisitorIdentity};
use convosync_domain::message::{Message, MessageFields};
use convosync_domain::ports::{MockStoreArchive, MockVisitorStore, StoreError, Visitor};
use convosync_domain::stored::{
    ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::VisitorGone;
use convosync_domain::usage::Usage;
use uuid::Uuid;

use super::*;
use crate::access::OpenAccess;

/// More than a page takes.
const MEMORY: usize = 64 << 20;

fn ada() -> AuthorizedId {
    let ada = VisitorIdentity::registered("ada").unwrap();
    OpenAccess.believe(ada).at_rest()
}

fn message(number: u128, bytes: usize) -> ArchivedMessage {
    let fields = MessageFields {
        img: Some("x".repeat(bytes)),
        ..MessageFields::default()
    };
    ArchivedMessage {
        message: StoredMessage {
            id: MessageId::from_uuid(Uuid::from_u128(number)),
            history: MessageHistory::default(),
            content: Some(Box::new(Message {
                fields,
                request: None,
                response: None,
                output: None,
            })),
            digest: None,
        },
        change_number: 1,
    }
}

fn living(number: u128, messages: Vec<ArchivedMessage>) -> ArchivedConversation {
    ArchivedConversation {
        conversation: StoredConversation {
            id: ConversationId::from_uuid(Uuid::from_u128(number)),
            history: ConversationHistory::default(),
            content: Some(Conversation::default()),
        },
        change_number: 1,
        messages,
    }
}

/// A dead conversation, whose messages are dead.
fn dead(number: u128, messages: &[u128]) -> ArchivedConversation {
    let messages = messages.iter().map(|number| {
        let mut message = message(*number, 0);
        message.message.content = None;
        message
    });
    let mut archived = living(number, messages.collect());
    archived.conversation.content = None;
    archived.conversation.history.erased_through = Timestamp::from_micros(1).ok();
    archived
}

type Found = Result<bool, VisitorGone>;

/// An export of these pages by so much memory; the visitor is found so, one time after the other.
fn export(
    pages: Vec<Vec<ArchivedConversation>>,
    found: Vec<Found>,
    memory: &ByteBudget,
) -> ExportVisitor {
    let mut visitors = MockVisitorStore::new();
    let found = Mutex::new(found.into_iter());
    visitors.expect_find().returning(move |id| {
        let is_there = found.lock().unwrap().next().unwrap();
        let is_there = is_there.map_err(StoreError::VisitorGone)?;
        Ok(is_there.then_some(Visitor {
            id,
            change_counter: 1,
            usage: Usage::default(),
        }))
    });
    let mut archive = MockStoreArchive::new();
    archive.expect_items().returning(move |id, after, limit| {
        assert_eq!((id, limit), (ada().id(), PAGE_ITEMS));
        let read = after.map_or(0, |after| {
            let ends = |page: &Vec<ArchivedConversation>| page.last().unwrap().place() == after;
            pages.iter().position(ends).unwrap() + 1
        });
        Ok(pages.get(read).cloned().unwrap_or_default())
    });
    ExportVisitor::new(Arc::new(archive), Arc::new(visitors), memory.clone())
}

type Shown = Vec<(u128, Vec<u128>)>;

fn shown(line: &[ChangedConversation]) -> Shown {
    let shown = line.iter().map(|changed| {
        let messages = changed.messages.iter();
        let messages = messages.map(|message| message.id.key().as_uuid().as_u128());
        let key = changed.conversation.id.key();
        (key.as_uuid().as_u128(), messages.collect())
    });
    shown.collect()
}

/// The lines of an export, and how it ended.
async fn lines(export: &ExportVisitor) -> (Vec<Shown>, Result<(), VisitorError>) {
    let mut lines = Vec::new();
    let mut begun = match export.begin(ada()).await {
        Ok(begun) => begun,
        Err(error) => return (lines, Err(error)),
    };
    loop {
        match begun.next().await {
            Ok(Some(page)) => lines.extend(page.lines.iter().map(|line| shown(line))),
            Ok(None) => return (lines, Ok(())),
            Err(error) => return (lines, Err(error)),
        }
    }
}

#[tokio::test]
async fn everything_comes_page_by_page() {
    let memory = ByteBudget::new(MEMORY);
    let pages = vec![
        vec![
            living(1, vec![message(1, 1), message(2, 1)]),
            dead(2, &[1]),
            living(3, vec![message(1, 1)]),
        ],
        vec![living(3, vec![message(2, 1)]), living(4, vec![])],
        // Only the first piece of a dead conversation tells of it.
        vec![dead(5, &[1, 2])],
        vec![dead(5, &[3])],
    ];
    let (lines, done) = lines(&export(pages, vec![Ok(true), Ok(true)], &memory)).await;
    done.unwrap();
    let expected: [Shown; 3] = [
        vec![(1, vec![1, 2]), (2, vec![]), (3, vec![1])],
        vec![(3, vec![2]), (4, vec![])],
        vec![(5, vec![])],
    ];
    assert_eq!(lines, expected);
    assert_eq!(memory.left(), MEMORY);
}

#[tokio::test]
async fn a_line_ends_where_it_is_long() {
    let mebibyte = |number| message(number, LINE_BYTES);
    let pages = vec![vec![
        living(1, vec![message(1, 1)]),
        living(
            2,
            vec![mebibyte(1), message(2, 1), mebibyte(3), mebibyte(4)],
        ),
        living(3, vec![]),
    ]];
    let memory = ByteBudget::new(MEMORY);
    let (lines, _) = lines(&export(pages, vec![Ok(true), Ok(true)], &memory)).await;
    let expected: [Shown; 4] = [
        vec![(1, vec![1]), (2, vec![1])],
        vec![(2, vec![2, 3])],
        vec![(2, vec![4])],
        vec![(3, vec![])],
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn whoever_has_nothing_or_is_not_there() {
    let memory = ByteBudget::new(MEMORY);
    let (lines_of, done) = lines(&export(vec![], vec![Ok(true), Ok(true)], &memory)).await;
    assert!(lines_of.is_empty() && done.is_ok());
    let (_, done) = lines(&export(vec![], vec![Ok(false)], &memory)).await;
    assert!(matches!(done, Err(VisitorError::UnknownVisitor)));
    let (_, done) = lines(&export(vec![], vec![Err(VisitorGone::Erased)], &memory)).await;
    assert!(matches!(
        done,
        Err(VisitorError::Store(StoreError::VisitorGone(_)))
    ));
}

/// Of one who is gone a store reads nothing more, which is not the end of what there was.
#[tokio::test]
async fn an_export_whose_visitor_goes_is_not_whole() {
    let memory = ByteBudget::new(MEMORY);
    let pages = vec![vec![living(1, vec![])]];
    let found = vec![Ok(true), Err(VisitorGone::Erased)];
    let (lines, done) = lines(&export(pages, found, &memory)).await;
    assert_eq!(lines.len(), 1);
    assert!(matches!(done, Err(VisitorError::Store(_))));
}

#[tokio::test(start_paused = true)]
async fn an_export_begins_at_once_or_not_and_then_waits_for_memory() {
    let memory = ByteBudget::new(MEMORY);
    let pages = vec![vec![living(1, vec![])], vec![living(2, vec![])]];
    let found = vec![Ok(true), Ok(true), Ok(true)];
    let export = export(pages, found, &memory);
    let mut held = memory.reserve();
    assert!(held.hold(MEMORY));
    let refused = export.begin(ada()).await.map(drop);
    assert!(matches!(refused, Err(VisitorError::NoMemory)));

    assert!(held.hold(0));
    let mut begun = export.begin(ada()).await.unwrap();
    assert!(begun.next().await.unwrap().is_some());
    assert!(held.hold(MEMORY));
    let waits = tokio::spawn(async move {
        sleep(PAUSE * 3).await;
        drop(held);
    });
    assert!(begun.next().await.unwrap().is_some());
    waits.await.unwrap();

    let mut held = memory.reserve();
    assert!(held.hold(MEMORY));
    assert!(matches!(begun.next().await, Err(VisitorError::NoMemory)));
}

#[tokio::test]
async fn a_page_larger_than_the_memory_gets_all_of_it() {
    let memory = ByteBudget::new(1_000);
    let pages = vec![vec![living(1, vec![message(1, 5_000)])]];
    let export = export(pages, vec![Ok(true), Ok(true)], &memory);
    let mut begun = export.begin(ada()).await.unwrap();
    let page = begun.next().await.unwrap().unwrap();
    assert_eq!((page.lines.len(), memory.left()), (1, 0));
    drop(page);
    assert_eq!(memory.left(), 1_000);
}
