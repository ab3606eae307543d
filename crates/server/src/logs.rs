//! Where log lines go.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

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
    let malformed = MalformedRequests::default();
    // A subscriber is there already only where a test has set one.
    let _ = if text {
        lines.finish().with(malformed).try_init()
    } else {
        let lines = lines.json().flatten_event(true);
        lines.finish().with(malformed).try_init()
    };
}

/// What actix logs as an error or a warning and is of a client's making, by where it is logged and how it begins.
const OF_CLIENTS: [(&str, &str); 2] = [
    ("actix_http::h1::dispatcher", "stream error: "),
    ("actix_http::h2::dispatcher", "Send data error: "),
];

/// Counts what actix logs as an error when a client sends what is no HTTP or does not take its answer, and lets
/// it pass as a line for debugging only: anybody could fill the log with errors.
#[derive(Debug, Default)]
struct MalformedRequests(AtomicU64);

impl<S: Subscriber> Layer<S> for MalformedRequests {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let target = event.metadata().target();
        let Some((_, begin)) = OF_CLIENTS.iter().find(|(known, _)| *known == target) else {
            return true;
        };
        let mut message = Message::default();
        event.record(&mut message);
        let Some(reason) = message.0.strip_prefix(begin) else {
            return true;
        };
        let so_far = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::debug!(reason, so_far, "a client sent a malformed request");
        false
    }
}

/// The message of an event.
#[derive(Debug, Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
