//! How a command that takes long is told to stop.

use std::future::Future;
use std::pin::pin;

use convosync_storage_diesel::sqlite::files::Stop;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// Does the work, which is told to stop by SIGTERM or SIGINT and then has still to clear up.
pub(super) async fn until_signal<T>(
    stop: &Stop,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::caused_by(&error));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return done,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.now();
    work.await
}

/// Does work that waits for disks, where signals do not wait for it.
pub(super) async fn blocking<T: Send + 'static, E: std::error::Error + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Failure::caused_by(&error)),
        Err(error) => Err(Failure::caused_by(&error)),
    }
}
