//! What is erased with a visitor is in none of the files of an SQLite store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its result"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tempfile::TempDir;

use convosync_domain::change_set::{ConversationChange, Erasure, Write};
use convosync_domain::conversation::Conversation;
use convosync_domain::identity::VisitorId;
use convosync_domain::json::JsonValue;
use convosync_domain::ports::{
    ConversationList, MergeStore, MergedVisitor, SyncStore, VisitorStore,
};
use convosync_domain::stored::{StoredConversation, StoredMessage};
use convosync_storage_contract::fixtures;
use convosync_storage_diesel::sqlite::{SqliteOptions, SqliteStore};

const MARKER: &str = "what-nobody-is-to-find";
const OTHERS: &str = "what-another-visitor-has";

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("convosync.db")
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("convosync.db-wal")
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(SqliteOptions::at(self.path())).unwrap()
    }

    /// How often a text stands in the files of the store.
    fn count(&self, text: &str) -> usize {
        let files = fs::read_dir(self.0.path()).unwrap();
        files
            .map(|file| count_in(&file.unwrap().path(), text))
            .sum()
    }
}

fn count_in(file: &Path, text: &str) -> usize {
    let bytes = fs::read(file).unwrap();
    let windows = bytes.windows(text.len());
    windows.filter(|window| *window == text.as_bytes()).count()
}

/// A conversation whose title has the text.
fn conversation(number: u128, stamp: i64, text: &str) -> StoredConversation {
    let mut conversation = fixtures::conversation(number, stamp);
    conversation.content = Some(Conversation {
        title: Some(format!("{text} {number}")),
        ..conversation.content.unwrap()
    });
    conversation
}

/// A message with the text, so often, in a column of its own, in each of its parts and as JSON.
fn message(number: u128, stamp: i64, text: &str, times: usize) -> StoredMessage {
    let mut message = fixtures::message(number, stamp);
    let text = format!("{text} ").repeat(times);
    let content = message.content.as_mut().unwrap();
    content.fields.img = Some(text.clone());
    content.fields.metadata = JsonValue::parse(&format!("\"{text}\"")).ok();
    content.request.as_mut().unwrap().request_messages_content = Some(text.clone());
    content.response.as_mut().unwrap().instructions = Some(text.clone());
    content.output.as_mut().unwrap().output_content_text = Some(text);
    message
}

async fn register(store: &SqliteStore, name: &str) -> VisitorId {
    store.register(fixtures::registration(name)).await.unwrap();
    fixtures::visitor_id(name)
}

async fn commit(store: &SqliteStore, visitor: VisitorId, change: ConversationChange) {
    let counter = store.find(visitor).await.unwrap().unwrap().change_counter;
    let changes = fixtures::change_set(counter, [change]);
    store.commit(visitor, changes).await.unwrap();
}

const LENGTHS: [usize; 8] = [1, 2, 5, 13, 40, 90, 300, 3_000];
const CONVERSATIONS: usize = 24;

/// Gives two visitors texts of all lengths, in turns, so that they share pages.
async fn fill(store: &SqliteStore) -> (VisitorId, VisitorId) {
    let (gone, other) = (
        register(store, "gone").await,
        register(store, "other").await,
    );
    for number in 0..CONVERSATIONS {
        for (visitor, text) in [(gone, MARKER), (other, OTHERS), (other, OTHERS)] {
            let messages = (0_u128..).zip(LENGTHS.iter().cycle().skip(number).take(5));
            let messages = messages.map(|(id, times)| message(id, 1, text, *times));
            let known = store.living_ids(visitor).await.unwrap().unwrap().ids.len();
            let number = u128::try_from(known).unwrap();
            let change = fixtures::insert(conversation(number, 1, text), messages);
            commit(store, visitor, change).await;
        }
    }
    (gone, other)
}

/// Edits texts of both to other lengths, and deletes some.
async fn edit(store: &SqliteStore, visitors: (VisitorId, VisitorId)) {
    let visitors = [(visitors.0, MARKER), (visitors.1, OTHERS)];
    for number in (0..CONVERSATIONS).step_by(3) {
        for (visitor, text) in visitors {
            let times = LENGTHS[(number + 3) % LENGTHS.len()];
            let edits = [
                message(0, 2, text, times),
                message(3, 2, text, 1),
                fixtures::dead_message(4, 2, 2),
            ];
            let number = u128::try_from(number).unwrap();
            commit(store, visitor, fixtures::update_messages(number, edits)).await;
            let dies = fixtures::dead_conversation(number + 1, 2);
            commit(store, visitor, fixtures::erase(dies, Erasure::Everything)).await;
        }
    }
}

#[tokio::test]
async fn nothing_of_an_erased_visitor_is_left() {
    let files = Files::new();
    let store = files.open();
    let (gone, other) = fill(&store).await;
    assert!(files.count(MARKER) > 1_000);
    assert!(store.erase(gone, fixtures::at(50)).await.unwrap());
    assert_eq!(files.count(MARKER), 0);
    assert!(files.count(OTHERS) > 1_000);
    assert_eq!(fs::metadata(files.log()).unwrap().len(), 0);
    // The other goes on in the same file.
    let change = fixtures::insert(conversation(99, 9, OTHERS), []);
    commit(&store, other, change).await;
    store.close();
    assert_eq!(files.count(MARKER), 0);
}

