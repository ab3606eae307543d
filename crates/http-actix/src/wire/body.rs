//! A request's body, from the network to a text.
//!
//! Bodies are read raw under the size limit. A decoder for another `Content-Encoding` has its place
//! in [`read_body`], around the chunks, and must count what it gives out against the same limit.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::rt::time::timeout;
use actix_web::{HttpMessage as _, HttpRequest, web};
use futures_util::StreamExt as _;
use serde_json::value::RawValue;

use super::fault::{Fault, Refusal};
use crate::error::{ApiError, ErrorCode};
use crate::settings::Limits;
use crate::state::AppState;

/// What is set aside for a body before anything of it has come, whatever length it declares.
const CAPACITY_MAX: usize = 1 << 20;
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// How many bytes of a request's body were read, for the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BytesRead(pub(crate) usize);

/// The text of a body, with what its reading depends on. Messages of a post share it.
#[derive(Debug)]
pub(crate) struct Body {
    text: String,
    limits: Limits,
    digest_seed: u64,
}

impl Body {
    /// Takes the bytes of a body as its text.
    pub(crate) fn new(bytes: Vec<u8>, limits: Limits, digest_seed: u64) -> Result<Self, Refusal> {
        if is_utf_16(&bytes) {
            return Err(refusal("not UTF-8"));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            refusal(format!("not UTF-8 at byte {valid}"))
        })?;
        let body = Self {
            text,
            limits,
            digest_seed,
        };
        if body.text().trim_ascii().is_empty() {
            return Err(refusal("empty"));
        }
        Ok(body)
    }

    /// The text without a byte order mark, which RFC 8259 lets a reader ignore.
    pub(super) fn text(&self) -> &str {
        self.text
            .strip_prefix(BYTE_ORDER_MARK)
            .unwrap_or(&self.text)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn digest_seed(&self) -> u64 {
        self.digest_seed
    }
}

/// Reads the body of a request. Its headers are judged first: what they rule out is not read.
pub(crate) async fn read_body(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    invalid: ErrorCode,
) -> Result<Arc<Body>, ApiError> {
    check_headers(request.headers(), &state.limits)?;
    let time = Duration::from_secs(state.limits.body_seconds);
    let bytes = timeout(time, read_bytes(request, payload, &state.limits))
        .await
        .unwrap_or_else(|_elapsed| Err(ErrorCode::BodyTimeout.into()))?;
    request.extensions_mut().insert(BytesRead(bytes.len()));
    let body = Body::new(bytes, state.limits, state.digest_seed);
    body.map(Arc::new)
        .map_err(|refusal| refusal.into_error(invalid))
}

fn check_headers(headers: &HeaderMap, limits: &Limits) -> Result<(), ApiError> {
    if !is_json(headers) {
        return Err(ApiError::from(ErrorCode::UnsupportedContentType)
            .with_header(header::ACCEPT, HeaderValue::from_static("application/json")));
    }
    let is_plain = headers
        .get_all(header::CONTENT_ENCODING)
        .all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if !is_plain {
        return Err(ApiError::from(ErrorCode::UnsupportedContentEncoding)
            .with_header(ACCEPT_ENCODING, HeaderValue::from_static("identity")));
    }
    if declared_length(headers).is_some_and(|length| length > limits.body_bytes) {
        return Err(too_large(limits));
    }
    Ok(())
}

const ACCEPT_ENCODING: HeaderName = header::ACCEPT_ENCODING;

/// Whether the content type is `application/json`, in UTF-8 if it names a charset.
fn is_json(headers: &HeaderMap) -> bool {
    let sent = headers.get(header::CONTENT_TYPE);
    let Some(sent) = sent.and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = sent.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    is_json
        && parts
            .filter_map(|parameter| parameter.split_once('='))
            .filter(|(name, _)| name.eq_ignore_ascii_case("charset"))
            .all(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"))
}

/// The length that the headers declare; one that no number holds is beyond any limit.
fn declared_length(headers: &HeaderMap) -> Option<usize> {
    let sent = headers.get(header::CONTENT_LENGTH)?;
    let length = sent.to_str().ok().and_then(|length| length.parse().ok());
    Some(length.unwrap_or(usize::MAX))
}

async fn read_bytes(
    request: &HttpRequest,
    mut payload: web::Payload,
    limits: &Limits,
) -> Result<Vec<u8>, ApiError> {
    let declared = declared_length(request.headers()).unwrap_or(0);
    let mut bytes = Vec::with_capacity(declared.min(CAPACITY_MAX));
    while let Some(chunk) = payload.next().await {
        // The cause is the client's connection: there is nothing in it for the log.
        let chunk = chunk.or(Err(ErrorCode::BodyIncomplete))?;
        if bytes.len() + chunk.len() > limits.body_bytes {
            return Err(too_large(limits));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large(limits: &Limits) -> ApiError {
    let text = format!("Body larger than {} bytes", limits.body_bytes);
    ApiError::with_text(ErrorCode::BodyTooLarge, text)
}

/// Whether the bytes are UTF-16: by its byte order mark or because one of the first two characters,
/// which JSON has in ASCII, comes with a zero.
fn is_utf_16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || bytes.iter().take(2).any(|byte| *byte == 0)
}

fn refusal(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::Invalid(vec![Fault::of_body(message)])
}

/// Whether the text is an object, or nothing.
pub(super) fn begins_object(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{')
}

/// Whether the whole text is JSON by its grammar, however deep and whatever is in its strings.
pub(super) fn check_json(text: &str) -> serde_json::Result<()> {
    serde_json::from_str::<&RawValue>(text).map(|_| ())
}

/// The refusal of a text that is no JSON. The parser tells what it expected and where, and nothing
/// of what it found.
pub(super) fn not_json(error: &serde_json::Error) -> Refusal {
    let said = error.to_string();
    refusal(if said.starts_with("trailing characters") {
        said
    } else {
        format!("not JSON: {said}")
    })
}
