//! Where a store is: what of a path is followed, made or refused before SQLite opens anything.

use std::fs::{self, DirBuilder, DirEntry, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::errors::OpenError;
use super::files::REPLACED;
use super::lasting_names::{keep_names, missing_folders};
use super::opened_files::{StoreFiles, beside, length};

/// Makes a folder that nobody else can look into, unless it is there, and those above it.
pub(super) fn make_folder(folder: &Path) -> Result<(), OpenError> {
    let mut folders = DirBuilder::new();
    let made = folders.recursive(true).mode(0o700).create(folder);
    made.map_err(|error| OpenError::Folder {
        path: folder.to_owned(),
        reason: error.to_string(),
    })
}

/// A file that only its owner can read; SQLite gives the files beside it the same mode.
fn new_file() -> OpenOptions {
    let mut file = OpenOptions::new();
    file.write(true).create_new(true).mode(0o600);
    file
}

/// Finds the files of the store at this path, and makes the file and missing folders where there is nothing yet.
pub(super) fn prepare(path: &Path) -> Result<StoreFiles, OpenError> {
    let named = std::path::absolute(path).map_err(|error| OpenError::Unusable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let unusable = |reason: String| OpenError::Unusable {
        path: named.clone(),
        reason,
    };
    let missing = named.parent().map_or(0, missing_folders);
    if let Some(folder) = named.parent() {
        make_folder(folder)?;
    }
    let path = resolve(&named).map_err(|error| unusable(error.to_string()))?;
    let log = beside(&path, "-wal");
    if length(&path) == 0 && length(&log) > 0 {
        // SQLite would take the log for an old one and delete it.
        return Err(unusable(format!(
            "there is nothing in it, but {} holds what was written last: put the file that it belongs to back, \
             or the log away",
            log.display()
        )));
    }
    // One that is there is not opened, as closing it would end the locks that SQLite has on it
    // in this process.
    match new_file().open(&path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(unusable(error.to_string()));
        }
        _ => {}
    }
    for folder in [named.parent(), path.parent()].into_iter().flatten() {
        keep_names(folder, missing).map_err(|error| unusable(error.to_string()))?;
    }
    let metadata = fs::metadata(&path).map_err(|error| unusable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(unusable("it is not a file".to_owned()));
    }
    let names = names_of(&path, &metadata);
    if names > 1 {
        return Err(unusable(format!(
            "it has {names} names (hard links), each of which would have a write-ahead log of its own",
        )));
    }
    if let Some(kind) = network_file_system(&path).map_err(|error| unusable(error.to_string()))? {
        return Err(unusable(format!(
            "it is on a network file system ({kind}), whose locks SQLite cannot rely on: use a local disk, or PostgreSQL"
        )));
    }
    Ok(StoreFiles::at(named, path))
}

/// How many names a file has, but for those under which a restoration was to keep it that broke off.
fn names_of(path: &Path, metadata: &Metadata) -> u64 {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return metadata.nlink();
    };
    let kept = format!("{}{REPLACED}", name.to_string_lossy());
    let is_kept = |entry: &DirEntry| {
        let is_the_file =
            |other: Metadata| (other.dev(), other.ino()) == (metadata.dev(), metadata.ino());
        entry.file_name().to_string_lossy().starts_with(&kept)
            && entry.metadata().is_ok_and(is_the_file)
    };
    let kept = match fs::read_dir(folder) {
        Ok(entries) if metadata.nlink() > 1 => entries.flatten().filter(is_kept).count(),
        _ => 0,
    };
    let kept = u64::try_from(kept).unwrap_or(u64::MAX);
    metadata.nlink().saturating_sub(kept)
}

/// Follows symbolic links, of which the last may not lead to nothing.
fn resolve(named: &Path) -> io::Result<PathBuf> {
    let is_new = fs::symlink_metadata(named).is_err_and(|it| it.kind() == ErrorKind::NotFound);
    match (is_new, named.parent(), named.file_name()) {
        (true, Some(folder), Some(name)) => Ok(fs::canonicalize(folder)?.join(name)),
        _ => fs::canonicalize(named).map_err(|error| match error.kind() {
            ErrorKind::NotFound => io::Error::other("it is a symbolic link that leads nowhere"),
            _ => error,
        }),
    }
}

