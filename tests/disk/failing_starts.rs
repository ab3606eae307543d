//! Calls to the disk that fail while a server starts, on a new store or one that has to be migrated: it starts, or ends
//! by telling why, and the next start succeeds.

use std::fs;

use super::faulty_disk::{Call, EIO, Fault, FaultyDisk};
use super::posts::{body, is_taken};
use crate::crashes::id;
use crate::support::api::Api;
use crate::support::{Finished, scaled};
use crate::upgrades::STORES;

const CALLS: [Call; 5] = [
    Call::Open,
    Call::Read,
    Call::Write,
    Call::Sync,
    Call::Truncate,
];

/// Starts a server on a disk with this in it while some of these calls fail, each in a start of its own.
fn start_while_each_fails(call: Call, prepare: impl Fn(&FaultyDisk), check: impl Fn(&FaultyDisk)) {
    let disk = FaultyDisk::new();
    prepare(&disk);
    disk.set(Fault::once(call, u64::MAX, EIO));
    disk.server(false).restart();
    let total = disk.seen();

    // Spread over all there are, as most of them are of the same few kinds.
    let starts = u64::try_from(scaled("CONVOSYNC_FAILING_STARTS", 3)).unwrap();
    let starts = starts.min(total);
    for start in 0..starts {
        for lasts in [false, true] {
            let fault = Fault {
                lasts,
                ..Fault::once(call, 1 + start * total / starts, EIO)
            };
            let disk = FaultyDisk::new();
            prepare(&disk);
            disk.set(fault);
            let mut server = disk.server(false);
            if let Err(ended) = server.try_restart() {
                assert_eq!(ended.code, Some(1), "{fault:?}: {ended:?}");
                let complaint = ended.stderr.lines().last().unwrap();
                assert!(
                    complaint.starts_with("convosync: "),
                    "{fault:?}: {complaint}"
                );
                let folder = disk.folder();
                let folder = folder.to_str().unwrap();
                assert!(complaint.contains(folder), "{fault:?}: {complaint}");
                assert!(!ended.stderr.contains("panicked"), "{fault:?}: {ended:?}");
                disk.lift();
                server.restart();
            }
            disk.lift();
            let ada = Api::register(&server.url(), "user_id=ada");
            assert!(is_taken(&ada.post(&body(&id(0, 0, 0), 100))), "{fault:?}");
            server.kill();
            check(&disk);
        }
    }
}

#[test]
fn a_new_store() {
    for call in CALLS {
        start_while_each_fails(call, |_| {}, |_| {});
    }
}

#[test]
fn a_store_of_an_earlier_schema() {
    let old = fs::read(format!("{STORES}/convosync.db")).unwrap();
    let prepare = |disk: &FaultyDisk| {
        fs::create_dir(disk.folder().join("data")).unwrap();
        fs::write(disk.store(), &old).unwrap();
    };
    let archive = fs::read_to_string(format!("{STORES}/sqlite.ndjson")).unwrap();
    let titles = |archive: &str| archive.matches("\"title\":").count();
    let check = |disk: &FaultyDisk| {
        let exported = Finished::of(disk.plain_server().command().arg("export"));
        assert_eq!(exported.code, Some(0), "{exported:?}");
        // And the one that was posted since.
        assert_eq!(titles(&exported.stdout), titles(&archive) + 1);
    };
    for call in CALLS {
        start_while_each_fails(call, prepare, check);
    }
}