#[tokio::test]
async fn nothing_of_a_merged_visitor_is_left_but_what_the_other_has() {
    let files = Files::new();
    let store = files.open();
    let (gone, other) = fill(&store).await;
    let counter = |visitor| {
        let found = store.find(visitor);
        async { found.await.unwrap().unwrap().change_counter }
    };
    let taken = message(9, 9, "what-is-taken-along", 1);
    let change = fixtures::write_messages(0, [Write::Insert(taken)]);
    let changes = fixtures::change_set(counter(other).await, [change]);
    let merged = MergedVisitor {
        id: gone,
        change_counter: counter(gone).await,
        at: fixtures::at(50),
    };
    store.merge(other, changes, merged).await.unwrap();
    assert_eq!(files.count(MARKER), 0);
    assert_eq!(files.count("what-is-taken-along"), 5);
}

/// When rows go, SQLite moves those beside them together. (Where texts are not written over before, some of these
/// seeds leave copies behind.)
#[tokio::test]
async fn rows_that_are_moved_while_others_go_leave_nothing() {
    for seed in [1, 2, 6] {
        let files = Files::new();
        let store = files.open();
        let gone = fill_at_random(&store, seed).await;
        store.erase(gone, fixtures::at(50)).await.unwrap();
        assert_eq!(files.count(MARKER), 0, "seed {seed}");
    }
}

/// Gives three visitors messages of all lengths, so that each page has some of each.
async fn fill_at_random(store: &SqliteStore, seed: u32) -> VisitorId {
    let visitors = [
        (register(store, "gone").await, MARKER),
        (register(store, "other").await, OTHERS),
        (register(store, "third").await, OTHERS),
    ];
    for (visitor, text) in visitors {
        let change = fixtures::insert(conversation(1, 1, text), []);
        commit(store, visitor, change).await;
    }
    let mut random = seed;
    let mut below = |limit: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(random >> 8).unwrap() % limit
    };
    for number in 0..250 {
        let (visitor, text) = visitors[below(3)];
        let messages = (0..1 + below(8)).map(|index| {
            let times = (1 << below(9)) + below(3);
            let mut message = fixtures::message(number * 100 + u128::try_from(index).unwrap(), 1);
            let content = message.content.as_mut().unwrap();
            content.fields.doc = None;
            content.fields.img = Some(format!("{text} ").repeat(times));
            content.request = None;
            content.response = None;
            content.output = None;
            message
        });
        let messages: Vec<_> = messages.collect();
        let change = fixtures::insert_messages(1, messages);
        commit(store, visitor, change).await;
    }
    visitors[0].0
}

/// What SQLite has moved when rows got longer or were deleted may stay in the unused room of pages: `VACUUM` takes it.
#[tokio::test]
async fn nothing_is_left_by_a_vacuum_whatever_was_edited_before() {
    let files = Files::new();
    let store = files.open();
    let (gone, other) = fill(&store).await;
    edit(&store, (gone, other)).await;
    store.erase(gone, fixtures::at(50)).await.unwrap();
    let path = files.path();
    let mut beside = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let vacuum = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);";
    beside.batch_execute(vacuum).unwrap();
    assert_eq!(files.count(MARKER), 0);
    assert!(files.count(OTHERS) > 1_000);
    let change = fixtures::insert(conversation(99, 9, OTHERS), []);
    commit(&store, other, change).await;
}

/// A reader that stays keeps the log; nobody waits for it for long, and when it goes, so does the log.
#[tokio::test]
async fn a_reader_that_stays_delays_it() {
    let files = Files::new();
    let store = files.open();
    let (gone, other) = fill(&store).await;
    let path = files.path();
    let mut reader = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let read = "BEGIN; SELECT count(*) FROM messages;";
    reader.batch_execute(read).unwrap();
    let started = Instant::now();
    assert!(store.erase(gone, fixtures::at(50)).await.unwrap());
    assert!(count_in(&files.log(), MARKER) > 0);
    for number in 100..105 {
        let change = fixtures::insert(conversation(number, 9, OTHERS), []);
        commit(&store, other, change).await;
    }
    assert!(started.elapsed() < Duration::from_secs(3));
    reader.batch_execute("COMMIT").unwrap();
    // Nobody writes any more, and it is done all the same.
    while files.count(MARKER) > 0 {
        assert!(started.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(50));
    }
    let change = fixtures::insert(conversation(105, 9, OTHERS), []);
    commit(&store, other, change).await;
}

/// Whoever opens a store whose process broke off empties the log that it has left.
#[tokio::test]
async fn what_a_process_left_in_the_log_goes_too() {
    let files = Files::new();
    let store = files.open();
    let (gone, _) = fill(&store).await;
    let path = files.path();
    let mut reader = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let read = "BEGIN; SELECT count(*) FROM messages;";
    reader.batch_execute(read).unwrap();
    store.erase(gone, fixtures::at(50)).await.unwrap();
    // The files as they would be found.
    let left = Files::new();
    fs::copy(files.path(), left.path()).unwrap();
    fs::copy(files.log(), left.log()).unwrap();
    drop(reader);
    assert!(left.count(MARKER) > 0);
    let reopened = left.open();
    let started = Instant::now();
    while left.count(MARKER) > 0 {
        assert!(started.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(50));
    }
    assert!(reopened.find(gone).await.is_err());
}
