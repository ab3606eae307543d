//! Power cuts: a run is recorded, and at many moments of it the disk is made what it may have been had the power gone.
//! Whatever was answered by then is there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::{fs, thread};

use tempfile::TempDir;

use super::faulty_disk::{Call, EIO, Fault, FaultyDisk};
use super::journal::{Journal, Random};
use super::posts::{body, integrity, is_taken, stored};
use crate::crashes::id;
use crate::support::api::Api;
use crate::support::{Finished, Server, report, scaled};
use crate::upgrades::STORES;

const WRITERS: u128 = 4;
/// Long enough that eleven of them fill the write-ahead log, which is then moved into the file.
const LONG: usize = 300_000;

/// How far the journal was when something about a conversation was certain.
#[derive(Clone, Copy)]
struct Life {
    /// It was posted and answered.
    from: u64,
    /// Its erasure was asked for.
    until: u64,
    /// Its erasure was answered.
    gone: u64,
}

/// A recorded run.
struct Recording {
    disk: FaultyDisk,
    server: Server,
    lives: Mutex<BTreeMap<String, Life>>,
}

impl Recording {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(more: &[(&str, &str)]) -> Self {
        let disk = FaultyDisk::new();
        let mut server = disk.server_with(true, more);
        server.restart();
        Self {
            disk,
            server,
            lives: Mutex::new(BTreeMap::new()),
        }
    }

    fn api(&self, name: &str) -> Api {
        Api::register(&self.server.url(), &format!("user_id={name}"))
    }

    /// Posts a new conversation, and takes note if that is answered.
    fn post(&self, api: &Api, conversation: String, size: usize) -> bool {
        let is_taken = is_taken(&api.post(&body(&conversation, size)));
        if is_taken {
            let life = Life {
                from: self.disk.now(),
                until: u64::MAX,
                gone: u64::MAX,
            };
            self.lives.lock().unwrap().insert(conversation, life);
        }
        is_taken
    }

    /// Four writers post at once, and then a visitor comes and goes.
    fn round(&self, round: u128, posts: u128, size: usize) {
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                scope.spawn(move || {
                    let api = self.api(&format!("writer-{writer}"));
                    for post in 0..posts {
                        assert!(self.post(&api, id(round, writer, post), size));
                    }
                });
            }
        });
        assert!(self.come_and_go(round, None));
    }

    /// A visitor posts and is erased, while the disk fails so; whether the erasure was answered.
    fn come_and_go(&self, round: u128, fault: Option<Fault>) -> bool {
        let eve = self.api(&format!("eve-{round}"));
        let posts = [0, 1].map(|post| id(round, WRITERS, post));
        for post in &posts {
            assert!(self.post(&eve, post.clone(), 1_000));
        }
        if let Some(fault) = fault {
            self.disk.set(fault);
        }
        let until = self.disk.now();
        let is_gone = is_taken(&eve.erase());
        self.disk.lift();
        let gone = if is_gone { self.disk.now() } else { u64::MAX };
        let mut lives = self.lives.lock().unwrap();
        for post in &posts {
            let life = lives.get_mut(post).unwrap();
            (life.until, life.gone) = (until, gone);
        }
        is_gone
    }

    fn end(mut self) -> Recorded {
        self.server.kill();
        Recorded {
            journal: Journal::read(&self.disk.journal(), BTreeMap::new()),
            lives: self.lives.into_inner().unwrap(),
        }
    }
}

struct Recorded {
    journal: Journal,
    lives: BTreeMap<String, Life>,
}

impl Recorded {
    /// Cuts the power at a moment and looks at what is there then.
    ///
    /// # Errors
    /// What is wrong with it.
    fn cut(&self, random: &mut Random, is_honest: bool) -> Result<(), String> {
        let moment = self.journal.some_moment(random);
        let now = self.journal.length_at(moment);
        let folder = TempDir::new().unwrap();
        self.journal.cut(moment, random, is_honest, folder.path());
        let store = folder.path().join("data/convosync.db");
        let stored = match store.exists() {
            true => stored(&server_on(&store))?,
            false => [].into(),
        };
        for (conversation, life) in &self.lives {
            let is_stored = stored.contains(conversation);
            if life.from <= now && now < life.until && !is_stored {
                return Err(format!("{conversation} was answered and is lost"));
            }
            if life.gone <= now && is_stored {
                return Err(format!("{conversation} was erased and is back"));
            }
        }
        if store.exists() {
            integrity(&store)?;
        }
        Ok(())
    }

    /// Cuts the power so often; each is told by its number if something is wrong.
    fn survives(&self, cuts: u128) {
        for cut in 0..cuts {
            let mut random = Random::of(u64::try_from(cut).unwrap());
            let survived = self.cut(&mut random, true);
            assert_eq!(survived, Ok(()), "cut {cut}");
        }
        let posts = self.lives.len();
        report(
            "G4",
            &format!("{cuts} cuts of {posts} posts, none lost or damaged"),
        );
    }
}

