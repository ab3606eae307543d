//! Two servers on one file of SQLite, both of them busy.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::crashes::{body, check, id};
use crate::support::api::Api;
use crate::support::{Server, report, scaled};

/// Half of them write to each server.
const WRITERS: usize = 16;
/// Fewer than writers, so that those of both servers meet at one visitor.
const VISITORS: usize = 4;

fn visitor(writer: usize) -> String {
    format!("user_id=writer-{}", writer / 2 % VISITORS)
}

#[test]
fn two_servers_on_one_file_lose_nothing_and_refuse_nobody() {
    let seconds = scaled("CONVOSYNC_TWO_SERVERS_SECONDS", 5);
    let mut server = Server::start_on(None, &[]);
    let neighbour = server.neighbour();
    let bases = [server.url(), format!("http://{}", neighbour.address())];
    let register = |writer| Api::register(&bases[0], &visitor(writer));
    let owners: Vec<_> = (0..VISITORS).map(|number| register(2 * number)).collect();

    let stop = AtomicBool::new(false);
    let write = |writer: usize| {
        let api = Api::unregistered(&bases[writer % 2], &visitor(writer));
        let mut acknowledged = Vec::new();
        for post in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let conversation = id(0, u128::try_from(writer).unwrap(), post);
            let answer = api.post(&body(&conversation));
            assert_eq!(answer.status, 200, "{answer:?}");
            acknowledged.push(conversation);
        }
        acknowledged
    };
    let acknowledged: Vec<_> = thread::scope(|scope| {
        let writers = (0..WRITERS).map(|writer| scope.spawn(move || write(writer)));
        let writers: Vec<_> = writers.collect();
        thread::sleep(Duration::from_secs(u64::try_from(seconds).unwrap()));
        stop.store(true, Ordering::Relaxed);
        let joined = writers.into_iter().map(|writer| writer.join().unwrap());
        joined.collect()
    });

    for (number, owner) in owners.iter().enumerate() {
        let of_visitor = (0..WRITERS).filter(|writer| writer / 2 % VISITORS == number);
        let of_visitor: Vec<_> = of_visitor
            .flat_map(|writer| acknowledged[writer].clone())
            .collect();
        assert!(!of_visitor.is_empty());
        let mut stored = Vec::new();
        owner.drain(None, 1_000, |page| {
            stored.extend(page["conversations"].as_array().unwrap().clone());
        });
        check(&of_visitor, &stored);
    }
    drop(neighbour);
    assert_eq!(server.stop().code(), Some(0), "{}", server.stderr());
    assert_eq!(integrity(&server), "ok");
    let posts: usize = acknowledged.iter().map(Vec::len).sum();
    report(
        "G10",
        &format!("{seconds} s, {posts} posts, none lost or refused"),
    );
}

/// What SQLite says of the file of a stopped server.
fn integrity(server: &Server) -> String {
    let path = server.folder().join("data/convosync.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let check = "(SELECT group_concat(integrity_check) FROM pragma_integrity_check)";
    let check = diesel::select(sql::<Text>(check));
    check.get_result(&mut connection).unwrap()
}
