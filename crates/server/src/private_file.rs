//! Whether a file that holds a secret is its owner's alone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::finding::Finding;

/// What everybody may do with a file or a folder.
pub(crate) const OTHERS: u32 = 0o007;

/// Whether others than its owner and its group can read a file; nothing of one that is not there.
pub(crate) fn finding(check: &'static str, file: &Path) -> Option<Finding> {
    let mode = fs::metadata(file).ok()?.permissions().mode();
    let path = file.display();
    Some(match mode & OTHERS {
        0 => Finding::ok(
            check,
            format!("{path} is private (mode {:o})", mode & 0o777),
        ),
        _ => Finding::warning(
            check,
            format!(
                "{path} holds a secret, and every user of this machine can read it (mode {:o})",
                mode & 0o777
            ),
            format!("chmod o-rwx {path}"),
        ),
    })
}
