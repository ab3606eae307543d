//! The folder, and what is in it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use actix_files::NamedFile;
use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::wanted::Wanted;

/// The page of a folder.
const PAGE: &str = "index.html";

/// A folder whose files are served beside the API. It is opened anew for each of them, so that another one may be put
/// in its place.
#[derive(Clone, Debug)]
pub struct StaticFolder {
    path: PathBuf,
}

/// What is where a request looks.
#[derive(Debug)]
pub(super) enum Found {
    /// A file, or a folder's page.
    File(Box<NamedFile>),
    /// A folder that has a page, asked for without the slash at its end.
    Folder,
}

impl StaticFolder {
    /// The folder at this path.
    ///
    /// # Errors
    /// If it is not there, is no folder, or cannot be read.
    pub fn at(path: &Path) -> io::Result<Self> {
        let folder = Self {
            path: path.to_owned(),
        };
        folder.open()?.entries()?;
        Ok(folder)
    }

    /// Whether there is a page for whoever asks for `/`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn has_start_page(&self) -> io::Result<bool> {
        let found = self.find(&Wanted::start_page())?;
        Ok(found.is_some())
    }

    fn open(&self) -> io::Result<Dir> {
        Dir::open_ambient_dir(&self.path, ambient_authority())
    }

    /// What is at this place. What leads out of the folder, or may not be read, is not there.
    pub(super) fn find(&self, wanted: &Wanted) -> io::Result<Option<Found>> {
        match self.look(wanted) {
            Ok(found) => Ok(found),
            Err(error) if is_absence(error.kind()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn look(&self, wanted: &Wanted) -> io::Result<Option<Found>> {
        let folder = self.open()?;
        let is_folder = match wanted.path.as_os_str().is_empty() {
            true => true,
            false => folder.metadata(&wanted.path)?.is_dir(),
        };
        if !is_folder {
            return match wanted.is_folder {
                true => Ok(None),
                false => open(&folder, &wanted.path),
            };
        }
        let page = open(&folder, &wanted.path.join(PAGE))?;
        Ok(match wanted.is_folder {
            true => page,
            false => page.map(|_| Found::Folder),
        })
    }
}

/// Opens a file, if it is one: a pipe would wait for somebody who writes.
fn open(folder: &Dir, path: &Path) -> io::Result<Option<Found>> {
    if !folder.metadata(path)?.is_file() {
        return Ok(None);
    }
    let file = folder.open(path)?.into_std();
    NamedFile::from_file(file, path).map(|file| Some(Found::File(Box::new(file))))
}

fn is_absence(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::PermissionDenied
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidFilename
    )
}
