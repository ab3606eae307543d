//! How a stream of events is described.

use actix_web::http::StatusCode;
use convosync_domain::api_key::Scope;

use super::EVENT_STREAM;
use crate::error::ErrorCode;
use crate::openapi::content::Answer;
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::parameters::{LAST_EVENT_ID, LIMIT, SINCE};

const DESCRIPTION: &str = "\
Changes as they happen, as server-sent events. `event: change` has in `data` the page that a pull gives, and in `id` its \
cursor; the first one comes at once, and has what changed since the cursor. `event: expired` has an error in `data`: \
the cursor has expired; `event: gone` likewise: the visitor is no more. Either ends the stream. A comment every 15 seconds keeps it open. \
A client that connects again sends the `id` that came last in `Last-Event-ID`, and misses nothing.";

pub(crate) fn describe() -> Operation {
    let answer = Answer::new(StatusCode::OK, "Events, without an end.");
    Operation::new(
        "streamChanges",
        Topic::Sync,
        "What others change, as it happens",
    )
    .description(DESCRIPTION)
    .of_visitor(Scope::SyncAny)
    .parameters([SINCE, LIMIT, LAST_EVENT_ID])
    .answer(answer.of_type(EVENT_STREAM, None))
    .errors([
        ErrorCode::InvalidCursor,
        ErrorCode::InvalidLimit,
        ErrorCode::TooManyStreams,
    ])
}
