//! What browsers are told about which pages may ask, and may read the answers.

use actix_cors::{Cors, CorsError};
use actix_web::dev::{RequestHead, ServiceRequest};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::VERSION;
use crate::error::{ApiError, ErrorCode};
use crate::origins::CorsOrigins;
use crate::rate_limits::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::request::{LAST_EVENT_ID, PREFER, PREFERENCE_APPLIED, REQUEST_ID};

/// How long a browser need not ask again, in seconds; no browser keeps it much longer.
const MAX_AGE: usize = 7_200;

const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

/// Headers of requests that pages may set.
const READ: [HeaderName; 8] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    LAST_EVENT_ID,
    PREFER,
    REQUEST_ID,
];

/// Headers of answers that pages may read, beside those that they always may.
const TOLD: [HeaderName; 8] = [
    header::DATE,
    header::ETAG,
    header::RETRY_AFTER,
    PREFERENCE_APPLIED,
    VERSION,
    REQUEST_ID,
    RATE_LIMIT,
    RATE_LIMIT_POLICY,
];

/// The layer that answers preflights and tells browsers who may read answers. Pages never get at what a
/// browser knows by itself, like cookies: whoever asks has to say who they are.
pub(crate) fn cors(origins: CorsOrigins, methods: impl IntoIterator<Item = Method>) -> Cors {
    Cors::default()
        .allowed_origin_fn(move |origin, _| {
            origin.to_str().is_ok_and(|origin| origins.allow(origin))
        })
        .allowed_methods(methods)
        .allowed_headers(READ)
        .expose_headers(TOLD)
        .allow_private_network_access()
        .max_age(MAX_AGE)
        // It would be on no error of a preflight, and on other answers longer than it need be.
        .disable_vary_header()
}

/// A request with no origin is no preflight, whatever else it has: it goes to its route.
pub(super) fn prepare(request: &mut ServiceRequest) {
    if request.method() == Method::OPTIONS && !request.headers().contains_key(header::ORIGIN) {
        let headers = request.headers_mut();
        headers.remove(header::ACCESS_CONTROL_REQUEST_METHOD);
    }
}

/// What the answer to a request depends on, beside its URL.
pub(super) fn vary(head: &RequestHead) -> HeaderValue {
    let is_preflight = head.method == Method::OPTIONS
        && head
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    HeaderValue::from_static(if is_preflight {
        "Authorization, Origin, Access-Control-Request-Method, Access-Control-Request-Headers, \
         Access-Control-Request-Private-Network"
    } else if head.uri.path().starts_with("/api/") {
        "Authorization, Origin"
    } else {
        "Origin"
    })
}

/// Takes away what the layer tells those, too, who may not read the answer.
pub(super) fn tidy(headers: &mut HeaderMap) {
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        headers.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
        headers.remove(ALLOW_PRIVATE_NETWORK);
    }
}

/// Why a preflight is refused.
pub(super) fn refusal(error: &CorsError) -> ApiError {
    let text = match error {
        CorsError::OriginNotAllowed | CorsError::MissingOrigin => {
            return ErrorCode::OriginNotAllowed.into();
        }
        CorsError::MethodNotAllowed | CorsError::BadRequestMethod => {
            "Method is not taken from pages of other origins"
        }
        _ => "Request headers are not taken from pages of other origins",
    };
    ApiError::with_text(ErrorCode::PreflightRefused, text)
}
