//! Each single call to the disk fails, one after the other: no post that was answered is lost, and the next one is
//! taken.

use std::collections::BTreeSet;

use super::faulty_disk::{Call, EIO, ENOSPC, ETIMEDOUT, Fault, FaultyDisk};
use super::posts::{body, integrity, is_taken_or, stored};
use crate::crashes::id;
use crate::support::api::Api;
use crate::support::{Server, report, scaled};

/// After how many calls that failed the server is killed and what is stored looked at.
const KILLED_AFTER: u64 = 5;

/// A server, and what there has to be of what was answered.
struct Run {
    disk: FaultyDisk,
    server: Server,
    kept: BTreeSet<String>,
    gone: BTreeSet<String>,
    faults: u32,
}

impl Run {
    fn start() -> Self {
        let disk = FaultyDisk::new();
        let mut server = disk.server(false);
        server.restart();
        Self {
            disk,
            server,
            kept: BTreeSet::new(),
            gone: BTreeSet::new(),
            faults: 0,
        }
    }

    /// Has calls fail until a round ends without that. The round is always the same but for its ids.
    fn fail_each_call(&mut self, fault: Fault, round: u128) {
        let last = u64::try_from(scaled("CONVOSYNC_DISK_FAULTS", 20)).unwrap();
        for nth in 1..=last {
            let is_over = self.fail(Fault { nth, ..fault }, round * 1_000 + u128::from(nth));
            if is_over || nth % KILLED_AFTER == 0 || nth == last {
                self.kill_and_check();
            }
            if is_over {
                break;
            }
        }
    }

    /// Whether no call failed.
    fn fail(&mut self, fault: Fault, round: u128) -> bool {
        let base = self.server.url();
        let ada = Api::register(&base, "user_id=ada");
        let eve = Api::register(&base, &format!("user_id=eve-{round}"));
        // SQLite takes a page that cannot be read for damaged.
        let is_damage = fault.call == Call::Read && fault.error == EIO;
        let damage = is_damage.then_some("internal_error");
        let post = |api: &Api, number| {
            let conversation = id(round, 0, number);
            let answer = api.post(&body(&conversation, 2_000));
            (is_taken_or(&answer, damage), conversation)
        };
        self.disk.set(fault);
        for number in 0..2 {
            let (is_taken, conversation) = post(&ada, number);
            if is_taken {
                self.kept.insert(conversation);
            }
        }
        let (_, of_eve) = post(&eve, 2);
        is_taken_or(&ada.changes(), damage);
        if is_taken_or(&eve.erase(), damage) {
            self.gone.insert(of_eve);
        }
        let (taken, conversation) = post(&ada, 3);
        if taken {
            self.kept.insert(conversation);
        }
        self.disk.lift();

        let (taken, conversation) = post(&ada, 4);
        assert!(taken, "{fault:?} is felt by the next post");
        self.kept.insert(conversation);
        let read = ada.changes();
        assert_eq!(read.status, 200, "{fault:?}: {read:?}");
        let ready = self.server.get("/readyz");
        assert_eq!(ready.status, 200, "{fault:?}: {ready:?}");
        let failed = self.disk.failed();
        self.faults += u32::from(failed > 0);
        failed == 0
    }

    fn kill_and_check(&mut self) {
        self.server.kill();
        let stderr = self.server.stderr();
        assert!(!stderr.contains("panicked"), "{stderr}");
        let stored = stored(&self.disk.plain_server()).unwrap();
        let lost: Vec<_> = self.kept.difference(&stored).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        let left: Vec<_> = self.gone.intersection(&stored).collect();
        assert!(left.is_empty(), "erased and still there: {left:?}");
        integrity(&self.disk.store()).unwrap();
        self.server.restart();
    }
}

fn each_call_fails(faults: &[Fault]) {
    let mut run = Run::start();
    for (round, fault) in (0..).zip(faults) {
        run.fail_each_call(*fault, round);
    }
    assert!(!run.kept.is_empty() && !run.gone.is_empty());
    let (calls, kept) = (run.faults, run.kept.len());
    report(
        "G6",
        &format!("{calls} calls failed, {kept} posts taken, none lost"),
    );
}

#[test]
fn each_write_fails() {
    let writes = |error| Fault::once(Call::Write, 1, error);
    each_call_fails(&[
        writes(EIO),
        writes(ENOSPC),
        Fault {
            parts: true,
            ..writes(ENOSPC)
        },
    ]);
}

#[test]
fn each_sync_fails() {
    each_call_fails(&[EIO, ENOSPC].map(|error| Fault::once(Call::Sync, 1, error)));
}

#[test]
fn each_truncation_and_removal_fails() {
    let calls = [Call::Truncate, Call::Unlink];
    each_call_fails(&calls.map(|call| Fault::once(call, 1, EIO)));
}

#[test]
fn each_open_and_read_fails() {
    each_call_fails(&[
        Fault::once(Call::Open, 1, EIO),
        Fault::once(Call::Read, 1, EIO),
        Fault::once(Call::Read, 1, ETIMEDOUT),
    ]);
}
