use std::future::pending;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use convosync_domain::feed::{ChangedConversation, ChangesPage, FeedPosition, PageRead};
use convosync_domain::identity::{ConversationId, VisitorIdentity};
use convosync_domain::ports::{
    ChangeNotice, ChangeNotifier as _, MockChangeFeed, MockVisitorStore, Standing, StoreError,
    Visitor,
};
use convosync_domain::stored::{ConversationHistory, StoredConversation};
use convosync_domain::tombstone::VisitorGone;
use convosync_domain::usage::Usage;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::*;
use crate::access::OpenAccess;
use crate::byte_budget::ByteBudget;
use crate::cursor::Cursor;
use crate::pull_changes::PullSettings;

const EPOCH: Uuid = Uuid::from_u128(5);
const LONG: Duration = Duration::from_secs(600);

fn ada() -> AuthorizedVisitor {
    OpenAccess.believe(VisitorIdentity::registered("ada").unwrap())
}

fn cursor(since: u64) -> String {
    let position = FeedPosition {
        since,
        dead_left_out_through: None,
        last: None,
    };
    Cursor {
        epoch: EPOCH,
        position,
    }
    .encode(ada().id())
}

/// A visitor who stands somewhere, and whose every change is a conversation.
struct World {
    stands: Arc<Mutex<Standing>>,
    hub: Arc<ChangeHub>,
    follow: FollowChanges,
}

impl World {
    fn at(change_counter: u64) -> Self {
        let stands = Arc::new(Mutex::new(Standing::At(change_counter)));
        let standing = Arc::clone(&stands);
        let mut feed = MockChangeFeed::new();
        feed.expect_changes().returning(move |_, request, _| {
            let Standing::At(now) = *standing.lock().unwrap() else {
                return Err(StoreError::VisitorGone(VisitorGone::Erased));
            };
            let since = request.position.map_or(0, |position| position.since);
            let left = usize::try_from(now.saturating_sub(since)).unwrap();
            let told = left.min(request.limit);
            let next = since + u64::try_from(told).unwrap();
            Ok(Some(PageRead::Page(ChangesPage {
                conversations: vec![conversation(); told],
                next: FeedPosition {
                    since: next,
                    dead_left_out_through: None,
                    last: None,
                },
                has_more: told < left,
                change_counter: now,
            })))
        });
        let standing = Arc::clone(&stands);
        let mut visitors = MockVisitorStore::new();
        visitors.expect_find().returning(move |id| {
            let change_counter = match *standing.lock().unwrap() {
                Standing::At(change_counter) => change_counter,
                Standing::Gone => return Err(StoreError::VisitorGone(VisitorGone::Erased)),
            };
            Ok(Some(Visitor {
                id,
                change_counter,
                usage: Usage::default(),
            }))
        });
        let settings = PullSettings {
            page_bytes: 1_000,
            memory: ByteBudget::new(10_000),
        };
        let pull = PullChanges::new(Arc::new(feed), Arc::new(visitors), EPOCH, settings);
        let hub = Arc::new(ChangeHub::alone());
        Self {
            stands,
            follow: FollowChanges::new(pull, Arc::clone(&hub)),
            hub,
        }
    }

    /// Something is written, and told.
    fn moves_to(&self, standing: Standing) {
        *self.stands.lock().unwrap() = standing;
        self.hub.notify(ChangeNotice {
            visitor: ada().id(),
            standing,
        });
    }

    /// That happens after a while.
    async fn moves_later(&self, seconds: u64, standing: Standing) {
        sleep(Duration::from_secs(seconds)).await;
        self.moves_to(standing);
        pending::<()>().await;
    }

    async fn page(&self, since: u64) -> Result<(usize, String), PullError> {
        let end = pin!(sleep(Duration::from_secs(30)));
        let (visitor, since) = (ada(), cursor(since));
        let page = self.follow.wait_for_page(&visitor, Some(&since), 10, end);
        let pulled = page.await?;
        Ok((pulled.page.conversations.len(), pulled.cursor))
    }
}

fn conversation() -> ChangedConversation {
    ChangedConversation {
        conversation: StoredConversation {
            id: ConversationId::from_uuid(Uuid::from_u128(1)),
            history: ConversationHistory::default(),
            content: None,
        },
        messages: Vec::new(),
    }
}

