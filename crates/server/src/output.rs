//! What commands print for their callers.

use std::io::{self, Write as _};

use crate::failure::Failure;

/// Writes these lines to stdout. A reader that has gone away, as `head` does, has all it wants.
pub(crate) fn print(lines: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{}", lines.trim_end()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes this line to stderr. A failure to write is ignored: there is nowhere left to report it.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
