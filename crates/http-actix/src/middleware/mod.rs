//! What is done to every request, from the outside inwards: a name, a line in the log and headers; what
//! browsers are told (CORS); limits, errors as JSON and a living process whatever a handler does.

mod cors;
#[cfg(test)]
mod cors_tests;
mod endless_upload;
mod inside_cors;
mod loopback_only;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use actix_cors::CorsError;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Version};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, web};
use endless_upload::HeldBody;

pub(crate) use self::cors::cors;
pub(crate) use self::inside_cors::inside_cors;
pub(crate) use self::loopback_only::is_for_this_server;
use crate::access::UsedApiKey;
use crate::body::BytesRead;
use crate::connection::{Connection, Served};
use crate::error::{ApiError, ErrorCode, of_framework};
use crate::https::OverTls;
use crate::measures::{Requests, Waited, name_of, route_of};
use crate::request::{REQUEST_ID, RequestId};
use crate::state::AppState;

/// The most that the headers of a request over HTTP/2 may take, in bytes as HTTP/2 counts them: they may be sent as a
/// few bytes that name others.
const HEADERS_MAX: usize = 64 << 10;
/// What HTTP/2 counts for a header beside its name and value, in bytes (RFC 9113, 6.5.2).
const HEADER_OVERHEAD: usize = 32;

/// For a year, browsers come over TLS only.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Of answers that are somebody's; files beside the API say otherwise.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

const VERSION: HeaderName = HeaderName::from_static("convosync-version");

/// The outermost layer of the application.
pub(crate) async fn around_every_request(
    state: web::Data<AppState>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    id.give(&request);
    let method = request.method().clone();
    let served = request.conn_data().map(Connection::begin_request);
    let over_tls = request.conn_data::<OverTls>().is_some();
    let body = HeldBody::of(&mut request);
    cors::prepare(&mut request);
    let vary = cors::vary(request.head());

    let mut answered = match refusal(&request, served.as_ref()) {
        Some(error) => Ok(request.into_response(error.render(&id))),
        None => match next.call(request).await {
            Ok(response) => Ok(rendered(response.map_into_boxed_body(), &id)),
            Err(error) => Err(error.error_response()),
        },
    };

    let headers = headers_of(&mut answered);
    cors::tidy(headers);
    headers.append(header::VARY, vary);
    add_headers(headers, &id, &state.version_header);
    if over_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    tell(
        &state.measures.requests,
        &method,
        started,
        &id,
        answered.as_ref(),
    );
    if let Some(body) = body {
        body.release();
    }
    if let Some(served) = served {
        answered = match answered {
            Ok(response) => Ok(response.map_body(|_, body| served.answer(body))),
            Err(response) => Err(response.map_body(|_, body| served.answer(body))),
        };
    }
    answered.map_err(|response| InternalError::from_response("a handler panicked", response).into())
}

/// Why a request is not served, whatever it asks for.
fn refusal(request: &ServiceRequest, served: Option<&Served>) -> Option<ApiError> {
    if let Some(refusal) = served.and_then(Served::refusal) {
        return Some(refusal);
    }
    if request.version() == Version::HTTP_2 && size(request.headers()) > HEADERS_MAX {
        let text = format!("Headers larger than {HEADERS_MAX} bytes");
        return Some(ApiError::with_text(ErrorCode::HeadersTooLarge, text).by_limit("headers"));
    }
    None
}

fn size(headers: &HeaderMap) -> usize {
    let sizes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + HEADER_OVERHEAD);
    sizes.sum()
}

/// The answer, with the error rendered that it may be.
fn rendered(response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    match response.response().error().map(|error| render(error, id)) {
        Some(rendered) => response.into_response(rendered),
        None => response,
    }
}

fn render(error: &Error, id: &RequestId) -> HttpResponse {
    if let Some(error) = error.as_error::<ApiError>() {
        error.render(id)
    } else if let Some(error) = error.as_error::<CorsError>() {
        cors::refusal(error).render(id)
    } else {
        of_framework(error.as_response_error().status_code()).render(id)
    }
}

fn headers_of(answered: &mut Result<ServiceResponse<BoxBody>, HttpResponse>) -> &mut HeaderMap {
    match answered {
        Ok(response) => response.headers_mut(),
        Err(response) => response.headers_mut(),
    }
}

fn add_headers(headers: &mut HeaderMap, id: &RequestId, version: &HeaderValue) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, PRIVATE);
    }
    headers.insert(VERSION, version.clone());
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
}

/// One line a request in the log, and one more in the counts. What is in a URL's query, in a header or in a body never
/// shows here.
fn tell(
    requests: &Requests,
    method: &Method,
    started: Instant,
    id: &RequestId,
    answered: Result<&ServiceResponse<BoxBody>, &HttpResponse>,
) {
    let api_key = answered
        .ok()
        .and_then(|response| response.request().extensions().get().copied())
        .map(|UsedApiKey(key)| key.to_string());
    let elapsed = started.elapsed();
    let (route, status, bytes_in) = match answered {
        Ok(response) => (
            route_of(response.request()),
            response.status(),
            response.request().extensions().get().copied(),
        ),
        Err(response) => (None, response.status(), None),
    };
    let has_waited = answered.is_ok_and(|response| {
        let request = response.request();
        request.extensions().contains::<Waited>()
    });
    let measured = (!has_waited).then_some(elapsed);
    requests.count(route.as_deref(), method, status, measured);
    tracing::info!(
        request_id = %id,
        method = name_of(method),
        route = route.as_deref().unwrap_or("none"),
        status = status.as_u16(),
        latency_ms = milliseconds(elapsed),
        bytes_in = bytes_in.map_or(0, |BytesRead(bytes)| bytes),
        api_key,
        "request"
    );
}

/// With three decimals, which is all that a clock is good for.
fn milliseconds(elapsed: Duration) -> f64 {
    let micros = u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX);
    f64::from(micros) / 1_000.0
}