/// What comes first, and after how many seconds.
async fn first<T>(waits: impl Future<Output = T>, meanwhile: impl Future<Output = ()>) -> (T, u64) {
    let began = Instant::now();
    let waits = pin!(waits);
    match timeout(LONG, select(waits, pin!(meanwhile))).await {
        Ok(Either::Left((came, _))) => (came, began.elapsed().as_secs()),
        _ => panic!("it waits for ever"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_not_empty_comes_at_once() {
    let world = World::at(3);
    let (page, after) = first(world.page(1), pending()).await;
    assert_eq!((page.unwrap(), after), ((2, cursor(3)), 0));
}

#[tokio::test(start_paused = true)]
async fn a_change_ends_the_wait_and_nothing_else_does() {
    let world = World::at(3);
    let others = async {
        for _ in 0..5 {
            sleep(Duration::from_secs(1)).await;
            let stranger = VisitorIdentity::registered("bob").unwrap();
            world.hub.notify(ChangeNotice {
                visitor: (&stranger).into(),
                standing: Standing::At(9),
            });
        }
        world.moves_later(2, Standing::At(4)).await;
    };
    let (page, after) = first(world.page(3), others).await;
    assert_eq!((page.unwrap(), after), ((1, cursor(4)), 7));
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_wait_the_empty_page_comes() {
    let world = World::at(3);
    let (page, after) = first(world.page(3), pending()).await;
    assert_eq!((page.unwrap(), after), ((0, cursor(3)), 30));
    assert!(world.hub.watched().watched().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_goes_ends_the_wait() {
    let world = World::at(3);
    let (page, after) = first(world.page(3), world.moves_later(5, Standing::Gone)).await;
    let Err(PullError::Store(StoreError::VisitorGone(VisitorGone::Erased))) = page else {
        panic!("{page:?}");
    };
    assert_eq!(after, 5);
}

#[tokio::test(start_paused = true)]
async fn a_counter_that_is_known_is_waited_for() {
    let world = World::at(3);
    for (known, expected) in [(2, (3, 0)), (3, (4, 7)), (4, (4, 30))] {
        let end = pin!(sleep(Duration::from_secs(30)));
        let (visitor, is_known) = (ada(), |counter| counter == known);
        let counter = world.follow.wait_for_counter(&visitor, None, is_known, end);
        let meanwhile = world.moves_later(7, Standing::At(4));
        let (counter, after) = first(counter, meanwhile).await;
        assert_eq!((counter.unwrap(), after), expected);
    }
}

/// Takes what there is to read; how many changes that were, page by page.
async fn take_all(follower: &mut Follower) -> Vec<usize> {
    let mut pages = Vec::new();
    while timeout(Duration::from_secs(1), follower.readable())
        .await
        .is_ok()
    {
        if let Some(pulled) = follower.read().await.unwrap() {
            follower.take(&pulled);
            pages.push(pulled.page.conversations.len());
        }
    }
    pages
}

#[tokio::test(start_paused = true)]
async fn a_follower_reads_page_by_page_and_then_what_changes() {
    let world = World::at(5);
    let mut follower = world.follow.follow(ada(), None, 2);
    assert_eq!(take_all(&mut follower).await, [2, 2, 1]);
    assert_eq!(take_all(&mut follower).await, [0; 0]);
    world.moves_to(Standing::At(6));
    world.moves_to(Standing::At(8));
    assert_eq!(take_all(&mut follower).await, [2, 1]);
    world.moves_to(Standing::Gone);
    follower.readable().await;
    assert!(follower.read().await.is_err());
    drop(follower);
    assert!(world.hub.watched().watched().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_first_page_comes_also_when_it_is_empty() {
    let world = World::at(3);
    let mut follower = world.follow.follow(ada(), Some(cursor(3)), 2);
    assert_eq!(take_all(&mut follower).await, [0]);
    // A notice of nothing new, as a poll may bring it after a lost one.
    world.moves_to(Standing::At(3));
    assert_eq!(take_all(&mut follower).await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_was_not_taken_comes_again() {
    let world = World::at(3);
    let mut follower = world.follow.follow(ada(), Some(cursor(1)), 10);
    let read = follower.read().await.unwrap().unwrap();
    world.moves_to(Standing::At(4));
    follower.readable().await;
    let again = follower.read().await.unwrap().unwrap();
    assert_eq!(
        (
            read.page.conversations.len(),
            again.page.conversations.len()
        ),
        (2, 3)
    );
    follower.take(&again);
    assert_eq!(take_all(&mut follower).await, [0; 0]);
}

/// What is written between the read and the wait for more is not waited past.
#[tokio::test(start_paused = true)]
async fn a_change_right_after_a_read_is_seen() {
    let world = World::at(3);
    let mut follower = world.follow.follow(ada(), Some(cursor(1)), 10);
    let read = follower.read().await.unwrap().unwrap();
    world.moves_to(Standing::At(4));
    follower.take(&read);
    assert_eq!(take_all(&mut follower).await, [1]);
}
