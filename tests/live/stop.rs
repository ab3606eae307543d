//! A server that stops does not wait for those who wait.

use std::thread;
use std::time::{Duration, Instant};

use super::body;
use crate::support::Server;
use crate::support::api::Api;
use crate::support::events::Events;

const ADA: &str = "user_id=ada";

#[test]
fn a_server_that_stops_ends_streams_and_waits_at_once() {
    for (signal, drain_seconds) in [("TERM", "0"), ("INT", "0"), ("TERM", "5")] {
        let settings = [("CONVOSYNC__SERVER__DRAIN_SECONDS", drain_seconds)];
        let mut server = Server::start_with(&settings);
        let api = Api::register(&server.url(), ADA);
        let cursor = api.page(None, 1)["cursor"].as_str().unwrap().to_owned();
        let mut streams: Vec<_> = (0..20)
            .map(|_| {
                let mut events = Events::open(server.address(), ADA, None).expect("a stream");
                events.next().expect("the first page");
                events
            })
            .collect();
        let path = format!("/api/sync-conversations/changes/?{ADA}&since={cursor}&wait=60");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| server.get(&path));
            thread::sleep(Duration::from_secs(1));
            let signalled = Instant::now();
            server.signal(signal);
            for events in &mut streams {
                assert_eq!(events.next(), None);
                assert!(events.is_complete, "the stream ends, not the connection");
            }
            let answer = waiting.join().unwrap();
            assert_eq!(
                (answer.status, &answer.json()["cursor"]),
                (200, &cursor.into())
            );
            let took = signalled.elapsed();
            assert!(took < Duration::from_secs(3), "{took:?}");
        });
        if drain_seconds != "0" {
            let refused = Events::open(server.address(), ADA, None).expect("an answer");
            assert_eq!(refused.status, 503);
            assert_eq!(api.post(&body("c")).status, 200, "others are served");
        }
        assert_eq!(server.wait().code(), Some(0), "{}", server.stderr());
    }
}
