use super::*;
use crate::access::OpenAccess;
use convosync_domain::identity::VisitorIdentity;
use convosync_domain::ports::{MockChangeFeed, MockVisitorStore, Visitor};
use convosync_domain::usage::Usage;
use mockall::predicate::eq;

const EPOCH: Uuid = Uuid::from_u128(5);

fn position(since: u64) -> FeedPosition {
    FeedPosition {
        since,
        dead_left_out_through: None,
        last: None,
    }
}

fn page(change_counter: u64) -> ChangesPage {
    ChangesPage {
        conversations: Vec::new(),
        next: position(change_counter),
        has_more: false,
        change_counter,
    }
}

fn asked(position: Option<FeedPosition>, limit: usize) -> PageRequest {
    PageRequest {
        position,
        limit,
        content_bytes: 1_000,
        left_out: Arc::default(),
    }
}

fn ada() -> AuthorizedVisitor {
    OpenAccess.believe(VisitorIdentity::registered("ada").unwrap())
}

fn cursor(since: u64, epoch: Uuid) -> String {
    let position = position(since);
    Cursor { epoch, position }.encode(ada().id())
}

fn pulling(feed: MockChangeFeed, visitors: MockVisitorStore) -> PullChanges {
    let settings = PullSettings {
        page_bytes: 1_000,
        memory: ByteBudget::new(10_000),
    };
    PullChanges::new(Arc::new(feed), Arc::new(visitors), EPOCH, settings)
}

/// Pulls of a visitor whose counter is 3, or of an unknown one, and tells both ways what is
/// wrong, which has to be the same.
async fn refusal(is_known: bool, since: &str) -> PullError {
    let mut feed = MockChangeFeed::new();
    feed.expect_changes()
        .returning(move |_, _, _| Ok(is_known.then(|| PageRead::Page(page(3)))));
    let mut visitors = MockVisitorStore::new();
    visitors.expect_find().returning(move |id| {
        Ok(is_known.then_some(Visitor {
            id,
            change_counter: 3,
            usage: Usage::default(),
        }))
    });
    let pull = pulling(feed, visitors);
    let refusal = pull.run(&ada(), Some(since), 1).await.unwrap_err();
    let of_counter = pull.change_counter(&ada(), Some(since)).await.unwrap_err();
    assert_eq!(refusal.to_string(), of_counter.to_string());
    refusal
}

#[tokio::test]
async fn pulls_on_from_the_cursor_it_gave() {
    let mut feed = MockChangeFeed::new();
    feed.expect_changes()
        .withf(|_, request, _| *request == asked(None, 500))
        .once()
        .returning(|_, _, _| Ok(Some(PageRead::Page(page(3)))));
    feed.expect_changes()
        .withf(|_, request, _| *request == asked(Some(position(3)), 1))
        .once()
        .returning(|_, _, _| Ok(Some(PageRead::Page(page(3)))));
    let pull = pulling(feed, MockVisitorStore::new());
    let first = pull.run(&ada(), None, 500).await.unwrap();
    let second = pull.run(&ada(), Some(&first.cursor), 0).await.unwrap();
    assert_eq!(first.cursor, second.cursor);
}

/// A feed whose pages have so much content.
fn feed_of(content_bytes: usize) -> MockChangeFeed {
    let mut feed = MockChangeFeed::new();
    feed.expect_changes().returning(move |_, _, admit| {
        Ok(Some(match admit(content_bytes) {
            true => PageRead::Page(page(3)),
            false => PageRead::NotAdmitted,
        }))
    });
    feed
}

#[tokio::test]
async fn pages_share_the_memory_until_they_are_dropped() {
    let pull = pulling(feed_of(3_000), MockVisitorStore::new());
    let memory = pull.settings.memory.clone();
    let first = pull.run(&ada(), None, 1).await.unwrap();
    assert_eq!(memory.left(), 4_000);
    let second = pull.run(&ada(), None, 1).await;
    assert!(matches!(second, Err(PullError::NoMemory)));
    assert_eq!(memory.left(), 4_000);
    drop(first);
    assert_eq!(memory.left(), 10_000);
    pull.run(&ada(), None, 1).await.unwrap();
}

#[tokio::test]
async fn a_page_larger_than_the_memory_comes_alone() {
    let pull = pulling(feed_of(50_000), MockVisitorStore::new());
    let alone = pull.run(&ada(), None, 1).await.unwrap();
    assert_eq!(pull.settings.memory.left(), 0);
    drop(alone);
    assert_eq!(pull.settings.memory.left(), 10_000);
}

#[tokio::test]
async fn the_counter_comes_without_a_page() {
    let mut visitors = MockVisitorStore::new();
    visitors
        .expect_find()
        .with(eq(ada().id()))
        .times(2)
        .returning(|id| {
            Ok(Some(Visitor {
                id,
                change_counter: 3,
                usage: Usage::default(),
            }))
        });
    let pull = pulling(MockChangeFeed::new(), visitors);
    for since in [None, Some(cursor(3, EPOCH))] {
        let counter = pull.change_counter(&ada(), since.as_deref()).await;
        assert_eq!(counter.unwrap(), 3);
    }
}

#[tokio::test]
async fn a_bad_cursor_is_told_before_the_store_is_asked() {
    let pull = pulling(MockChangeFeed::new(), MockVisitorStore::new());
    let error = pull.run(&ada(), Some("x"), 1).await;
    assert!(matches!(error, Err(PullError::InvalidCursor)));
    let error = pull.change_counter(&ada(), Some("x")).await;
    assert!(matches!(error, Err(PullError::InvalidCursor)));
}

#[tokio::test]
async fn an_unknown_visitor_is_told_before_an_expired_cursor() {
    let error = refusal(false, &cursor(1, Uuid::nil())).await;
    assert!(matches!(error, PullError::UnknownVisitor));
}

#[tokio::test]
async fn a_cursor_of_another_epoch_or_from_the_future_has_expired() {
    for (since, epoch) in [(1, Uuid::nil()), (4, EPOCH)] {
        let error = refusal(true, &cursor(since, epoch)).await;
        assert!(matches!(error, PullError::CursorExpired));
    }
}
