//! The database stops, or cuts connections, while clients post.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use convosync_test_postgres::TestServer;

use super::{assert_unavailable, server_on, timed};
use crate::crashes::{WRITERS, body, check, id};
use crate::support::api::Api;
use crate::support::{Server, report, scaled};

/// Posts one conversation after the other until told to stop; returns those that were acknowledged,
/// and how often the server had no store.
fn write(api: &Api, cycle: u128, writer: u128, stop: &AtomicBool) -> (Vec<String>, u32) {
    let mut acknowledged = Vec::new();
    let mut unavailable = 0;
    for post in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let conversation = id(cycle, writer, post);
        let answer = api.post(&body(&conversation));
        if answer.status == 200 {
            assert_eq!(answer.json()["created"], 1, "{answer:?}");
            acknowledged.push(conversation);
        } else {
            assert_unavailable(&answer);
            unavailable += 1;
        }
    }
    (acknowledged, unavailable)
}

/// Has all writers post while something happens; returns what each had acknowledged, and how often
/// there was no store.
fn while_writing(apis: &[Api], cycle: u128, happens: impl FnOnce()) -> Vec<(Vec<String>, u32)> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..)
            .zip(apis)
            .map(|(writer, api)| {
                let stop = &stop;
                scope.spawn(move || write(api, cycle, writer, stop))
            })
            .collect();
        happens();
        stop.store(true, Ordering::Relaxed);
        let joined = writers.into_iter().map(|writer| writer.join().unwrap());
        joined.collect()
    })
}

fn writers(server: &Server) -> Vec<Api> {
    let register = |writer| Api::register(&server.url(), &format!("user_id=writer-{writer}"));
    (0..WRITERS).map(register).collect()
}

fn check_stored(api: &Api, acknowledged: &[String]) {
    let mut stored = Vec::new();
    api.drain(None, 1_000, |page| {
        stored.extend(page["conversations"].as_array().unwrap().clone());
    });
    check(acknowledged, &stored);
}

#[test]
fn a_database_that_crashes_loses_nothing_and_is_used_again_when_it_is_back() {
    let stops = scaled("CONVOSYNC_DATABASE_CRASHES", 2);
    let postgres = TestServer::private();
    let (server, ada) = server_on(postgres.new_database(), &[]);
    let apis = writers(&server);
    let mut acknowledged = vec![Vec::new(); apis.len()];
    let mut latest = Duration::ZERO;
    for cycle in 0..stops {
        let done = while_writing(&apis, cycle, || {
            thread::sleep(Duration::from_millis(200));
            postgres.stop_at_once();
            let (answer, took) = timed(&ada, &body(&id(cycle, 99, 0)));
            assert_unavailable(&answer);
            assert_eq!(answer.retry_after, Some(5));
            assert!(took < Duration::from_secs(3), "{took:?}");
            assert_eq!(server.get("/readyz").status, 503);
            assert_eq!(server.get("/livez").status, 200);
            postgres.start();
            let back = Instant::now();
            while ada.post(&body(&id(cycle, 99, 1))).status != 200 {
                assert!(
                    back.elapsed() < Duration::from_secs(5),
                    "it does not come back"
                );
            }
            latest = latest.max(back.elapsed());
            assert_eq!(server.get("/readyz").status, 200);
            thread::sleep(Duration::from_millis(200));
        });
        for (all, (more, _)) in acknowledged.iter_mut().zip(done) {
            all.extend(more);
        }
    }
    for (api, acknowledged) in apis.iter().zip(&acknowledged) {
        assert!(!acknowledged.is_empty());
        check_stored(api, acknowledged);
    }
    let posts: usize = acknowledged.iter().map(Vec::len).sum();
    report(
        "G7",
        &format!("{stops} crashes, {posts} posts, none lost; back after {latest:?} at most"),
    );
}

/// A load balancer that only asks `/readyz` has to see it.
#[test]
fn a_server_is_ready_when_its_database_is_back_though_nobody_posts() {
    let postgres = TestServer::private();
    let (server, _) = server_on(postgres.new_database(), &[]);
    let apis = writers(&server);
    // Many connections, all of which the crash leaves stale.
    while_writing(&apis, 0, || thread::sleep(Duration::from_millis(300)));
    postgres.stop_at_once();
    assert_eq!(server.get("/readyz").status, 503);
    postgres.start();
    let back = Instant::now();
    while server.get("/readyz").status != 200 {
        assert!(back.elapsed() < Duration::from_secs(2));
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(server.get("/readyz").status, 200);
    while server.database().unwrap().terminate_one_connection() {}
    assert_eq!(server.get("/readyz").status, 200);
}

#[test]
fn connections_that_are_cut_reach_hardly_any_client() {
    let cuts = scaled("CONVOSYNC_CUTS", 20);
    let postgres = TestServer::private();
    let (server, _) = server_on(postgres.new_database(), &[]);
    let apis = writers(&server);
    let done = while_writing(&apis, 0, || {
        let mut cut = 0;
        while cut < cuts {
            cut += u128::from(server.database().unwrap().terminate_one_connection());
            thread::sleep(Duration::from_millis(20));
        }
    });
    for (api, (acknowledged, _)) in apis.iter().zip(&done) {
        assert!(!acknowledged.is_empty());
        check_stored(api, acknowledged);
    }
    let posts: usize = done
        .iter()
        .map(|(acknowledged, _)| acknowledged.len())
        .sum();
    let unavailable: u32 = done.iter().map(|(_, unavailable)| unavailable).sum();
    let figures = format!("{cuts} cuts, {posts} posts, none lost; {unavailable} clients told");
    report("G8", &figures);
    // The same post may be cut as often as it is tried.
    assert!(
        usize::try_from(unavailable).unwrap() * 100 <= posts,
        "{figures}"
    );
}

#[test]
fn a_server_that_starts_first_waits_for_its_database() {
    let postgres = TestServer::private();
    let database = postgres.new_database();
    postgres.stop_at_once();
    let (server, _) = thread::scope(|scope| {
        let starting = scope.spawn(|| server_on(database, &[]));
        thread::sleep(Duration::from_millis(1_500));
        assert!(!starting.is_finished());
        postgres.start();
        starting.join().unwrap()
    });
    assert!(server.stderr().contains("waiting for the database"));
    assert_eq!(server.get("/readyz").status, 200);
}
