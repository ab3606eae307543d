//! The body reader: a request's body, from the network to its text.
//!
//! - [`deadline`] says how slow a body may arrive,
//! - [`buffer`] collects its bytes under the limit of one body,
//! - [`gunzip`] inflates what has come compressed,
//! - [`text`] is what has been read.

mod buffer;
mod deadline;
mod error;
mod gunzip;
#[cfg(test)]
mod tests;
mod text;

use std::io;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::rt::task::yield_now;
use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, HttpRequest, web};
use convosync_application::byte_budget::ByteBudget;
use futures_util::StreamExt as _;

use buffer::BodyBuffer;
use deadline::ArrivalDeadline;
use error::BodyError;
use gunzip::{Gunzip, LengthLimit};
pub(crate) use text::{Body, begins_object, check_json, not_json};

use crate::error::{ApiError, ErrorCode};
use crate::settings::Limits;

/// How much gzip is inflated before other requests have their turn: about a megabyte at worst.
const GZIP_PIECE: usize = 1_024;

/// How many bytes of a request's body came over the network, for the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BytesRead(pub(crate) usize);

/// Reads the bodies of requests.
pub(crate) struct BodyReader {
    limits: Limits,
    in_flight: ByteBudget,
    /// Seeds the digests of posted messages.
    digest_seed: u64,
}

impl BodyReader {
    /// Reads bodies into this memory, which is that of all in flight.
    pub(crate) fn new(limits: Limits, in_flight: ByteBudget, digest_seed: u64) -> Self {
        Self {
            limits,
            in_flight,
            digest_seed,
        }
    }

    /// Reads the body of a request. Its headers are judged first: what they rule out is not read.
    pub(crate) async fn read(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        invalid: ErrorCode,
    ) -> Result<Arc<Body>, ApiError> {
        let limits = &self.limits;
        let headers = request.headers();
        let encoding = check_headers(headers, limits)?;
        let buffer =
            |declared| BodyBuffer::new(declared, limits.body_bytes, self.in_flight.reserve());
        let received = buffer(declared_length(headers));
        let mut arrival = Arrival {
            payload,
            deadline: ArrivalDeadline::start(limits),
            bytes: 0,
            limit: limits.body_bytes,
        };
        let read = match encoding {
            Encoding::Plain => read_plain(&mut arrival, received).await,
            Encoding::Gzip => match read_plain(&mut arrival, received).await {
                Ok(deflated) => inflate(deflated, limits.body_bytes, buffer(None)).await,
                failed => failed,
            },
        };
        request.extensions_mut().insert(BytesRead(arrival.bytes));
        let (bytes, reservation) = read
            .map_err(|error| error.into_api_error(limits, invalid))?
            .into_parts();
        Body::new(bytes, *limits, self.digest_seed)
            .map(|body| Arc::new(body.holding(reservation)))
            .map_err(|refusal| ApiError::refused(invalid, refusal))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Plain,
    Gzip,
}

fn check_headers(headers: &HeaderMap, limits: &Limits) -> Result<Encoding, ApiError> {
    if !is_json(headers) {
        return Err(ApiError::from(ErrorCode::UnsupportedContentType)
            .with_header(header::ACCEPT, HeaderValue::from_static("application/json")));
    }
    let encoding = encoding(headers).ok_or_else(|| {
        ApiError::from(ErrorCode::UnsupportedContentEncoding)
            .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))
    })?;
    if declared_length(headers).is_some_and(|length| length > limits.body_bytes) {
        return Err(BodyError::TooLarge.into_api_error(limits, ErrorCode::BodyTooLarge));
    }
    Ok(encoding)
}

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

/// The one encoding that the headers name; none when they name another, or several.
fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let mut named = headers.get_all(header::CONTENT_ENCODING);
    let Some(name) = named.next().map(HeaderValue::as_bytes) else {
        return Some(Encoding::Plain);
    };
    if named.next().is_some() {
        None
    } else if name.eq_ignore_ascii_case(b"gzip") {
        Some(Encoding::Gzip)
    } else if name.eq_ignore_ascii_case(b"identity") {
        Some(Encoding::Plain)
    } else {
        None
    }
}

/// The length that the headers declare; one that no number holds is beyond any limit.
fn declared_length(headers: &HeaderMap) -> Option<usize> {
    let sent = headers.get(header::CONTENT_LENGTH)?;
    let length = sent.to_str().ok().and_then(|length| length.parse().ok());
    Some(length.unwrap_or(usize::MAX))
}

/// A body on its way, as it is on the network.
struct Arrival {
    payload: web::Payload,
    deadline: ArrivalDeadline,
    bytes: usize,
    limit: usize,
}

impl Arrival {
    /// What has come next; none at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        let left = self.deadline.left(self.bytes);
        let Ok(chunk) = timeout(left, self.payload.next()).await else {
            return Err(BodyError::TooSlow);
        };
        let Some(chunk) = chunk else {
            return Ok(None);
        };
        // The cause is the client's connection: there is nothing in it for the log.
        let chunk = chunk.or(Err(BodyError::Incomplete))?;
        self.bytes = self.bytes.saturating_add(chunk.len());
        if self.bytes > self.limit {
            return Err(BodyError::TooLarge);
        }
        Ok(Some(chunk))
    }
}

async fn read_plain(
    arrival: &mut Arrival,
    mut received: BodyBuffer,
) -> Result<BodyBuffer, BodyError> {
    while let Some(chunk) = arrival.next().await? {
        received.push(&chunk)?;
    }
    Ok(received)
}

/// Inflates a gzip that has arrived. Its text is measured first and kept only if it is not too long:
/// so a bomb takes no more room than it has on the network.
async fn inflate(
    deflated: BodyBuffer,
    limit: usize,
    inflated: BodyBuffer,
) -> Result<BodyBuffer, BodyError> {
    let (deflated, _reservation) = deflated.into_parts();
    inflate_into(&deflated, LengthLimit::up_to(limit)).await?;
    inflate_into(&deflated, inflated).await
}

async fn inflate_into<W: io::Write>(deflated: &[u8], inflated: W) -> Result<W, BodyError> {
    let mut gunzip = Gunzip::into(inflated);
    for piece in deflated.chunks(GZIP_PIECE) {
        gunzip.write(piece)?;
        yield_now().await;
    }
    gunzip.finish()
}

/// What is in a gzip that comes in these pieces, as far as it is no longer than the limit and the budget.
#[cfg(feature = "fuzzing")]
pub(crate) fn inflate_in_pieces<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    limit: usize,
    budget: &ByteBudget,
) -> Option<Vec<u8>> {
    let mut gunzip = Gunzip::into(BodyBuffer::new(None, limit, budget.reserve()));
    for piece in pieces {
        gunzip.write(piece).ok()?;
    }
    Some(gunzip.finish().ok()?.into_parts().0)
}
