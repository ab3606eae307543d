//! The file system that a path is on, as Linux lists it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::finding::Finding;

const CHECK: &str = "file system";
/// What the system has mounted; other systems have no such list.
const LIST: &str = "/proc/self/mountinfo";
const ON_A_LOCAL_DISK: &str =
    "set database.url to a path on a local disk, or use PostgreSQL for a store on another machine";

/// Something mounted.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    point: PathBuf,
    kind: String,
    is_read_only: bool,
}

/// What a store on the file system of this folder, which is there, has to fear.
pub(super) fn finding(folder: &Path) -> Option<Finding> {
    let list = fs::read_to_string(LIST).ok()?;
    let folder = fs::canonicalize(folder).ok()?;
    of(&folder, &list)
}

fn of(folder: &Path, list: &str) -> Option<Finding> {
    // Of two at the same place the later one is seen.
    let mount = list
        .lines()
        .filter_map(parse)
        .filter(|mount| folder.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count())?;
    let Mount { point, kind, .. } = &mount;
    let place = format!("{kind} at {}", point.display());
    if mount.is_read_only {
        return Some(Finding::failed(
            CHECK,
            format!("{place} is mounted read-only"),
            format!(
                "mount it to be written (mount -o remount,rw {}); in a container, mount the volume without :ro",
                point.display()
            ),
        ));
    }
    Some(match kind.as_str() {
        "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "9p" | "afs" | "ceph" | "glusterfs"
        | "lustre" | "virtiofs" => Finding::failed(
            CHECK,
            format!("{place} is on a network: locks and the log of SQLite are not safe there"),
            ON_A_LOCAL_DISK,
        ),
        kind if kind.starts_with("fuse") => Finding::warning(
            CHECK,
            format!(
                "{place} is a file system of a program (FUSE), which may not lock or sync as a disk does"
            ),
            ON_A_LOCAL_DISK,
        ),
        "tmpfs" | "ramfs" => Finding::warning(
            CHECK,
            format!("{place} is memory: the store is gone with the next restart"),
            ON_A_LOCAL_DISK,
        ),
        "overlay" | "aufs" => Finding::warning(
            CHECK,
            format!("{place} is a layer of a container: the store is gone with the container"),
            "mount a volume at the folder of the store (docker run -v convosync:/data)",
        ),
        _ => Finding::ok(CHECK, place),
    })
}

/// `36 35 98:0 / /mnt rw,noatime master:1 - ext4 /dev/root rw,errors=continue`
fn parse(line: &str) -> Option<Mount> {
    let (of_mount, of_system) = line.split_once(" - ")?;
    let mut fields = of_mount.split(' ').skip(4);
    let point = fields.next()?;
    let options = fields.next()?;
    let mut fields = of_system.split(' ');
    let kind = fields.next()?;
    let of_system = fields.nth(1).unwrap_or_default();
    let is_read_only = |options: &str| options.split(',').any(|option| option == "ro");
    let point = point
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\134", "\\");
    Some(Mount {
        point: PathBuf::from(point),
        kind: kind.to_owned(),
        is_read_only: is_read_only(options) || is_read_only(of_system),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    const LIST: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /srv/a\\040b ro,relatime - ext4 /dev/sdb1 rw
31 22 0:41 / /srv/share rw,relatime - nfs4 host:/share rw,vers=4.2
32 22 0:42 / /srv/cloud rw - fuse.rclone remote: rw
33 22 0:43 / /tmp rw - tmpfs tmpfs rw
34 22 0:44 / /srv/share/disk rw - xfs /dev/sdc1 rw
35 22 0:45 / /layer rw - overlay overlay rw,lowerdir=/ro
no mount
";

    #[test]
    fn what_a_store_has_to_fear() {
        for (folder, expected) in [
            ("/var/lib/convosync", Status::Ok),
            ("/srv/a b/data", Status::Failed),
            ("/srv/share/data", Status::Failed),
            ("/srv/shared", Status::Ok),
            ("/srv/share/disk/data", Status::Ok),
            ("/srv/cloud", Status::Warning),
            ("/tmp/x", Status::Warning),
            ("/layer", Status::Warning),
        ] {
            let finding = of(Path::new(folder), LIST).unwrap();
            assert_eq!(finding.status, expected, "{folder}: {finding:?}");
        }
        let finding = of(Path::new("/srv/a b"), LIST).unwrap();
        assert!(finding.found.contains("read-only"), "{finding:?}");
        assert_eq!(of(Path::new("/"), ""), None);
    }
}
