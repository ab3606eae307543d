//! What there is to find about a store in an SQLite file.

use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use convosync_storage_diesel::sqlite::{self, Examined};
use rustix::fs::{Access, StatVfs, access, statvfs};
use rustix::process::{FlockType, fcntl_getlk, geteuid};

use super::{mount, schema_finding};
use crate::finding::Finding;
use crate::private_file::OTHERS;

const MIB: u64 = 1 << 20;
/// With less the next posts fill the disk.
const ROOM_MIN: u64 = 64 * MIB;
/// New files that a store and its backups may need.
const INODES_MIN: u64 = 16;
/// The log is cut down to 64 MiB whenever it has been written into the file.
const LOG_MAX: u64 = 256 * MIB;

pub(super) fn findings(path: &Path, thoroughly: bool) -> Vec<Finding> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(&path);
    let mut findings = Vec::new();
    findings.push(folder_finding(folder));
    if let Some(existing) = folder.ancestors().find(|folder| folder.exists()) {
        findings.extend(mount::finding(existing));
        if let Ok(room) = statvfs(existing) {
            findings.extend(room_findings(
                &room,
                size(&path) + size(&beside(&path, "-wal")),
            ));
        }
    }
    match fs::metadata(&path) {
        Ok(metadata) => {
            findings.extend(file_findings(&path, &metadata));
            if metadata.is_file() {
                findings.push(content(&path, thoroughly));
                findings.extend(whole(&path, thoroughly));
            }
        }
        // A link to nothing, too.
        Err(_) if fs::symlink_metadata(&path).is_ok() => findings.push(Finding::failed(
            "store file",
            format!("{} is a link to what is not there", path.display()),
            "put back the file it leads to, or remove the link",
        )),
        Err(error) if error.kind() != ErrorKind::NotFound => findings.push(Finding::failed(
            "store file",
            format!("{} cannot be looked at: {error}", path.display()),
            owner_advice(folder),
        )),
        Err(_) => findings.push(Finding::ok(
            "store file",
            format!(
                "{} is not there yet; the first start makes it",
                path.display()
            ),
        )),
    }
    findings
}

fn folder_finding(folder: &Path) -> Finding {
    const CHECK: &str = "store folder";
    let shown = folder.display();
    if !folder.exists() {
        let existing = folder.ancestors().find(|folder| folder.exists());
        return match existing {
            Some(existing) if existing.is_dir() && may_write(existing) => Finding::ok(
                CHECK,
                format!("{shown} is not there yet; the first start makes it"),
            ),
            existing => Finding::failed(
                CHECK,
                format!(
                    "{shown} is not there and cannot be made in {}",
                    existing.unwrap_or(folder).display()
                ),
                format!("mkdir -p {shown} && chown USER {shown}, for the user that serves"),
            ),
        };
    }
    let Ok(metadata) = fs::metadata(folder) else {
        return Finding::failed(
            CHECK,
            format!("{shown} cannot be looked at"),
            owner_advice(folder),
        );
    };
    if !may_write(folder) {
        return Finding::failed(
            CHECK,
            format!(
                "{shown} cannot be written by this user (uid {})",
                geteuid().as_raw()
            ),
            owner_advice(folder),
        );
    }
    let mode = metadata.mode() & 0o7777;
    // Others may remove files unless the folder is sticky.
    if mode & 0o002 != 0 && mode & 0o1000 == 0 {
        return Finding::warning(
            CHECK,
            format!("every user of this machine can replace files in {shown} (mode {mode:o})"),
            format!("chmod o-w {shown}"),
        );
    }
    Finding::ok(CHECK, format!("{shown} (mode {mode:o})"))
}

