//! Disks that are full, or fail for long, and then work again.

use std::thread;
use std::time::{Duration, Instant};

use super::faulty_disk::{Call, EDQUOT, EIO, ENOSPC, EROFS, Fault, FaultyDisk};
use super::posts::{body, integrity, is_taken, stored};
use crate::crashes::id;
use crate::support::api::Api;
use crate::support::{report, scaled};

/// How soon the server has to be itself again.
const BACK: Duration = Duration::from_secs(2);

/// A running server on such a disk, a visitor of it, and what was taken from that one.
struct Run {
    disk: FaultyDisk,
    server: crate::support::Server,
    ada: Api,
    taken: Vec<String>,
    posted: u128,
    outages: u32,
}

impl Run {
    fn start() -> Self {
        let disk = FaultyDisk::new();
        let mut server = disk.server(false);
        server.restart();
        let ada = Api::register(&server.url(), "user_id=ada");
        let mut run = Self {
            disk,
            server,
            ada,
            taken: Vec::new(),
            posted: 0,
            outages: 0,
        };
        assert_eq!(run.post(), 200);
        run
    }

    /// Posts a new conversation; the status.
    fn post(&mut self) -> u16 {
        let conversation = id(0, 0, self.posted);
        self.posted += 1;
        let answer = self.ada.post(&body(&conversation, 5_000));
        if is_taken(&answer) {
            self.taken.push(conversation);
        }
        answer.status
    }

    /// Has the disk fail until it is seen, and then work again.
    fn outage(&mut self, fault: Fault, expected: u16) {
        self.outages += 1;
        self.disk.set(fault);
        // What is beyond the end of the log may have room yet.
        let refused = (0..100).map(|_| self.post()).find(|status| *status != 200);
        assert_eq!(refused, Some(expected), "{fault:?}");
        for _ in 0..3 {
            assert_eq!(self.post(), expected, "{fault:?}");
            assert_eq!(self.server.get("/readyz").status, 503, "{fault:?}");
            assert_eq!(self.server.get("/livez").status, 200, "{fault:?}");
            let read = self.ada.changes();
            assert_eq!(read.status, 200, "{fault:?}: {read:?}");
        }
        self.disk.lift();
        let works_again = Instant::now();
        while self.server.get("/readyz").status != 200 {
            assert!(works_again.elapsed() < BACK, "{fault:?}");
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(self.post(), 200, "{fault:?}");
        assert!(works_again.elapsed() < BACK, "{fault:?}");
    }

    fn end(mut self) {
        self.server.kill();
        assert!(!self.server.stderr().contains("panicked"));
        let stored = stored(&self.disk.plain_server()).unwrap();
        for conversation in &self.taken {
            assert!(stored.contains(conversation), "{conversation} is lost");
        }
        integrity(&self.disk.store()).unwrap();
        let (outages, taken) = (self.outages, self.taken.len());
        report(
            "G5",
            &format!("{outages} outages, {taken} posts taken, none lost"),
        );
    }
}

#[test]
fn a_full_disk_is_told_and_left_as_soon_as_there_is_room() {
    let mut run = Run::start();
    for cycle in 0..scaled("CONVOSYNC_FULL_DISKS", 3) {
        // Room for nothing, none for more, or room for the half of something.
        let fault = match cycle % 3 {
            0 => Fault::lasting(Call::Grow, ENOSPC),
            1 => Fault::lasting(Call::Write, ENOSPC),
            _ => Fault {
                parts: true,
                nth: 2,
                ..Fault::lasting(Call::Write, ENOSPC)
            },
        };
        run.outage(fault, 507);
    }
    run.end();
}

#[test]
fn a_disk_that_fails_for_long_is_told_and_used_again() {
    let mut run = Run::start();
    for _ in 0..scaled("CONVOSYNC_FAILING_DISKS", 1) {
        // A quota is a lack of room to whoever has one.
        run.outage(Fault::lasting(Call::Write, EDQUOT), 507);
        for error in [EIO, EROFS] {
            run.outage(Fault::lasting(Call::Write, error), 503);
        }
        run.outage(Fault::lasting(Call::Sync, EIO), 503);
    }
    run.end();
}
