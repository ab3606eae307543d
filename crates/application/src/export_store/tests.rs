use std::convert::Infallible;

use convosync_domain::identity::ConversationId;
use convosync_domain::ports::MockStoreArchive;
use convosync_domain::stored::{ConversationHistory, StoredConversation};
use convosync_domain::timestamp::Timestamp;
use uuid::Uuid;

use super::*;

fn tombstone(id: u128, gone: VisitorGone) -> VisitorTombstone {
    VisitorTombstone {
        id: VisitorId::from_uuid(Uuid::from_u128(id)),
        gone,
        at: Timestamp::from_micros(5).unwrap(),
    }
}

/// A store that nobody has left.
fn nobody_gone() -> MockStoreArchive {
    let mut store = MockStoreArchive::new();
    store.expect_tombstones().returning(|_, _| Ok(Vec::new()));
    store
}

fn counts(visitors: u64, tombstones: u64) -> ArchiveCounts {
    ArchiveCounts {
        visitors,
        tombstones,
    }
}

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
    let mut store = nobody_gone();
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

/// Who is gone is shown with conversation 0.
fn shown(line: &ArchiveLine) -> (u128, Vec<u128>) {
    let ids = match line {
        ArchiveLine::Items(items) => {
            let ids = items.conversations.iter();
            ids.map(|it| it.conversation.id.key().as_uuid().as_u128())
                .collect()
        }
        ArchiveLine::Tombstone(_) => vec![0],
    };
    (line.visitor().as_uuid().as_u128(), ids)
}

async fn export(
    store: MockStoreArchive,
    progress: ExportProgress,
) -> (
    Result<ArchiveCounts, ExportError<Infallible>>,
    Vec<(u128, Vec<u128>)>,
) {
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
    assert_eq!(done.unwrap(), counts(2, 0));
    let expected = [(5, vec![1]), (5, vec![2]), (9, vec![1]), (9, vec![2])];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_visitor_without_items_has_a_line() {
    let mut store = nobody_gone();
    store.expect_items().returning(|_, _, _| Ok(Vec::new()));
    store.expect_visitors().returning(|after, _| {
        let found = after.is_none_or(|after| after < visitor(5, 0).id);
        Ok(found.then(|| visitor(5, 0)).into_iter().collect())
    });
    let (done, lines) = export(store, ExportProgress::default()).await;
    assert_eq!(done.unwrap(), counts(1, 0));
    assert_eq!(lines, [(5, vec![])]);
}

#[tokio::test]
async fn an_export_goes_on_after_its_last_line() {
    let mut progress = ExportProgress::default();
    progress.add(&ArchiveLine::Items(VisitorItems {
        visitor: visitor(5, 2),
        conversations: vec![conversation(1)],
    }));
    // The visitor who is done is not asked for again before the end.
    let mut store = nobody_gone();
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
    assert_eq!(done.unwrap(), counts(2, 0));
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

/// A store of nobody but these who are gone, one a page; asked for a second time from the first on, of those.
fn gone(tombstones: Vec<VisitorTombstone>, afterwards: Vec<VisitorTombstone>) -> MockStoreArchive {
    let mut store = MockStoreArchive::new();
    store.expect_visitors().returning(|_, _| Ok(Vec::new()));
    let mut is_over = false;
    store.expect_tombstones().returning(move |after, limit| {
        assert_eq!(limit, PAGE_TOMBSTONES);
        let all = if is_over { &afterwards } else { &tombstones };
        let next = all.iter().find(|it| Some(it.id) > after).copied();
        is_over |= next.is_none();
        Ok(next.into_iter().collect())
    });
    store
}

#[tokio::test]
async fn whoever_is_gone_comes_after_the_visitors() {
    let into = visitor(5, 0).id;
    let both = vec![
        tombstone(1, VisitorGone::Erased),
        tombstone(2, VisitorGone::Merged { into }),
    ];
    let (done, lines) = export(gone(both.clone(), both.clone()), ExportProgress::default()).await;
    assert_eq!(done.unwrap(), counts(0, 2));
    assert_eq!(lines, [(1, vec![0]), (2, vec![0])]);

    // It goes on after the last of them.
    let mut progress = ExportProgress::default();
    progress.add(&ArchiveLine::Tombstone(tombstone(1, VisitorGone::Erased)));
    let (done, lines) = export(gone(both.clone(), both), progress).await;
    assert_eq!(done.unwrap(), counts(0, 2));
    assert_eq!(lines, [(2, vec![0])]);
}

#[tokio::test]
async fn whoever_goes_meanwhile_is_noticed() {
    let into = visitor(5, 0).id;
    let erased = || tombstone(1, VisitorGone::Erased);
    for afterwards in [
        vec![],
        vec![tombstone(1, VisitorGone::Merged { into })],
        vec![erased(), tombstone(2, VisitorGone::Erased)],
    ] {
        let store = gone(vec![erased()], afterwards);
        let (done, _) = export(store, ExportProgress::default()).await;
        assert!(matches!(done, Err(ExportError::Changed)), "{done:?}");
    }
}

#[tokio::test]
async fn a_line_that_cannot_be_written_ends_the_export() {
    let export = ExportStore::new(Arc::new(store(two(), two())));
    let done = export.run(ExportProgress::default(), |_| Err("full")).await;
    assert!(matches!(done, Err(ExportError::Line("full"))));
}
