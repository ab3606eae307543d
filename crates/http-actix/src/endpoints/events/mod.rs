//! `GET /api/sync-conversations/events/`: a visitor's changes as they happen, as server-sent events (WHATWG HTML).

mod openapi;
mod stream;
#[cfg(test)]
mod tests;

use actix_web::http::Method;
use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};
use convosync_application::pull_changes::PullError;
use convosync_domain::api_key::Scope;

use super::pull_query::PullQuery;
use crate::access::{authorize, client_of};
use crate::error::ApiError;
use crate::request::{Query, RequestId, claim_of};
use crate::state::AppState;
use stream::EventStream;

pub(crate) use self::openapi::describe;

pub(super) const EVENT_STREAM: &str = "text/event-stream";
/// By which nginx is told to pass on what comes as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(crate) async fn get(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let claim = claim_of(&request)?;
    let query = Query::new(request.query_string());
    let PullQuery { since, limit } = PullQuery::of_stream(&query, request.headers())?;
    let visitor = authorize(&state, &request, &claim, Scope::SyncAny).await?;
    if state.services.drain.has_begun() {
        return Err(ApiError::draining());
    }
    let place = state
        .streams
        .open(client_of(&state, request.head()), visitor.id())?;
    // A browser does not show a page what an error says, so of what may become of a stream while it lasts an event tells.
    match state
        .services
        .pull
        .change_counter(&visitor, since.as_deref())
        .await
    {
        Ok(_) | Err(PullError::CursorExpired) => {}
        Err(error) => return Err(error.into()),
    }
    let mut answer = HttpResponse::Ok();
    answer
        .content_type(EVENT_STREAM)
        .insert_header((X_ACCEL_BUFFERING, "no"));
    if request.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    let follower = state.services.follow.follow(visitor, since, limit);
    let events = EventStream::new(
        follower,
        state.services.drain.clone(),
        RequestId::given(&request),
        place,
    );
    Ok(answer.streaming(events.into_stream()))
}
