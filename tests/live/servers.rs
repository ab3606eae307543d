//! What is posted is seen at once, on the same server and on another one on the same store.

use std::thread;
use std::time::{Duration, Instant};

use convosync_test_postgres::TestServer;

use super::body;
use crate::support::Server;
use crate::support::api::Api;
use crate::support::events::{Came, Events};

/// How soon a change has to be there, on a machine that does much at once.
const SOON: Duration = Duration::from_secs(5);

const ADA: &str = "user_id=ada";

/// Two servers on one store: of this kind, or of the kind that the environment asks for.
fn two_servers(on_postgres: bool) -> (Server, Server) {
    let database = on_postgres.then(|| TestServer::shared().new_database());
    let one = Server::start_on(database, &[]);
    let url = match one.database() {
        Some(database) => database.url(),
        None => format!(
            "sqlite://{}",
            one.folder().join("data/convosync.db").display()
        ),
    };
    let other = Server::start_on(None, &[("CONVOSYNC__DATABASE__URL", &url)]);
    (one, other)
}

/// Posts, and waits until the stream tells of it.
fn assert_seen(api: &Api, events: &mut Events, id: &str) {
    let posted = Instant::now();
    assert_eq!(api.post(&body(id)).status, 200);
    let event = events.next().expect("an event");
    assert_eq!(event.kind, "change");
    assert_eq!(event.conversations(), [id]);
    assert!(posted.elapsed() < SOON, "{:?}", posted.elapsed());
}

fn see_each_other(on_postgres: bool) {
    let (one, other) = two_servers(on_postgres);
    let to_one = Api::register(&one.url(), ADA);
    let to_other = Api::unregistered(&other.url(), ADA);
    let [mut at_one, mut at_other] = [&one, &other].map(|server| {
        let mut events = Events::open(server.address(), ADA, None).expect("a stream");
        assert_eq!(
            events.next().expect("the first page").conversations(),
            [""; 0]
        );
        events
    });
    for round in 0..5 {
        for (api, name) in [(&to_one, "one"), (&to_other, "other")] {
            let id = format!("{name}-{round}");
            assert_seen(api, &mut at_one, &id);
            assert_eq!(at_other.next().expect("an event").conversations(), [id]);
        }
        // A pause in which nothing happens, as between the turns of a chat.
        thread::sleep(Duration::from_millis(700));
    }
}

#[test]
fn servers_on_one_file_see_what_is_posted_to_the_other() {
    see_each_other(false);
}

#[test]
fn servers_on_one_database_see_what_is_posted_to_the_other() {
    see_each_other(true);
}

#[test]
fn a_pull_that_waits_is_answered_when_something_is_posted() {
    for on_postgres in [false, true] {
        let (one, other) = two_servers(on_postgres);
        let api = Api::register(&one.url(), ADA);
        let cursor = api.page(None, 1)["cursor"].as_str().unwrap().to_owned();
        let wait = |server: &Server, wait| {
            let path = format!("/api/sync-conversations/changes/?{ADA}&since={cursor}&wait={wait}");
            let began = Instant::now();
            (server.get(&path).json(), began.elapsed())
        };
        let (page, took) = wait(&other, 1);
        assert_eq!(page["conversations"].as_array().unwrap().len(), 0);
        assert!(took >= Duration::from_secs(1), "{took:?}");
        thread::scope(|scope| {
            let waiting = [&one, &other].map(|server| scope.spawn(move || wait(server, 60)));
            thread::sleep(Duration::from_secs(1));
            assert_eq!(api.post(&body("c")).status, 200);
            for waiting in waiting {
                let (page, took) = waiting.join().unwrap();
                assert_eq!(page["conversations"][0]["id"], "c");
                assert!(took < SOON, "{took:?}");
            }
        });
    }
}

/// Longer than an answer may be under way otherwise.
#[test]
fn a_silent_stream_lives_on() {
    let server = Server::start();
    let api = Api::register(&server.url(), ADA);
    let mut events = Events::open(server.address(), ADA, None).expect("a stream");
    events.next().expect("the first page");
    let began = Instant::now();
    for _ in 0..3 {
        assert_eq!(events.next_of_any(), Some(Came::Comment));
    }
    assert!(began.elapsed() > Duration::from_secs(40));
    assert_seen(&api, &mut events, "c");
}