/// The file system that a path is on, where it is one of the network.
#[cfg(target_os = "linux")]
#[allow(
    clippy::useless_conversion,
    reason = "the number has another type where words are shorter"
)]
fn network_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    Ok(name_of(rustix::fs::statfs(path)?.f_type.into()))
}

#[cfg(not(target_os = "linux"))]
fn network_file_system(_: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// The name of a network file system by its number, which only its lower 32 bits are. The numbers are Linux's
/// (`linux/magic.h`).
#[cfg(target_os = "linux")]
fn name_of(number: i64) -> Option<&'static str> {
    match number & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0x517b => Some("SMB"),
        0xff53_4d42 => Some("CIFS"),
        0xfe53_4d42 => Some("SMB2"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn refusal(path: &Path) -> String {
        prepare(path).map(|_| ()).unwrap_err().to_string()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_link_that_leads_nowhere_or_to_itself_is_refused_and_nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink(at("nothing"), at("dangling")).unwrap();
        symlink(at("loop"), at("loop")).unwrap();
        symlink(at("missing"), at("folder")).unwrap();
        for (link, reason) in [
            ("dangling", "it is a symbolic link that leads nowhere"),
            ("loop", "symbolic links"),
            ("folder/convosync.db", "cannot make the folder"),
        ] {
            let refused = refusal(&at(link));
            assert!(refused.contains(reason), "{refused}");
            assert!(refused.contains(at(link).to_str().unwrap()) || link.contains('/'));
        }
        assert_eq!(names(folder.path()), ["dangling", "folder", "loop"]);
    }

    #[test]
    fn a_link_leads_to_the_files_beside_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("store"), "").unwrap();
        symlink(inner.join("store"), folder.path().join("link")).unwrap();
        let files = prepare(&folder.path().join("link")).unwrap();
        let inner = fs::canonicalize(inner).unwrap();
        assert_eq!(files.path(), inner.join("store"));
        assert_eq!(files.beside("-wal"), inner.join("store-wal"));
    }

    #[test]
    fn a_file_with_two_names_and_what_is_no_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("one"), "").unwrap();
        fs::hard_link(at("one"), at("other")).unwrap();
        for name in ["one", "other"] {
            let refused = refusal(&at(name));
            assert!(refused.contains("it has 2 names"), "{refused}");
            assert!(refused.contains(at(name).to_str().unwrap()), "{refused}");
        }
        // One under which nobody opens it: a restoration broke off.
        fs::rename(at("other"), at("one.replaced-20261128T170000Z")).unwrap();
        prepare(&at("one")).unwrap();
        let refused = refusal(folder.path());
        assert!(refused.ends_with("it is not a file"), "{refused}");
    }

    #[test]
    fn no_empty_file_is_put_beside_a_log_that_lost_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("store-wal"), "what was written last").unwrap();
        let refused = refusal(&at("store"));
        assert!(refused.contains("store-wal holds what"), "{refused}");
        assert_eq!(names(folder.path()), ["store-wal"]);
        fs::write(at("store"), "").unwrap();
        let refused = refusal(&at("store"));
        assert!(refused.contains("store-wal holds what"), "{refused}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn network_file_systems_are_known_by_their_numbers() {
        for (number, name) in [
            (0x6969, Some("NFS")),
            (0xff53_4d42, Some("CIFS")),
            // As a system with numbers of 32 bits tells it.
            (i64::from(0xfe53_4d42_u32.cast_signed()), Some("SMB2")),
            (0xef53, None),
            (0x0102_1994, None),
        ] {
            assert_eq!(name_of(number), name, "{number:x}");
        }
        assert_eq!(network_file_system(Path::new("/")).unwrap(), None);
    }
}
