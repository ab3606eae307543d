use std::cell::Cell;

use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::MockStoreArchive;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};
use mockall::predicate::eq;
use uuid::Uuid;

use super::*;
use crate::export_store::VisitorItems;

fn line(id: u128) -> ArchiveLine {
    ArchiveLine::Items(VisitorItems {
        visitor: ArchivedVisitor {
            id: VisitorId::from_uuid(Uuid::from_u128(id)),
            user_id: None,
            registered_at: Timestamp::from_micros(1).unwrap(),
            change_counter: 0,
            last_changed_at: None,
        },
        conversations: Vec::new(),
    })
}

fn tombstone(id: u128) -> VisitorTombstone {
    VisitorTombstone {
        id: VisitorId::from_uuid(Uuid::from_u128(id)),
        gone: VisitorGone::Erased,
        at: Timestamp::from_micros(5).unwrap(),
    }
}

fn store(restored: usize) -> MockStoreArchive {
    let mut store = MockStoreArchive::new();
    store
        .expect_adopt_digest_seed()
        .with(eq(7))
        .returning(|_| Ok(true));
    store
        .expect_restore()
        .times(restored)
        .returning(|_, _| Ok(Restoration::Stored));
    store
}

#[tokio::test]
async fn every_line_is_restored_and_told_of() {
    let lines = (1..=100).map(|id| Ok::<_, &str>(line(id)));
    let mut told = 0;
    let mut store = store(100);
    store.expect_renew_epoch().once().returning(|| Ok(()));
    let import = ImportStore::new(Arc::new(store), 16);
    import.run(7, lines, |_| told += 1).await.unwrap();
    assert_eq!(told, 100);
}

#[tokio::test]
async fn whoever_is_gone_stays_gone() {
    for (restoration, is_taken) in [
        (Restoration::Stored, true),
        (Restoration::OtherVisitor, false),
    ] {
        let mut store = store(1);
        store
            .expect_restore_tombstone()
            .with(eq(tombstone(2)))
            .once()
            .returning(move |_| Ok(restoration));
        store.expect_renew_epoch().returning(|| Ok(()));
        let lines = [
            Ok::<_, &str>(line(1)),
            Ok(ArchiveLine::Tombstone(tombstone(2))),
        ];
        let import = ImportStore::new(Arc::new(store), 1);
        let done = import.run(7, lines.into_iter(), |_| {}).await;
        assert_eq!(done.is_ok(), is_taken, "{done:?}");
    }
}

#[tokio::test]
async fn the_lines_before_a_bad_one_are_restored() {
    let lines = (1..=50).map(|id| if id == 41 { Err("bad") } else { Ok(line(id)) });
    let import = ImportStore::new(Arc::new(store(40)), 16);
    let done = import.run(7, lines, |_| {}).await;
    assert!(matches!(done, Err(ImportError::Line("bad"))));
}

#[tokio::test]
async fn a_visitor_with_another_life_ends_the_import() {
    let mut store = MockStoreArchive::new();
    store.expect_adopt_digest_seed().returning(|_| Ok(true));
    store
        .expect_restore()
        .returning(|_, _| Ok(Restoration::OtherVisitor));
    let import = ImportStore::new(Arc::new(store), 16);
    let done = import
        .run(7, [Ok::<_, &str>(line(9))].into_iter(), |_| {})
        .await;
    let Err(ImportError::OtherVisitor(id)) = done else {
        panic!("{done:?}");
    };
    assert_eq!(id, Uuid::from_u128(9));
}

#[tokio::test]
async fn a_store_with_visitors_of_its_own_is_left_alone() {
    let mut store = MockStoreArchive::new();
    store.expect_adopt_digest_seed().returning(|_| Ok(false));
    let import = ImportStore::new(Arc::new(store), 16);
    let done = import
        .run(7, [Ok::<_, &str>(line(9))].into_iter(), |_| {})
        .await;
    assert!(matches!(done, Err(ImportError::NotEmpty)));
}

#[tokio::test]
async fn no_more_lines_are_restored_at_once_than_the_store_takes() {
    let lines = (1..=9).map(|id| if id == 8 { Err("bad") } else { Ok(line(id)) });
    let mut told = Vec::new();
    let import = ImportStore::new(Arc::new(store(7)), 3);
    let read = Cell::new(0);
    let lines = lines.inspect(|_| read.set(read.get() + 1));
    let done = import.run(7, lines, |_| told.push(read.get())).await;
    assert!(matches!(done, Err(ImportError::Line("bad"))));
    assert_eq!(told, [3, 3, 3, 6, 6, 6, 8]);
}