fn file_findings(path: &Path, metadata: &Metadata) -> Vec<Finding> {
    const CHECK: &str = "store file";
    let shown = path.display();
    if !metadata.is_file() {
        return vec![Finding::failed(
            CHECK,
            format!("{shown} is no file"),
            "set database.url to the path of a file",
        )];
    }
    let mut findings = Vec::new();
    let mode = metadata.mode() & 0o777;
    findings.push(if !may_read_and_write(path) {
        Finding::failed(
            CHECK,
            format!(
                "{shown} cannot be read and written by this user (uid {})",
                geteuid().as_raw()
            ),
            owner_advice(path),
        )
    } else if mode & OTHERS != 0 {
        Finding::warning(
            CHECK,
            format!("every user of this machine can read {shown} (mode {mode:o})"),
            format!("chmod o-rwx {shown}*"),
        )
    } else {
        let mib = size(path) / MIB;
        Finding::ok(CHECK, format!("{shown} (mode {mode:o}, {mib} MiB)"))
    });
    if metadata.nlink() > 1 {
        findings.push(Finding::failed(
            "links",
            format!(
                "{shown} has {} names (hard links): under another one SQLite misses its log and \
                 its locks",
                metadata.nlink()
            ),
            format!(
                "find the others by `find / -xdev -inum {}` and remove them, while no server runs",
                metadata.ino()
            ),
        ));
    }
    if !geteuid().is_root() && metadata.uid() != geteuid().as_raw() {
        findings.push(Finding::note(
            "owner",
            format!(
                "{shown} belongs to uid {}, and this runs as uid {}",
                metadata.uid(),
                geteuid().as_raw()
            ),
            "run the doctor as the user that serves: it sees what the server sees",
        ));
    }
    let log = size(&beside(path, "-wal"));
    if log > LOG_MAX {
        findings.push(Finding::warning(
            "log",
            format!(
                "{shown}-wal has {} MiB: something that reads keeps it from being written \
                 into the file",
                log / MIB
            ),
            "end whatever else has the file open (`fuser` names it), or restart the server",
        ));
    }
    findings.push(holder(path));
    findings
}

/// Who has the store open: whoever has keeps a lock on the index of its log.
fn holder(path: &Path) -> Finding {
    const CHECK: &str = "in use";
    let index = File::open(beside(path, "-shm")).ok();
    let lock = index.and_then(|index| {
        fcntl_getlk(&index, &FlockType::WriteLock.into())
            .ok()
            .flatten()
    });
    match lock {
        Some(lock) => {
            let who = lock
                .pid
                .map(|pid| format!("process {}", pid.as_raw_nonzero()));
            let who = who.unwrap_or_else(|| "a process".to_owned());
            Finding::ok(CHECK, format!("{who} has the store open"))
        }
        None => Finding::ok(CHECK, "nobody has the store open"),
    }
}

/// What is in the file.
fn content(path: &Path, thoroughly: bool) -> Finding {
    match sqlite::examine(path, false) {
        Ok(Examined { schema, .. }) => schema_finding::of(&schema),
        Err(error) => Finding::failed(
            "schema",
            error.to_string(),
            match thoroughly {
                true => "restore a backup, if nobody has the file locked",
                false => {
                    "if nobody has it locked: restore a backup, or set database.url to a store of Convosync"
                }
            },
        ),
    }
}

/// Whether the whole of the file is sound, if that is asked for.
fn whole(path: &Path, thoroughly: bool) -> Option<Finding> {
    const CHECK: &str = "integrity";
    const RESTORE: &str = "stop the server, keep a copy of the files, and restore a backup";
    if !thoroughly {
        return None;
    }
    Some(match sqlite::examine(path, true) {
        Ok(Examined { damage: None, .. }) => Finding::ok(CHECK, "quick_check finds no damage"),
        Ok(Examined {
            damage: Some(damage),
            ..
        }) => Finding::failed(CHECK, format!("the file is damaged: {damage}"), RESTORE),
        Err(error) => Finding::failed(CHECK, error.to_string(), RESTORE),
    })
}

fn room_findings(room: &StatVfs, store: u64) -> Vec<Finding> {
    const CHECK: &str = "free room";
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let mut findings = vec![room_finding(free, store)];
    // File systems without a fixed number of files tell none.
    if room.f_files > 0 && room.f_favail < INODES_MIN {
        findings.push(Finding::failed(
            CHECK,
            format!("the file system has {} inodes left", room.f_favail),
            "remove files: `df -i` shows where they are",
        ));
    }
    findings
}