/// A server that has yet to be started, on a store that was left behind.
fn server_on(store: &Path) -> Server {
    let url = format!("sqlite://{}", store.display());
    Server::stopped_on(None, &[("CONVOSYNC__DATABASE__URL", &url)])
}

/// A few rounds, with kills and stops between them.
fn few_rounds() -> Recorded {
    let mut recording = Recording::start();
    recording.round(0, 6, 1_000);
    recording.server.kill();
    recording.server.restart();
    recording.round(1, 6, 5_000);
    recording.server.stop();
    recording.server.restart();
    recording.round(2, 6, 1_000);
    recording.end()
}

#[test]
fn what_was_answered_is_there_and_what_was_erased_is_gone() {
    let recorded = few_rounds();
    recorded.survives(scaled("CONVOSYNC_POWER_CUTS", 20));
    // A server goes on with it.
    let folder = TempDir::new().unwrap();
    let moment = recorded.journal.records.len() / 2;
    recorded
        .journal
        .cut(moment, &mut Random::of(1), true, folder.path());
    let mut server = server_on(&folder.path().join("data/convosync.db"));
    server.restart();
    let ada = Api::register(&server.url(), "user_id=ada");
    assert!(is_taken(&ada.post(&body(&id(9, 0, 0), 1_000))));
    assert_eq!(server.get("/readyz").status, 200);
}

/// Or the tests here could not fail.
#[test]
fn on_a_disk_that_does_not_sync_the_loss_is_seen() {
    let recorded = few_rounds();
    let cuts = (0..10).map(|cut| recorded.cut(&mut Random::of(cut), false));
    let lost = cuts.filter_map(Result::err).collect::<Vec<_>>();
    assert!(
        lost.iter().any(|found| found.ends_with("is lost")),
        "{lost:?}"
    );
}

#[test]
fn a_log_that_is_moved_into_the_file_and_begun_again() {
    let recording = Recording::start();
    recording.round(0, 3, LONG);
    recording.round(1, 3, 1_000);
    recording
        .end()
        .survives(scaled("CONVOSYNC_POWER_CUTS_OF_LONG_LOGS", 8));
}

/// What could not be synced is clean in memory and may not be on the disk: it must not be built upon.
#[test]
fn after_syncs_that_failed() {
    // With few connections it is likely that for a moment none is open.
    let recording = Recording::start_with(&[("CONVOSYNC__DATABASE__READERS", "1")]);
    let ada = recording.api("ada");
    let mut refused = 0;
    for post in 0..90_u128 {
        match post % 6 {
            0 => recording.disk.set(Fault::once(Call::Sync, 1, EIO)),
            3 => recording.disk.set(Fault::once(Call::Sync, 2, EIO)),
            _ => {}
        }
        let is_taken = recording.post(&ada, id(0, 0, post), 1_000);
        refused += u32::from(!is_taken);
        if post % 15 == 14 {
            let of_the_file = Fault {
                suffix: ".db",
                ..Fault::once(Call::Sync, 1, EIO)
            };
            recording.come_and_go(1 + post, Some(of_the_file));
        }
    }
    assert!(refused > 0);
    recording
        .end()
        .survives(scaled("CONVOSYNC_POWER_CUTS_AFTER_FAILED_SYNCS", 10));
}

#[test]
fn a_store_that_is_being_migrated() {
    let disk = FaultyDisk::new();
    let old = fs::read(format!("{STORES}/convosync.db")).unwrap();
    fs::create_dir(disk.folder().join("data")).unwrap();
    fs::write(disk.store(), &old).unwrap();
    let migrate = Finished::of(disk.server(true).command().arg("migrate"));
    assert_eq!(migrate.code, Some(0), "{migrate:?}");
    let before = [("data/convosync.db".to_owned(), old)].into();
    let journal = Journal::read(&disk.journal(), before);

    let archive = |server: Server| {
        let exported = Finished::of(server.command().arg("export"));
        assert_eq!(exported.code, Some(0), "{exported:?}");
        exported.stdout
    };
    let whole = archive(disk.plain_server());
    assert!(whole.contains("\"title\":\"First\""));
    let cuts = scaled("CONVOSYNC_POWER_CUTS_IN_MIGRATIONS", 10);
    for cut in 0..cuts {
        let mut random = Random::of(u64::try_from(cut).unwrap());
        let folder = TempDir::new().unwrap();
        let moment = journal.some_moment(&mut random);
        journal.cut(moment, &mut random, true, folder.path());
        let store = folder.path().join("data/convosync.db");
        assert_eq!(archive(server_on(&store)), whole, "cut {cut}");
        assert_eq!(integrity(&store), Ok(()), "cut {cut}");
    }
    report("G4", &format!("{cuts} cuts of a migration"));
}
