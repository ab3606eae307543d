//! How long a file that the process writes may become.

use tokio::signal::unix::{SignalKind, signal};

/// Has a write beyond the limit (`ulimit -f`, `LimitFSIZE=`) fail, so that the store says that it is full. Else the
/// system ends the program in the middle of it, by a signal.
pub(crate) fn outlive() {
    let exceeded = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // The handler stays when what it would tell is dropped.
    if let Err(error) = signal(exceeded) {
        tracing::warn!(%error, "a limit on the size of files would end the program");
    }
}
