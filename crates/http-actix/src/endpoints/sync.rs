//! `POST /api/sync-conversations/`: takes what a device has.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, HttpResponse, web};
use convosync_domain::change_set::Counts;

use super::json;
use crate::error::{ApiError, ErrorCode};
use crate::identity::Identity;
use crate::prefer::{Handling, PREFERENCE_APPLIED, handling};
use crate::settings::UnknownFields;
use crate::state::AppState;
use crate::wire::{read_body, read_submission};

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
    let body = read_body(&request, payload, &state, invalid).await?;
    let prefers_strict = handling(request.headers()) == Some(Handling::Strict);
    let unknown_fields = if prefers_strict {
        UnknownFields::Reject
    } else {
        state.unknown_fields
    };
    let strict = HeaderValue::from_static("handling=strict");
    let submission = read_submission(&body, unknown_fields).map_err(|refusal| {
        let error = refusal.into_error(invalid);
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

#[cfg(test)]
mod strict_tests;
