//! What a URL's path says: ids, percent-encoded, each in a segment of its own.
//!
//! The router matches a path that it has decoded in part, and of which it has mended the rest; ids are read from the
//! path as it was sent.

use actix_web::HttpRequest;
use convosync_domain::identity::{ConversationId, MessageId};

use super::query::percent_decoded;
use crate::error::{ApiError, ErrorCode};

/// The segment of a route's path that is the id of a conversation.
const CONVERSATION: &str = "{conversation_id}";
/// The segment of a route's path that is the id of a message.
const MESSAGE: &str = "{message_id}";

/// The conversation that the path names.
///
/// # Errors
/// 400 where there can be none of this id.
pub(crate) fn conversation_of(request: &HttpRequest) -> Result<ConversationId, ApiError> {
    let text = segment(request, CONVERSATION);
    let id = text.and_then(|text| ConversationId::parse(&text).ok());
    id.ok_or_else(|| invalid("Invalid conversation id"))
}

/// The message that the path names.
///
/// # Errors
/// 400 where there can be none of this id.
pub(crate) fn message_of(request: &HttpRequest) -> Result<MessageId, ApiError> {
    let text = segment(request, MESSAGE);
    let id = text.and_then(|text| MessageId::parse(&text).ok());
    id.ok_or_else(|| invalid("Invalid message id"))
}

/// What stands in the path where its route has this; `None` where its encoding or UTF-8 is broken. No encoded slash
/// is one that parts segments, for the router either.
fn segment(request: &HttpRequest, name: &str) -> Option<String> {
    let route = request.match_pattern()?;
    let at = route.split('/').position(|segment| segment == name)?;
    percent_decoded(request.uri().path().split('/').nth(at)?)
}

fn invalid(text: &'static str) -> ApiError {
    ApiError::with_text(ErrorCode::InvalidId, text)
}
