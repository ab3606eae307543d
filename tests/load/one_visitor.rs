//! Many devices of one visitor that write at once, and others that pull meanwhile.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::{Server, report, scaled};

const ADA: &str = "user_id=ada";
const CLIENTS: usize = 8;
/// How many messages each post adds.
const ADDS: usize = 25;
/// How many conversations there are for so many messages; all clients write to all of them.
const CONVERSATIONS: usize = 3;
const MESSAGES: usize = 10_000;
/// A page holds several posts, or one and a half.
const LIMITS: [u32; 2] = [1_000, 37];

fn post_of(client: usize, post: usize, conversations: usize) -> Value {
    let message = |number| json!({ "message_id": format!("{client}/{post}/{number}"), "img": "x" });
    let messages: Vec<_> = (0..ADDS).map(message).collect();
    let id = format!("conversation-{}", (client + post) % conversations);
    json!({ "conversations": [{ "id": id, "messages": messages }] })
}

/// What a device has seen: of each post of each client the messages, a bit each.
struct Seen(Vec<Vec<u32>>);

impl Seen {
    fn take(&mut self, page: &Value) {
        let conversations = page["conversations"].as_array().unwrap();
        let messages = conversations
            .iter()
            .flat_map(|it| it["messages"].as_array().unwrap());
        for message in messages {
            let id = message["message_id"].as_str().unwrap();
            let mut numbers = id.split('/').map(|number| number.parse().unwrap());
            let mut next = || -> usize { numbers.next().unwrap() };
            let (client, post, number) = (next(), next(), next());
            self.0[client][post] |= 1 << number;
        }
    }

    /// At the end of a pull: each client's posts from its first one on, whole and without a gap, and no fewer than these.
    fn check(&self, acknowledged: &[usize]) {
        for (client, posts) in self.0.iter().enumerate() {
            let whole = posts.iter().take_while(|it| **it == (1 << ADDS) - 1);
            let whole = whole.count();
            let after = &posts[whole..];
            assert!(
                after.iter().all(|it| *it == 0),
                "client {client}: {whole} posts are here and then {after:?}"
            );
            assert!(
                whole >= acknowledged[client],
                "client {client}: {whole} of {} acknowledged posts are here",
                acknowledged[client]
            );
        }
    }
}

#[test]
fn devices_that_write_at_once_lose_nothing_and_others_see_it_in_order() {
    let adds = usize::try_from(scaled("CONVOSYNC_ADDS", 10_000)).unwrap();
    let posts = adds.div_ceil(CLIENTS * ADDS);
    let conversations = CONVERSATIONS * adds.div_ceil(MESSAGES);
    let server = Server::start();
    let ada = Api::register(&server.url(), ADA);
    let acknowledged: Vec<_> = (0..CLIENTS).map(|_| AtomicUsize::new(0)).collect();
    let is_done = AtomicBool::new(false);
    let read_acknowledged = || -> Vec<_> {
        let counters = acknowledged.iter();
        counters.map(|it| it.load(Ordering::SeqCst)).collect()
    };
    let write = |client: usize| {
        let api = ada.clone();
        for post in 0..posts {
            let answer = api.post(&post_of(client, post, conversations));
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.json()["messages_created"], ADDS, "{answer:?}");
            acknowledged[client].store(post + 1, Ordering::SeqCst);
        }
    };
    let pull = |limit| {
        let mut seen = Seen(vec![vec![0; posts]; CLIENTS]);
        let (mut pulls, mut cursor) = (0, None::<String>);
        loop {
            // Asked first: what was acknowledged before has to be in the pages up to the last one.
            let is_last = is_done.load(Ordering::SeqCst);
            let before = read_acknowledged();
            let page = ada.page(cursor.as_deref(), limit);
            seen.take(&page);
            cursor = page["cursor"].as_str().map(str::to_owned);
            if page["has_more"] == json!(false) {
                seen.check(&before);
                pulls += 1;
                if is_last {
                    return pulls;
                }
            }
        }
    };
    let pulls: usize = thread::scope(|scope| {
        let pullers = LIMITS.map(|limit| scope.spawn(move || pull(limit)));
        let writers: Vec<_> = (0..CLIENTS)
            .map(|client| scope.spawn(move || write(client)))
            .collect();
        let written: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        is_done.store(true, Ordering::SeqCst);
        assert!(written.iter().all(Result::is_ok));
        pullers.map(|puller| puller.join().unwrap()).iter().sum()
    });
    assert_eq!(read_acknowledged(), [posts; CLIENTS]);
    let adds = posts * CLIENTS * ADDS;
    report(
        "G14",
        &format!("{adds} adds, {pulls} pulls, none lost or seen before an earlier one"),
    );
}
