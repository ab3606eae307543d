//! Where log lines go.

use std::io::{self, IsTerminal as _};

use crate::settings::{LogFormat, LogSettings};

/// From now on events are logged to stderr.
pub(crate) fn start(settings: &LogSettings) {
    let text = match settings.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(settings.level.filter())
        .with_writer(io::stderr)
        .with_ansi(text && io::stderr().is_terminal())
        // They would go to the very stderr that cannot be written, and panic.
        .log_internal_errors(false);
    // A subscriber is there already only where a test has set one.
    let _ = if text {
        lines.try_init()
    } else {
        lines.json().flatten_event(true).try_init()
    };
}
