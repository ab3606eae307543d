//! A disk that is full, and a limit on the size of files.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use rlimit::{Resource, prlimit};

use super::mounts::Mount;
use super::{check_stored, ready, server, until};
use crate::crashes::{body, id};
use crate::support::api::Api;
use crate::support::{Finished, Server, scaled};

/// How often the disk fills and is emptied again: `CONVOSYNC_FULL_DISKS`, 3 unless set.
fn cycles() -> u128 {
    scaled("CONVOSYNC_FULL_DISKS", 3)
}

/// Posts until there is no room, and expects that it is told so; adds what was acknowledged.
fn fill(server: &Server, api: &Api, cycle: u128, acknowledged: &mut Vec<String>) {
    for number in 0.. {
        let conversation = id(cycle, 0, number);
        let answer = api.post(&body(&conversation));
        if answer.status == 200 {
            acknowledged.push(conversation);
            continue;
        }
        assert_eq!(answer.status, 507, "{answer:?}");
        assert_eq!(answer.json()["error"], "Storage is full");
        // Closing a connection can empty the log, and then there is room again.
        if !ready(server) {
            break;
        }
    }
    assert_eq!(api.changes().status, 200);
    assert_eq!(api.ids().is_empty(), acknowledged.is_empty());
}

/// Posts until one is acknowledged.
fn goes_on(server: &Server, api: &Api, cycle: u128, acknowledged: &mut Vec<String>) {
    let mut number = 0;
    until("it does not go on", || {
        number += 1;
        let conversation = id(cycle, 1, number);
        let stored = api.post(&body(&conversation)).status == 200;
        if stored {
            acknowledged.push(conversation);
        }
        stored
    });
    assert!(ready(server));
}

#[test]
fn a_limit_on_the_size_of_files_ends_nothing() {
    let (mut server, ada) = server(&[]);
    let mut acknowledged = Vec::new();
    for cycle in 0..2 {
        let log = server.folder().join("data/convosync.db-wal");
        let limit = fs::metadata(log).unwrap().len() + 300_000;
        let pid = i32::try_from(server.pid()).unwrap();
        prlimit(pid, Resource::FSIZE, Some((limit, rlimit::INFINITY)), None).unwrap();
        fill(&server, &ada, cycle, &mut acknowledged);
        let none = Some((rlimit::INFINITY, rlimit::INFINITY));
        prlimit(pid, Resource::FSIZE, none, None).unwrap();
        goes_on(&server, &ada, cycle, &mut acknowledged);
    }
    assert!(server.stop().success());
    server.restart();
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    check_stored(&ada, &acknowledged);
}

#[test]
fn a_command_that_meets_the_limit_says_so() {
    let (mut server, _) = server(&[]);
    server.stop();
    let store = server.folder().join("other.db");
    let program = server.command();
    let mut limited = Command::new("sh");
    // What the tests are told by variables is no setting.
    limited.env_clear().current_dir(server.folder());
    limited.args(["-c", "ulimit -f 20; exec \"$@\"", "sh"]);
    limited.arg(program.get_program()).arg("migrate");
    limited.arg(format!("--database-url=sqlite://{}", store.display()));
    let finished = Finished::of(&mut limited);
    let complaint = finished.complaint(1);
    assert!(complaint.contains("other.db"), "{complaint}");
}

#[test]
fn a_disk_that_fills_and_is_emptied_again() {
    let Some(disk) = Mount::new("size=12m") else {
        return;
    };
    let url = format!("sqlite://{}/data/convosync.db", disk.path().display());
    let (mut server, ada) = server(&[("CONVOSYNC__DATABASE__URL", &url)]);
    let mut acknowledged = Vec::new();
    let filler = disk.path().join("filler");
    for cycle in 0..cycles() {
        let mut file = fs::File::create(&filler).unwrap();
        while file.write_all(&[0; 16_384]).is_ok() {}
        drop(file);
        fill(&server, &ada, cycle, &mut acknowledged);
        fs::remove_file(&filler).unwrap();
        goes_on(&server, &ada, cycle, &mut acknowledged);
    }
    assert!(server.stop().success());
    server.restart();
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    check_stored(&ada, &acknowledged);
    server.kill();
}
