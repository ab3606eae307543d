//! `POST /api/sync-conversations/`: takes what a device has, and with `since=` tells what it does not have.

pub(super) mod answer;
mod counting;
#[cfg(test)]
mod lenient_tests;
mod openapi;
#[cfg(test)]
mod strict_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod turn_tests;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, HttpResponse, web};
use convosync_application::access::AuthorizedVisitor;
use convosync_application::sync::{ItemsLost, Taken};
use convosync_domain::api_key::Scope;

use super::changes::page::push_page;
use super::pull_query::PullQuery;
use crate::access::authorize;
use crate::answer::{held_json, json};
use crate::body::Body;
use crate::error::{ApiError, ErrorCode};
use crate::items::{ReadPost, Rejected, read_submission};
use crate::json::{Leniency, ObjectWriter, Violation};
use crate::request::{Handling, PREFERENCE_APPLIED, Query, claim_of, handling};
use crate::state::AppState;
use answer::{push_counts, push_rejected};
use counting::count;

pub(crate) use self::openapi::{counted, counts, describe};

pub(crate) async fn post(
    state: web::Data<AppState>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let claim = claim_of(&request)?;
    let turn = PullQuery::of_turn(&Query::new(request.query_string()))?;
    let visitor = authorize(&state, &request, &claim, Scope::SyncAny).await?;
    if let Some(turn) = &turn {
        let turns = &state.services.turn;
        turns.check_cursor(&visitor, turn.since.as_deref())?;
    }
    if !state.services.sync.admits(&visitor).await? {
        return Err(ErrorCode::VisitorNotFound.into());
    }
    let invalid = ErrorCode::InvalidConversations;
    let body = state.bodies.read(&request, payload, invalid).await?;
    let preferred = handling(request.headers());
    let leniency = match preferred {
        Some(Handling::Strict) => Leniency::STRICT,
        Some(Handling::Lenient) => Leniency::with(state.unknown_fields).leaving_out_bad_items(),
        None => Leniency::with(state.unknown_fields),
    };
    let answered = take(&state, &visitor, &body, leniency, turn).await;
    match preferred {
        Some(preferred) => tell_applied(answered, preferred),
        None => answered,
    }
}

/// Tells which preference was followed.
fn tell_applied(
    answered: Result<HttpResponse, ApiError>,
    preferred: Handling,
) -> Result<HttpResponse, ApiError> {
    let applied = HeaderValue::from_static(preferred.as_applied());
    match answered {
        Ok(mut answer) => {
            answer.headers_mut().insert(PREFERENCE_APPLIED, applied);
            Ok(answer)
        }
        Err(error) => Err(error.with_header(PREFERENCE_APPLIED, applied)),
    }
}

async fn take(
    state: &AppState,
    visitor: &AuthorizedVisitor,
    body: &Arc<Body>,
    leniency: Leniency,
    turn: Option<PullQuery>,
) -> Result<HttpResponse, ApiError> {
    let ReadPost {
        submission,
        rejected,
    } = state
        .turns
        .take(|| read_submission(body, leniency))
        .await?
        .map_err(|refusal| ApiError::refused(ErrorCode::InvalidConversations, refusal))?;
    let tells_rejected = leniency.leaves_out_bad_items;
    let mut out = Vec::with_capacity(256);
    let mut answer = ObjectWriter::new(&mut out);
    let push_taken = |answer: &mut ObjectWriter<'_>, taken: Taken<Violation>, lost: ItemsLost| {
        count(&state.measures.items, &submission, &rejected, &taken, lost);
        push_counts(answer, taken.counts);
        if tells_rejected {
            let later = taken.rejected.into_iter().filter_map(Rejected::of);
            push_rejected(answer, rejected.into_iter().chain(later).collect());
        }
    };
    let Some(PullQuery { since, limit }) = turn else {
        let taken = state.services.sync.run(visitor, &submission).await?;
        push_taken(&mut answer, taken, ItemsLost::default());
        answer.end();
        return Ok(json(StatusCode::OK, out));
    };
    let turns = &state.services.turn;
    let turn = turns.run(visitor, &submission, since.as_deref(), limit);
    let turn = turn.await?;
    push_taken(&mut answer, turn.taken, turn.lost);
    push_page(&mut answer, &turn.not_taken, &turn.pulled);
    answer.end();
    held_json(None, out, turn.pulled.memory)
}
