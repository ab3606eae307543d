//! Why a body could not be read to its end.

use super::text::refusal;
use crate::error::{ApiError, ErrorCode};
use crate::settings::Limits;

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// It arrives more slowly than bodies may.
    #[error("too slow")]
    TooSlow,
    /// The client's connection ended before it did.
    #[error("ended early")]
    Incomplete,
    /// It is longer than one body may be.
    #[error("larger than one body may be")]
    TooLarge,
    /// The bodies in flight hold all that they may hold together.
    #[error("no room left for bodies in flight")]
    NoRoom,
    /// It says that it is gzip and is not, or not to its end.
    #[error("not gzip")]
    NotGzip,
    /// It is gzip in more pieces than anybody needs.
    #[error("gzip of too many members")]
    TooManyMembers,
}

impl BodyError {
    /// The answer, with the code for a body that is invalid.
    pub(super) fn into_api_error(self, limits: &Limits, invalid: ErrorCode) -> ApiError {
        match self {
            Self::TooSlow => ApiError::from(ErrorCode::BodyTimeout).by_limit("body_seconds"),
            Self::Incomplete => ErrorCode::BodyIncomplete.into(),
            Self::TooLarge => {
                let text = format!("Body larger than {} bytes", limits.body_bytes);
                ApiError::with_text(ErrorCode::BodyTooLarge, text).by_limit("body_bytes")
            }
            Self::NoRoom => ApiError::too_many_in_flight("bodies_in_flight_bytes"),
            Self::NotGzip | Self::TooManyMembers => {
                ApiError::refused(invalid, refusal(self.to_string()))
            }
        }
    }
}