fn room_finding(free: u64, store: u64) -> Finding {
    const CHECK: &str = "free room";
    let found = format!("{} MiB free, {} MiB of store", free / MIB, store / MIB);
    if free < ROOM_MIN {
        Finding::failed(
            CHECK,
            found,
            "make room, or move the store to a larger disk: posts are answered 507 once it is full",
        )
    } else if free < store {
        Finding::warning(
            CHECK,
            found,
            "make room: a backup beside the store, or VACUUM, takes as much again as the store has",
        )
    } else {
        Finding::ok(CHECK, found)
    }
}

fn owner_advice(path: &Path) -> String {
    format!("chown USER {}, for the user that serves", path.display())
}

fn may_write(folder: &Path) -> bool {
    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

fn may_read_and_write(file: &Path) -> bool {
    access(file, Access::READ_OK | Access::WRITE_OK).is_ok()
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The name of a file that SQLite has beside this one.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::finding::Status;

    /// The status of one check.
    fn status(path: &Path, check: &str) -> Option<Status> {
        let findings = findings(path, false);
        let found = findings.iter().find(|finding| finding.check == check);
        found.map(|finding| finding.status)
    }

    #[test]
    fn nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/of/convosync.db");
        assert_eq!(status(&path, "store folder"), Some(Status::Ok));
        assert_eq!(status(&path, "store file"), Some(Status::Ok));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // A file where the folder would be.
        fs::write(folder.path().join("data"), "").unwrap();
        assert_eq!(status(&path, "store folder"), Some(Status::Failed));
    }

    #[test]
    fn who_may_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        fs::write(&path, "").unwrap();
        let chmod = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        for (mode, expected) in [
            (0o600, Status::Ok),
            (0o640, Status::Ok),
            (0o644, Status::Warning),
            (0o666, Status::Warning),
        ] {
            chmod(&path, mode);
            assert_eq!(status(&path, "store file"), Some(expected), "{mode:o}");
        }
        for (mode, expected) in [
            (0o755, Status::Ok),
            (0o777, Status::Warning),
            (0o1777, Status::Ok),
        ] {
            chmod(folder.path(), mode);
            assert_eq!(status(&path, "store folder"), Some(expected), "{mode:o}");
        }
    }

    #[test]
    fn other_names_of_the_file_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        fs::write(&path, "").unwrap();
        assert_eq!(status(&path, "links"), None);
        fs::hard_link(&path, folder.path().join("other.db")).unwrap();
        assert_eq!(status(&path, "links"), Some(Status::Failed));
        assert_eq!(status(folder.path(), "store file"), Some(Status::Failed));
        assert_eq!(
            status(&path.join("x.db"), "store file"),
            Some(Status::Failed)
        );
        let link = folder.path().join("link.db");
        symlink("nowhere", &link).unwrap();
        assert_eq!(status(&link, "store file"), Some(Status::Failed));
    }

    #[test]
    fn a_long_log_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        fs::write(&path, "").unwrap();
        let log = File::create(beside(&path, "-wal")).unwrap();
        log.set_len(LOG_MAX + 1).unwrap();
        assert_eq!(status(&path, "log"), Some(Status::Warning));
    }

    #[test]
    fn room_is_compared_with_the_store() {
        for (free, store, expected) in [
            (1_000, 10, Status::Ok),
            (1_000, 1_001, Status::Warning),
            (63, 1, Status::Failed),
        ] {
            let finding = room_finding(free * MIB, store * MIB);
            assert_eq!(finding.status, expected, "{free} {store}");
        }
    }

    #[test]
    fn what_is_no_store_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        fs::write(&path, vec![b'x'; 4_096]).unwrap();
        assert_eq!(status(&path, "schema"), Some(Status::Failed));
        assert_eq!(status(&path, "in use"), Some(Status::Ok));
        assert_eq!(status(&path, "integrity"), None);
    }
}
