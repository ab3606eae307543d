//! Small disks of their own, where the system lets one be mounted, and one that is only read.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::server;
use crate::crashes::{body, id};
use crate::support::Finished;

/// A file system in memory, which goes with the test.
pub(super) struct Mount(TempDir);

impl Mount {
    #[expect(
        clippy::print_stderr,
        reason = "a test that is left out has to be seen"
    )]
    /// One with these options; none, and a line that says so, where it may not be mounted.
    pub(super) fn new(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "convosync-test"]);
        if succeeds(mount.arg(folder.path())) {
            return Some(Self(folder));
        }
        eprintln!("skipped: this test has to mount a file system, which is not permitted here");
        None
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    fn read_only(&self, yes: bool) -> bool {
        let options = if yes { "remount,ro" } else { "remount,rw" };
        succeeds(Command::new("mount").args(["-o", options]).arg(self.path()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: the server under test may hold files on it a moment longer.
        succeeds(Command::new("umount").arg("-l").arg(self.path()));
    }
}

fn succeeds(command: &mut Command) -> bool {
    let output = command.output();
    output.is_ok_and(|output| output.status.success())
}

#[test]
fn a_start_on_a_disk_that_is_only_read_ends_by_name() {
    let Some(disk) = Mount::new("size=12m") else {
        return;
    };
    let url = format!("sqlite://{}/data/convosync.db", disk.path().display());
    let (mut server, ada) = server(&[("CONVOSYNC__DATABASE__URL", &url)]);
    assert_eq!(ada.post(&body(&id(0, 0, 0))).status, 200);
    assert!(server.stop().success());
    assert!(disk.read_only(true));
    for arguments in [["serve", "--port=0"], ["visitor", "add"]] {
        let finished = Finished::of(server.command().args(arguments));
        let complaint = finished.complaint(1);
        assert!(complaint.contains("data/convosync.db"), "{complaint}");
    }
    let mut elsewhere = server.command();
    let nowhere = format!("sqlite://{}/other/convosync.db", disk.path().display());
    elsewhere.env("CONVOSYNC__DATABASE__URL", nowhere);
    let finished = Finished::of(elsewhere.arg("migrate"));
    let complaint = finished.complaint(1);
    assert!(
        complaint.starts_with("cannot make the folder "),
        "{complaint}"
    );
    assert!(disk.read_only(false));
    server.restart();
    assert_eq!(server.get("/readyz").status, 200);
    server.kill();
}
