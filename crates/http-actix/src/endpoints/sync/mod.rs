//! `POST /api/sync-conversations/`: takes what a device has.

#[cfg(test)]
mod strict_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, HttpResponse, web};
use convosync_domain::change_set::Counts;

use crate::answer::json;
use crate::error::{ApiError, ErrorCode};
use crate::items::read_submission;
use crate::json::Leniency;
use crate::request::{Handling, Identity, PREFERENCE_APPLIED, handling};
use crate::state::AppState;

pub(crate) async fn post(
    state: web::Data<AppState>,
    Identity(identity): Identity,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let sync = Arc::clone(&state.services.sync);
    if !sync.admits(&identity).await? {
        return Err(ErrorCode::VisitorNotFound.into());
    }
    let invalid = ErrorCode::InvalidConversations;
    let body = state.bodies.read(&request, payload, invalid).await?;
    let prefers_strict = handling(request.headers()) == Some(Handling::Strict);
    let leniency = match prefers_strict {
        true => Leniency::STRICT,
        false => Leniency::with(state.unknown_fields),
    };
    let strict = HeaderValue::from_static("handling=strict");
    let submission = read_submission(&body, leniency).map_err(|refusal| {
        let error = ApiError::refused(invalid, refusal);
        if prefers_strict {
            error.with_header(PREFERENCE_APPLIED, strict.clone())
        } else {
            error
        }
    })?;
    let counts = sync.run(&identity, &submission).await?;
    let mut answered = json(StatusCode::OK, answer(counts));
    if prefers_strict {
        answered.headers_mut().insert(PREFERENCE_APPLIED, strict);
    }
    Ok(answered)
}

/// The five fields of the API, and no other.
fn answer(counts: Counts) -> String {
    let Counts {
        created,
        updated,
        messages_created,
        messages_updated,
    } = counts;
    let message = format!(
        "{created} conversations created, {updated} updated. \
         {messages_created} messages created, {messages_updated} updated."
    );
    format!(
        r#"{{"message":"{message}","created":{created},"updated":{updated},"messages_created":{messages_created},"messages_updated":{messages_updated}}}"#
    )
}
