use convosync_test_postgres::{TestDatabase, TestServer};

use super::*;
use crate::postgres::migrate;

fn visitor(number: u128) -> VisitorId {
    VisitorId::from_uuid(Uuid::from_u128(number))
}

fn notice(number: u128, standing: Standing) -> ChangeNotice {
    ChangeNotice {
        visitor: visitor(number),
        standing,
    }
}

fn at(number: u128, change_counter: u64) -> ChangeNotice {
    notice(number, Standing::At(change_counter))
}

/// Those who are watched.
struct Watched(Vec<VisitorId>);

impl WatchedVisitors for Watched {
    fn watched(&self) -> Vec<VisitorId> {
        self.0.clone()
    }
}

fn watching(numbers: impl IntoIterator<Item = u128>) -> Arc<dyn WatchedVisitors> {
    Arc::new(Watched(numbers.into_iter().map(visitor).collect()))
}

/// A process with these signals.
fn process(database: &TestDatabase) -> Signals {
    Signals::of(Arc::new(Database::at(&database.url())))
}

fn new_database() -> TestDatabase {
    let database = TestServer::shared().new_database();
    let mut connection = Database::at(&database.url()).connect().unwrap();
    migrate::migrate(&mut connection).unwrap();
    database
}

fn registers(database: &TestDatabase, number: u128, change_counter: u64) {
    database.execute(&format!(
        "INSERT INTO visitors (id, kind, registered_at, change_counter, living_conversations, \
         content_bytes, latest_write) VALUES ('{}', 0, 0, {change_counter}, 0, 0, '{}')",
        Uuid::from_u128(number),
        Uuid::nil()
    ));
}

/// Listens until this is told; how long that took.
async fn hears(
    signals: &Signals,
    watched: &Arc<dyn WatchedVisitors>,
    wanted: ChangeNotice,
) -> Duration {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        let told = signals.listen(Arc::clone(watched)).await;
        if told.is_ok_and(|told| told.contains(&wanted)) {
            return began.elapsed();
        }
    }
    panic!("{wanted:?} is not told");
}

/// Returns when the process listens and has told where the visitor stands.
async fn is_up(
    signals: &Signals,
    watched: &Arc<dyn WatchedVisitors>,
    number: u128,
    change_counter: u64,
) {
    hears(signals, watched, at(number, change_counter)).await;
}

#[tokio::test]
async fn what_one_process_announces_another_hears_soon() {
    let database = new_database();
    registers(&database, 1, 3);
    let (one, other) = (process(&database), process(&database));
    let watched = watching([1]);
    is_up(&other, &watched, 1, 3).await;
    for standing in [Standing::At(4), Standing::At(5), Standing::Gone] {
        one.announce(notice(1, standing));
        // Not from the table, where nothing has changed.
        let took = hears(&other, &watched, notice(1, standing)).await;
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

#[tokio::test]
async fn of_many_announcements_the_last_of_each_visitor_comes() {
    const VISITORS: u128 = 1_000;
    let database = new_database();
    let (one, other) = (process(&database), process(&database));
    let watched = watching(0..VISITORS);
    hears(&other, &watched, notice(0, Standing::Gone)).await;
    for change_counter in 1..=20 {
        for number in 0..VISITORS {
            one.announce(at(number, change_counter));
        }
    }
    let mut last = HashMap::new();
    let began = Instant::now();
    while last.len() < usize::try_from(VISITORS).unwrap() {
        assert!(began.elapsed() < Duration::from_secs(20));
        for notice in other.listen(Arc::clone(&watched)).await.unwrap() {
            if notice.standing == Standing::At(20) {
                last.insert(notice.visitor, notice.standing);
            }
        }
    }
}

#[tokio::test]
async fn what_nobody_announces_is_seen_within_about_a_second() {
    let database = new_database();
    registers(&database, 1, 3);
    let signals = process(&database);
    let watched = watching([1, 2]);
    is_up(&signals, &watched, 1, 3).await;
    database.execute("UPDATE visitors SET change_counter = 4");
    let took = hears(&signals, &watched, at(1, 4)).await;
    assert!(took < Duration::from_secs(4), "{took:?}");
    database.execute("DELETE FROM visitors");
    hears(&signals, &watched, notice(1, Standing::Gone)).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_is_told_of_and_opened_again() {
    let postgres = TestServer::private();
    let database = postgres.new_database();
    let mut connection = Database::at(&database.url()).connect().unwrap();
    migrate::migrate(&mut connection).unwrap();
    drop(connection);
    registers(&database, 1, 3);
    let signals = process(&database);
    let watched = watching([1]);
    is_up(&signals, &watched, 1, 3).await;
    assert!(database.terminate_one_connection());
    let began = Instant::now();
    let failure = loop {
        assert!(began.elapsed() < Duration::from_secs(20));
        if let Err(failure) = signals.listen(Arc::clone(&watched)).await {
            break failure;
        }
    };
    assert!(
        matches!(failure, StoreError::Unavailable { .. }),
        "{failure:?}"
    );
    database.execute("UPDATE visitors SET change_counter = 9");
    hears(&signals, &watched, at(1, 9)).await;
}

#[tokio::test]
async fn what_anybody_else_tells_does_no_harm() {
    let database = new_database();
    registers(&database, 1, 3);
    let (one, other) = (process(&database), process(&database));
    let watched = watching([1]);
    is_up(&other, &watched, 1, 3).await;
    for payload in ["", "x", "1:2:3", "00000000000000000000000000000001:x"] {
        database.execute(&format!(
            "SELECT pg_notify('convosync_changes', '{payload}')"
        ));
    }
    one.announce(at(1, 4));
    hears(&other, &watched, at(1, 4)).await;
}

#[tokio::test]
async fn signals_that_go_leave_no_connection() {
    let database = new_database();
    let signals = process(&database);
    hears(&signals, &watching([1]), notice(1, Standing::Gone)).await;
    let others = "SELECT count(*) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert_eq!(database.value(others), "1");
    drop(signals);
    let began = Instant::now();
    while database.value(others) != "0" {
        assert!(began.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(20));
    }
}
