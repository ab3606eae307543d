//! Answers whose body is JSON already.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::ETag;
use actix_web::web::Bytes;
use convosync_application::byte_budget::Reservation;

use crate::error::ApiError;

/// How much of a long answer is given to the connection at once, in bytes: it copies what it is given.
pub(crate) const PIECE: usize = 32 << 10;

/// An answer of this status.
pub(crate) fn json(status: StatusCode, body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("application/json")
        .body(body.into())
}

/// An answer to be asked for again by its tag.
pub(crate) fn tagged_json(tag: ETag, body: impl Into<Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header(tag)
        .body(body.into())
}

/// An answer that may be long, with its tag if it can be asked for again. It holds its part of the memory until the client has got it, or is gone.
///
/// # Errors
/// 503 where there is not so much memory left.
pub(crate) fn held_json(
    tag: Option<ETag>,
    body: Vec<u8>,
    mut memory: Reservation,
) -> Result<HttpResponse, ApiError> {
    if !memory.hold_or_all(body.len()) {
        return Err(ApiError::too_many_in_flight("reads_in_flight_bytes"));
    }
    let body = HeldBytes::new(body, memory);
    let mut answer = HttpResponse::Ok();
    answer.content_type("application/json");
    if let Some(tag) = tag {
        answer.insert_header(tag);
    }
    Ok(answer.body(body))
}

/// Bytes that are given to the connection piece by piece, and what they take of the memory.
pub(crate) struct HeldBytes {
    left: Bytes,
    _memory: Option<Reservation>,
}

impl HeldBytes {
    /// Bytes that were held in this reservation.
    pub(crate) fn new(bytes: Vec<u8>, memory: Reservation) -> Self {
        Self {
            left: bytes.into(),
            _memory: Some(memory),
        }
    }

    /// Bytes so few that they need not be held, or whose memory somebody else holds.
    pub(crate) fn uncounted(bytes: Vec<u8>) -> Self {
        Self {
            left: bytes.into(),
            _memory: None,
        }
    }

    /// The next piece, if anything is left.
    pub(crate) fn next_piece(&mut self) -> Option<Bytes> {
        let length = PIECE.min(self.left.len());
        let piece = self.left.split_to(length);
        (length > 0).then_some(piece)
    }
}

impl MessageBody for HeldBytes {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(u64::try_from(self.left.len()).unwrap_or(u64::MAX))
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.next_piece().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use convosync_application::byte_budget::ByteBudget;

    use super::*;

    #[actix_web::test]
    async fn an_answer_holds_its_length_until_it_is_sent() {
        let budget = ByteBudget::new(100_000);
        let body: Vec<u8> = (0..90_000u32).map(|at| at.to_be_bytes()[3]).collect();
        let mut memory = budget.reserve();
        assert!(memory.hold(1_000));
        let answer = held_json(None, body.clone(), memory).unwrap();
        assert_eq!(budget.left(), 10_000);
        assert_eq!(answer.body().size(), BodySize::Sized(90_000));
        let sent = to_bytes(answer.into_body()).await.unwrap();
        assert!(sent == body);
        assert_eq!(budget.left(), 100_000);
    }

    #[actix_web::test]
    async fn an_answer_that_finds_no_room_is_refused() {
        let budget = ByteBudget::new(10);
        let mut other = budget.reserve();
        assert!(other.hold(1));
        for length in [10, 11] {
            let refused = held_json(None, vec![b' '; length], budget.reserve()).unwrap_err();
            assert_eq!(refused.to_string(), "Too many requests in flight");
            assert_eq!(budget.left(), 9);
        }
        drop(other);
        let alone = held_json(None, vec![b' '; 11], budget.reserve()).unwrap();
        assert_eq!(budget.left(), 0);
        drop(alone);
        let empty = held_json(None, Vec::new(), budget.reserve()).unwrap();
        assert_eq!(empty.body().size(), BodySize::Sized(0));
    }
}
