//! The token that opens the metrics.

use std::fmt;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use convosync_application::access::Proof;
use subtle::ConstantTimeEq as _;

use crate::error::{ApiError, ErrorCode};
use crate::request::proof_of;

/// The shortest token, in characters.
const LENGTH_MIN: usize = 16;

/// The token that opens the metrics. Nothing shows it.
#[derive(Clone)]
pub struct MetricsToken(String);

impl MetricsToken {
    /// A token of 16 or more visible characters of ASCII; `None` where the text is not one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_sound = text.len() >= LENGTH_MIN && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_sound.then(|| Self(text.to_owned()))
    }

    /// Checks that these headers show the token, as RFC 6750 has it.
    ///
    /// # Errors
    /// 401 where they do not.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let Ok(Proof::Bearer(shown)) = proof_of(headers) else {
            return Err(refusal(ErrorCode::ProofMissing, "Bearer"));
        };
        match shown.as_bytes().ct_eq(self.0.as_bytes()).into() {
            true => Ok(()),
            false => Err(refusal(
                ErrorCode::InvalidToken,
                "Bearer error=\"invalid_token\"",
            )),
        }
    }
}

fn refusal(code: ErrorCode, challenge: &'static str) -> ApiError {
    let challenge = HeaderValue::from_static(challenge);
    ApiError::from(code).with_header(header::WWW_AUTHENTICATE, challenge)
}

impl fmt::Debug for MetricsToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn checked(shown: &[&'static str]) -> Result<(), ErrorCode> {
        let mut headers = HeaderMap::new();
        for shown in shown {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(shown));
        }
        let token = MetricsToken::new(TOKEN).unwrap();
        token.check(&headers).map_err(|error| error.code())
    }

    #[test]
    fn only_the_token_opens() {
        assert_eq!(checked(&["Bearer 0123456789abcdef"]), Ok(()));
        assert_eq!(checked(&["bearer 0123456789abcdef"]), Ok(()));
        for wrong in [
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdeF",
            "Bearer 0123456789abcdef0",
            "Bearer  0123456789abcdef",
        ] {
            assert_eq!(checked(&[wrong]), Err(ErrorCode::InvalidToken), "{wrong}");
        }
        for missing in [
            &[][..],
            &[""],
            &["0123456789abcdef"],
            &["Basic 0123456789abcdef"],
            &["Bearer 0123456789abcdef", "Bearer 0123456789abcdef"],
        ] {
            assert_eq!(
                checked(missing),
                Err(ErrorCode::ProofMissing),
                "{missing:?}"
            );
        }
    }

    #[test]
    fn what_is_short_or_no_header_is_no_token() {
        for bad in [
            "",
            "0123456789abcde",
            "0123456789 abcdef",
            "0123456789abcd\u{e9}",
        ] {
            assert!(MetricsToken::new(bad).is_none(), "{bad}");
        }
        let shown = format!("{:?}", MetricsToken::new(TOKEN).unwrap());
        assert_eq!(shown, "***");
    }
}
