//! The layer that makes errors answers. It is inside that of CORS, so that pages may read errors, too.

use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::HeaderValue;
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use futures_util::FutureExt as _;

use super::{headers_of, loopback_only, render, rendered};
use crate::access::note_failed_proof;
use crate::error::{ApiError, ErrorCode};
use crate::rate_limits::RATE_LIMIT;
use crate::request::{PeerAddress, RequestId};
use crate::state::AppState;

/// Refuses what is too much, before anything is done about it, and answers whatever the handler does.
pub(crate) async fn inside_cors(
    state: web::Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::given(&request);
    let left = match admit(&state, &request) {
        Ok(left) => left,
        Err(error) => return Ok(request.into_response(error.render(&id))),
    };
    let mut answered = handle(&state, request, next, &id).await;
    let headers = headers_of(&mut answered);
    if let Some(left) = left
        && !headers.contains_key(RATE_LIMIT)
    {
        headers.insert(RATE_LIMIT, left);
    }
    answered.map_err(|response| InternalError::from_response("a handler panicked", response).into())
}

/// What the request leaves of what its address may ask for, if that is counted.
fn admit(state: &AppState, request: &ServiceRequest) -> Result<Option<HeaderValue>, ApiError> {
    let head = request.head();
    if let Some(settings) = &state.loopback_only
        && let Some(refusal) = loopback_only::refusal(request, settings)
    {
        return Err(refusal);
    }
    state.proxies.note(head);
    let left = match &state.rate_limits {
        Some(limits) if !is_probe(request.path()) => {
            let PeerAddress(address) = state.proxies.client_of(head);
            limits.check_address(address)?
        }
        _ => None,
    };
    let url = head.uri.path_and_query();
    if url.map_or(0, |url| url.as_str().len()) > state.limits.url_bytes {
        let text = format!("URL longer than {} bytes", state.limits.url_bytes);
        return Err(ApiError::with_text(ErrorCode::UrlTooLong, text).by_limit("url_bytes"));
    }
    Ok(left)
}

/// Whether this is asked by what watches the server, and would restart it where there is no answer.
fn is_probe(path: &str) -> bool {
    matches!(path.strip_suffix('/').unwrap_or(path), "/livez" | "/readyz")
}

/// The handler's answer with errors rendered. `Err` where there is an answer but no request to go with it:
/// it was moved into the handler, which panicked or failed before it gave it back.
async fn handle(
    state: &AppState,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    id: &RequestId,
) -> Result<ServiceResponse<BoxBody>, HttpResponse> {
    let handled = AssertUnwindSafe(async { next.call(request).await })
        .catch_unwind()
        .await;
    let error = match handled {
        Ok(Ok(response)) => {
            return Ok(match note_failed_proof(state, &response) {
                Ok(()) => rendered(response.map_into_boxed_body(), id),
                Err(error) => response.into_response(error.render(id)),
            });
        }
        Ok(Err(error)) => error,
        // What the panic said was printed where it happened, and may hold anything.
        Err(_panic) => ApiError::caused_by(ErrorCode::Internal, "a handler panicked").into(),
    };
    Err(render(&error, id))
}
