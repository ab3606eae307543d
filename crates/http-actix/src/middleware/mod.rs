//! What is done to every request: a name, a line in the log, headers, errors as JSON and a living
//! process whatever a handler does.

mod endless_upload;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, web};
use endless_upload::HeldBody;
use futures_util::FutureExt as _;

use crate::body::BytesRead;
use crate::error::{ApiError, ErrorCode, of_framework};
use crate::request::{REQUEST_ID, RequestId};
use crate::slowloris::Connection;
use crate::state::AppState;

const VERSION: HeaderName = HeaderName::from_static("convosync-version");

/// The outermost layer of the application.
pub(crate) async fn around_every_request(
    state: web::Data<AppState>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let method = request.method().clone();
    let served = request.conn_data().map(Connection::begin_request);
    let body = HeldBody::of(&mut request);

    let mut answered = if request
        .uri()
        .path_and_query()
        .map_or(0, |url| url.as_str().len())
        > state.limits.url_bytes
    {
        Ok(url_too_long(request, &state, &id))
    } else {
        handle(request, next, &id).await
    };

    let headers = match &mut answered {
        Ok(response) => response.headers_mut(),
        Err(response) => response.headers_mut(),
    };
    add_headers(headers, &id, &state.version_header);
    log(&method, started, &id, answered.as_ref());
    if let Some(body) = body {
        body.release();
    }
    if let Some(served) = served {
        served.end(match &answered {
            Ok(response) => response.response().body().size(),
            Err(response) => response.body().size(),
        });
    }
    answered.map_err(|response| InternalError::from_response("a handler panicked", response).into())
}

/// The handler's answer with errors rendered. `Err` where there is an answer but no request to go with it:
/// it was moved into the handler, which panicked or failed before it gave it back.
async fn handle(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    id: &RequestId,
) -> Result<ServiceResponse<BoxBody>, HttpResponse> {
    let handled = AssertUnwindSafe(async { next.call(request).await })
        .catch_unwind()
        .await;
    let error = match handled {
        Ok(Ok(response)) => {
            let Some(rendered) = response.response().error().map(|error| render(error, id)) else {
                return Ok(response.map_into_boxed_body());
            };
            return Ok(response.into_response(rendered));
        }
        Ok(Err(error)) => error,
        // What the panic said was printed where it happened, and may hold anything.
        Err(_panic) => ApiError::caused_by(ErrorCode::Internal, "a handler panicked").into(),
    };
    Err(render(&error, id))
}

fn render(error: &Error, id: &RequestId) -> HttpResponse {
    match error.as_error::<ApiError>() {
        Some(error) => error.render(id),
        None => of_framework(error.as_response_error().status_code()).render(id),
    }
}

fn url_too_long(
    request: ServiceRequest,
    state: &AppState,
    id: &RequestId,
) -> ServiceResponse<BoxBody> {
    let text = format!("URL longer than {} bytes", state.limits.url_bytes);
    let error = ApiError::with_text(ErrorCode::UrlTooLong, text);
    request.into_response(error.render(id))
}

fn add_headers(headers: &mut HeaderMap, id: &RequestId, version: &HeaderValue) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "private, no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(VERSION, version.clone());
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
}

/// One line a request. What is in a URL's query, in a header or in a body never shows here.
fn log(
    method: &Method,
    started: Instant,
    id: &RequestId,
    answered: Result<&ServiceResponse<BoxBody>, &HttpResponse>,
) {
    let (route, status, bytes_in) = match answered {
        Ok(response) => (
            response.request().match_pattern(),
            response.status(),
            response.request().extensions().get().copied(),
        ),
        Err(response) => (None, response.status(), None),
    };
    tracing::info!(
        request_id = %id,
        method = %known(method),
        route = route.as_deref().unwrap_or("none"),
        status = status.as_u16(),
        latency_ms = milliseconds(started.elapsed()),
        bytes_in = bytes_in.map_or(0, |BytesRead(bytes)| bytes),
        "request"
    );
}

/// With three decimals, which is all that a clock is good for.
fn milliseconds(elapsed: Duration) -> f64 {
    let micros = u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX);
    f64::from(micros) / 1_000.0
}

/// A method of RFC 9110, or `OTHER`: anybody may make up a method.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS
        | Method::TRACE
        | Method::CONNECT => method.as_str(),
        _ => "OTHER",
    }
}
