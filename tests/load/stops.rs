//! A server that is told to stop while clients post.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::crashes::{check, write};
use crate::support::api::Api;
use crate::support::{Server, report, scaled};

const WRITERS: u128 = 8;

/// A client whose post was not answered may post it again; it should not have to where the server has stored it.
#[test]
fn a_server_that_is_told_to_stop_answers_whatever_it_stores() {
    let cycles = scaled("CONVOSYNC_STOPS", 5);
    let mut server = Server::start();
    let visitor = |writer| format!("user_id=writer-{writer}");
    for writer in 0..WRITERS {
        Api::register(&server.url(), &visitor(writer));
    }
    let mut acknowledged = vec![Vec::new(); 8];
    for cycle in 0..cycles {
        let stop = AtomicBool::new(false);
        let base = server.url();
        let done: Vec<_> = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let api = Api::unregistered(&base, &visitor(writer));
                    let stop = &stop;
                    scope.spawn(move || write(&api, cycle, writer, stop))
                })
                .collect();
            // Between 50 and 450 ms, spread over the cycles.
            let until_stop = u64::try_from(50 + cycle * 97 % 400).unwrap();
            thread::sleep(Duration::from_millis(until_stop));
            let told = Instant::now();
            assert_eq!(server.stop().code(), Some(0), "{}", server.stderr());
            assert!(told.elapsed() < Duration::from_secs(30));
            stop.store(true, Ordering::Relaxed);
            let joined = writers.into_iter().map(|writer| writer.join().unwrap());
            joined.collect()
        });
        for (all, more) in acknowledged.iter_mut().zip(done) {
            all.extend(more);
        }
        server.restart();
        for (writer, all) in (0..WRITERS).zip(&acknowledged) {
            let api = Api::unregistered(&server.url(), &visitor(writer));
            let mut stored = Vec::new();
            api.drain(None, 1_000, |page| {
                stored.extend(page["conversations"].as_array().unwrap().clone());
            });
            check(all, &stored);
            let stored: BTreeSet<_> = stored.iter().map(|it| it["id"].as_str().unwrap()).collect();
            let all = all.iter().map(String::as_str).collect();
            let unanswered: Vec<_> = stored.difference(&all).collect();
            assert!(
                unanswered.is_empty(),
                "stored and not answered: {unanswered:?}"
            );
        }
    }
    let posts: usize = acknowledged.iter().map(Vec::len).sum();
    assert!(posts > 0, "the writers never got an answer");
    report(
        "G11",
        &format!("{cycles} stops, {posts} posts, each stored one answered"),
    );
}
