//! A restoration that is killed at any moment.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{back_up, done, post, server, store_of};
use crate::support::api::Api;
use crate::support::{Server, report, scaled};

/// How often one is killed: `CONVOSYNC_BACKUPS` times eight, eight times unless set.
fn rounds() -> u64 {
    8 * u64::try_from(scaled("CONVOSYNC_BACKUPS", 1)).unwrap()
}

/// How many conversations the visitors have.
fn conversations(server: &Server) -> Vec<u64> {
    let visitors = done(server, &["visitor", "list", "--json"]);
    let visitors = visitors.lines().map(|line| {
        let visitor: Value = serde_json::from_str(line).unwrap();
        visitor["conversations"].as_u64().unwrap()
    });
    visitors.collect()
}

#[test]
fn either_store_is_there_and_whole_whenever_it_is_killed() {
    let mut server = server(&[]);
    let ada = Api::register(&server.url(), "user_id=ada");
    post(&ada, 1, "in both");
    back_up(&server, "backup.db");
    post(&ada, 2, "in the new one alone");
    // As after a power cut: a part of the store is in its log.
    server.kill();
    let data = server.folder().join("data");
    let saved = server.folder().join("saved");
    copy(&data, &saved);
    for round in 0..rounds() {
        fs::remove_dir_all(&data).unwrap();
        copy(&saved, &data);
        let mut restore = server.command();
        let mut restore = restore
            .args(["restore", "backup.db", "--force"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(5 + round * 37 % 160));
        // It may be done.
        drop(restore.kill());
        drop(restore.wait());
        assert!(store_of(&server).exists());
        assert_eq!(done(&server, &["check"]), "ok\n");
        let found = conversations(&server);
        assert!(found == [1] || found == [2], "a mixture: {found:?}");
        // And it can be done again.
        done(&server, &["restore", "backup.db", "--force"]);
        assert_eq!(conversations(&server), [1]);
    }
    report(
        "G12",
        &format!("{} restorations killed, one store whole", rounds()),
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
