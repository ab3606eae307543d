//! A stream that is cut at any byte: nothing is missed, and nothing comes twice of which the client has the end.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::body;
use super::cutting_proxy::CuttingProxy;
use crate::support::Server;
use crate::support::api::Api;
use crate::support::events::Events;

const CUTS: usize = 200;
const QUERY: &str = "user_id=ada&limit=5";

/// Posts one conversation after the other until told to stop; returns their ids.
fn write(api: &Api, stop: &AtomicBool) -> BTreeSet<String> {
    let mut posted = BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        let id = format!("conversation-{}", posted.len());
        assert_eq!(api.post(&body(&id)).status, 200);
        posted.insert(id);
        thread::sleep(Duration::from_millis(5));
    }
    posted
}

/// A client that remembers what it has got to the end, and no more.
#[derive(Default)]
struct Client {
    last: Option<String>,
    has: BTreeSet<String>,
}

impl Client {
    /// Takes events until the connection ends, or this is so.
    fn follow(&mut self, address: &str, is_enough: impl Fn(&Self) -> bool) {
        let Some(mut events) = Events::open(address, QUERY, self.last.as_deref()) else {
            return;
        };
        assert_eq!(events.status, 200);
        while !is_enough(self) {
            let Some(event) = events.next() else { return };
            assert_eq!(event.kind, "change");
            for id in event.conversations() {
                assert!(self.has.insert(id.clone()), "{id} comes twice");
            }
            assert_eq!(event.data["cursor"], event.id.as_deref().unwrap());
            self.last = event.id;
        }
    }
}

#[test]
fn a_stream_that_is_cut_misses_nothing_and_repeats_only_what_was_not_confirmed() {
    let server = Server::start();
    let api = Api::register(&server.url(), "user_id=ada");
    let proxy = CuttingProxy::to(server.address());
    let mut client = Client::default();
    let stop = AtomicBool::new(false);
    let posted = thread::scope(|scope| {
        let writer = scope.spawn(|| write(&api, &stop));
        let began = Instant::now();
        while proxy.cuts() < CUTS {
            client.follow(proxy.address(), |_| false);
            assert!(began.elapsed() < Duration::from_secs(300), "it is not cut");
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    assert!(client.last.is_some(), "some events came whole");
    client.follow(server.address(), |client| client.has.len() >= posted.len());
    assert_eq!(client.has, posted);
}
