//! A server that is told to stop while clients post.

use std::time::{Duration, Instant};

use crate::crashes::Writers;
use crate::support::{Server, report, scaled};

const WRITERS: u128 = 8;

/// A client whose post was not answered may post it again; it should not have to where the server has stored it.
#[test]
fn a_server_that_is_told_to_stop_answers_whatever_it_stores() {
    let cycles = scaled("CONVOSYNC_STOPS", 5);
    let mut server = Server::start();
    let mut writers = Writers::register(&server, WRITERS);
    for cycle in 0..cycles {
        // Between 50 and 450 ms, spread over the cycles.
        let time = Duration::from_millis(u64::try_from(50 + cycle * 97 % 400).unwrap());
        writers.post_until(&mut server, cycle, time, |server| {
            let told = Instant::now();
            assert_eq!(server.stop().code(), Some(0), "{}", server.stderr());
            assert!(told.elapsed() < Duration::from_secs(30));
        });
        server.restart();
        writers.check_new(&server, true);
    }
    let posts = writers.check_all(&server);
    report(
        "G11",
        &format!("{cycles} stops, {posts} posts, each stored one answered"),
    );
}
