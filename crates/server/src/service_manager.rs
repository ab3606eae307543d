//! Tells the service manager, where one has started the server and listens (systemd, `Type=notify`).

use sd_notify::NotifyState;

/// The server answers requests: what was to start after it may.
pub(crate) fn ready() {
    tell(NotifyState::Ready);
}

/// The server goes on only until it has answered what is in flight.
pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}

/// What cannot be told is no reason not to serve.
fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
