use std::convert::Infallible;

use convosync_domain::identity::ConversationId;
use convosync_domain::ports::MockStoreArchive;
use convosync_domain::stored::{ConversationHistory, StoredConversation};
use convosync_domain::timestamp::Timestamp;
use uuid::Uuid;

use super::*;

fn visitor(id: u128, change_counter: u64) -> ArchivedVisitor {
    ArchivedVisitor {
        id: VisitorId::from_uuid(Uuid::from_u128(id)),
        user_id: None,
        registered_at: Timestamp::from_micros(1).unwrap(),
        change_counter,
        last_changed_at: None,
    }
}

fn conversation(id: u128) -> ArchivedConversation {
    ArchivedConversation {
        conversation: StoredConversation {
            id: ConversationId::from_uuid(Uuid::from_u128(id)),
            history: ConversationHistory::default(),
            content: None,
        },
        change_number: 1,
        messages: Vec::new(),
    }
}

/// A store with these visitors, who have conversations 1 and 2 in a page each; when they are asked for
/// a second time from the first on, they are these.
fn store(visitors: Vec<ArchivedVisitor>, afterwards: Vec<ArchivedVisitor>) -> MockStoreArchive {
    let mut store = MockStoreArchive::new();
    store.expect_items().returning(|_, after, _| {
        let after = after.map_or(0, |place| place.conversation.as_uuid().as_u128());
        Ok((after < 2)
            .then(|| conversation(after + 1))
            .into_iter()
            .collect())
    });
    let mut passes = 0;
    store.expect_visitors().returning(move |after, limit| {
        assert_eq!(limit, PAGE_VISITORS);
        // One a page.
        let all = if passes < visitors.len() + 1 {
            &visitors
        } else {
            &afterwards
        };
        passes += 1;
        let next = all.iter().find(|it| Some(it.id) > after);
        Ok(next.cloned().into_iter().collect())
    });
    store
}

fn shown(line: &ArchiveLine) -> (u128, Vec<u128>) {
    let ids = line.conversations.iter();
    let ids = ids.map(|it| it.conversation.id.key().as_uuid().as_u128());
    (line.visitor.id.as_uuid().as_u128(), ids.collect())
}

async fn export(
    store: MockStoreArchive,
    progress: ExportProgress,
) -> (Result<u64, ExportError<Infallible>>, Vec<(u128, Vec<u128>)>) {
    let mut lines = Vec::new();
    let export = ExportStore::new(Arc::new(store));
    let done = export.run(progress, |line| {
        lines.push(shown(line));
        Ok(())
    });
    let done = done.await;
    (done, lines)
}

fn two() -> Vec<ArchivedVisitor> {
    vec![visitor(5, 2), visitor(9, 2)]
}

#[tokio::test]
async fn every_visitor_comes_page_by_page() {
    let (done, lines) = export(store(two(), two()), ExportProgress::default()).await;
    assert_eq!(done.unwrap(), 2);
    let expected = [(5, vec![1]), (5, vec![2]), (9, vec![1]), (9, vec![2])];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_visitor_without_items_has_a_line() {
    let mut store = MockStoreArchive::new();
    store.expect_items().returning(|_, _, _| Ok(Vec::new()));
    store.expect_visitors().returning(|after, _| {
        let found = after.is_none_or(|after| after < visitor(5, 0).id);
        Ok(found.then(|| visitor(5, 0)).into_iter().collect())
    });
    let (done, lines) = export(store, ExportProgress::default()).await;
    assert_eq!(done.unwrap(), 1);
    assert_eq!(lines, [(5, vec![])]);
}

#[tokio::test]
async fn an_export_goes_on_after_its_last_line() {
    let mut progress = ExportProgress::default();
    progress.add(&ArchiveLine {
        visitor: visitor(5, 2),
        conversations: vec![conversation(1)],
    });
    // The visitor who is done is not asked for again before the end.
    let mut store = MockStoreArchive::new();
    store.expect_items().returning(|_, after, _| {
        let after = after.map_or(0, |place| place.conversation.as_uuid().as_u128());
        Ok((after < 2)
            .then(|| conversation(after + 1))
            .into_iter()
            .collect())
    });
    store
        .expect_visitors()
        .returning(|after, _| Ok(two().into_iter().filter(|it| Some(it.id) > after).collect()));
    let (done, lines) = export(store, progress).await;
    assert_eq!(done.unwrap(), 2);
    assert_eq!(lines, [(5, vec![2]), (9, vec![1]), (9, vec![2])]);
}

#[tokio::test]
async fn whoever_changes_or_registers_meanwhile_is_noticed() {
    for afterwards in [
        vec![visitor(5, 3), visitor(9, 2)],
        vec![visitor(4, 0), visitor(5, 2), visitor(9, 2)],
        vec![visitor(5, 2)],
    ] {
        let (done, _) = export(store(two(), afterwards), ExportProgress::default()).await;
        assert!(matches!(done, Err(ExportError::Changed)), "{done:?}");
    }
}

#[tokio::test]
async fn a_line_that_cannot_be_written_ends_the_export() {
    let export = ExportStore::new(Arc::new(store(two(), two())));
    let done = export.run(ExportProgress::default(), |_| Err("full")).await;
    assert!(matches!(done, Err(ExportError::Line("full"))));
}
