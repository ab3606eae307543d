use std::fmt;

use async_trait::async_trait;

use crate::timestamp::Timestamp;

/// Who says whose a user's token is.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Whose token this is, if it is good now.
    ///
    /// # Errors
    /// [`TokenRefused`] when it is not, or when nobody can tell.
    async fn verify(&self, token: &str) -> Result<VerifiedToken, TokenRefused>;
}

/// What a good token says.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// Whose it is, byte for byte as the token has it, and as
    /// [`VisitorIdentity::registered`](crate::identity::VisitorIdentity::registered) takes it.
    pub user_id: String,
    /// From this moment on it is refused: what it says of its end, and what is allowed for clocks that differ.
    pub expires_at: Timestamp,
}

/// Without the user.
impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// The token is not good. The text says what is wrong and holds nothing of the token; it is of the characters
    /// that `error_description` of RFC 6750 may have.
    #[error("{0}")]
    Invalid(&'static str),
    /// There are no keys to check it with, so far: the same token may be good later.
    #[error("the keys that tokens are checked with cannot be had")]
    KeysUnavailable,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::TimestampError;

    #[test]
    fn debug_shows_no_user() -> Result<(), TimestampError> {
        let token = VerifiedToken {
            user_id: "marker".to_owned(),
            expires_at: Timestamp::from_micros(0)?,
        };
        let shown = format!("{token:?}");
        assert!(!shown.contains("marker"), "{shown}");
        Ok(())
    }
}
