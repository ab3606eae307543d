//! What a path asks for.

use std::path::{Path, PathBuf};

use actix_files::PathBufWrap;

use crate::endpoints::metrics;

/// Where the paths of the API begin, those included that it does not have.
const API: &str = "api";
/// What is hidden by its name and meant to be seen (RFC 8615).
const WELL_KNOWN: &str = ".well-known";

/// A place below the folder of files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Names and nothing else: no root, no `..`. Empty for the folder itself.
    pub(super) path: PathBuf,
    /// Whether the path ends as that of a folder.
    pub(super) is_folder: bool,
}

impl Wanted {
    /// What a path of a URL asks for, as it was sent; `None` where that is no place of files, is hidden or belongs to
    /// the API.
    pub(super) fn by(path: &str) -> Option<Self> {
        let parsed = PathBufWrap::parse_path(path, true).ok()?;
        let wanted: &Path = parsed.as_ref();
        let is_hidden = wanted.iter().enumerate().any(|(depth, name)| {
            let is_well_known = depth == 0 && name == WELL_KNOWN;
            name.as_encoded_bytes().starts_with(b".") && !is_well_known
        });
        let is_of_api =
            wanted.starts_with(API) || Path::new("/").join(wanted) == Path::new(metrics::PATH);
        (!is_hidden && !is_of_api).then(|| Self {
            path: wanted.to_owned(),
            is_folder: path.ends_with('/'),
        })
    }

    /// The page of the folder itself.
    pub(super) fn start_page() -> Self {
        Self {
            path: PathBuf::new(),
            is_folder: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(path: &str) -> Option<String> {
        let wanted = Wanted::by(path)?;
        let end = if wanted.is_folder { " (folder)" } else { "" };
        Some(format!("{}{end}", wanted.path.display()))
    }

    #[test]
    fn places_of_files() {
        for (path, expected) in [
            ("/", " (folder)"),
            ("/index.html", "index.html"),
            ("/a/b/", "a/b (folder)"),
            ("//a//b", "a/b"),
            ("/a%20b", "a b"),
            ("/%C3%A9", "\u{e9}"),
            // Decoded once.
            ("/%252e%252e/x", "%2e%2e/x"),
            ("/a/../b", "b"),
            ("/../../etc/passwd", "etc/passwd"),
            ("/%2e%2e/%2e%2e/etc/passwd", "etc/passwd"),
            ("/apis/x", "apis/x"),
            ("/metrics/x", "metrics/x"),
            ("/.well-known/security.txt", ".well-known/security.txt"),
        ] {
            assert_eq!(wanted(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn no_places_of_files() {
        for path in [
            "/.env",
            "/%2eenv",
            "/.git/config",
            "/a/.b/c",
            "/a/.well-known/c",
            "/.well-known/.x",
            "/./a",
            "/a%2Fb",
            "/a/%2e%2e%2fb",
            "/%ff",
            "*",
            "/api",
            "/api/",
            "/api/nothing",
            "/%61pi/nothing",
            "/x/../api/nothing",
            "//api/nothing",
            "/metrics",
            "/metrics/",
        ] {
            assert_eq!(wanted(path), None, "{path}");
        }
    }
}
