//! Names of folders and files that are still there after a power cut: a name lasts once its folder was synced. SQLite
//! sees to the folder of the file, but not to those above it.

#[cfg(unix)]
use std::fs::File;
use std::io;
#[cfg(unix)]
use std::io::ErrorKind;
use std::path::Path;

/// How many folders have to be made for this one to be there.
pub(super) fn missing_folders(folder: &Path) -> usize {
    let missing = folder.ancestors().take_while(|folder| !folder.exists());
    missing.count()
}

/// Makes the names in a folder last, and its own, and those of the folders above it if so many were missing. Its own
/// always: a start that broke off may have made it.
pub(super) fn keep_names(folder: &Path, missing: usize) -> io::Result<()> {
    let mut folders = folder.ancestors().take(1 + missing.max(1));
    folders.try_for_each(sync)
}

#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Not every folder may be read, and not every file system can do it.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

#[cfg(not(unix))]
fn sync(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_up_to_the_folder_that_was_there() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("a/b");
        assert_eq!(missing_folders(&folder), 2);
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(missing_folders(&folder), 0);
        for missing in 0..3 {
            keep_names(&folder, missing).unwrap();
        }
        // Of the root there is none above.
        keep_names(Path::new("/"), 0).unwrap();
        assert!(keep_names(&folder.join("gone"), 0).is_err());
    }
}
