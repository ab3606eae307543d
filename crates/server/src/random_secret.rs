//! Secrets that nobody can guess, from the random numbers of the system.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 256 random bits as 43 characters of base64url; `None` where the system has no random numbers.
pub(crate) fn random_secret() -> Option<String> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).ok()?;
    Some(URL_SAFE_NO_PAD.encode(secret))
}
