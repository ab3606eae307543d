use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::jwks::JwksError;

/// The shortest secret of HS256, in bytes: as long as its digest (RFC 7518, 3.2).
pub const HS256_SECRET_MIN_BYTES: usize = 32;

/// Which tokens are taken.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    /// The keys that tokens are signed with.
    pub keys: KeySource,
    /// What `iss` has to be; any, or none, without it.
    pub issuer: Option<String>,
    /// Of these `aud` has to name one. Where there are none, tokens that were issued for others are taken too.
    pub audience: Vec<String>,
    /// The claim that names the user.
    pub user_claim: String,
    /// The longest time from `iat` to `exp`, or from now where a token does not tell when it was issued; any
    /// without it.
    pub max_lifetime: Option<Duration>,
}

impl JwtSettings {
    /// Tokens of any issuer for anybody, whose `sub` is the user, for a day at most.
    #[must_use]
    pub fn new(keys: KeySource) -> Self {
        Self {
            keys,
            issuer: None,
            audience: Vec::new(),
            user_claim: "sub".to_owned(),
            max_lifetime: Some(Duration::from_secs(24 * 60 * 60)),
        }
    }
}

/// Where keys come from.
#[derive(Clone)]
pub enum KeySource {
    /// The secret of HS256, at least [`HS256_SECRET_MIN_BYTES`] long.
    Secret(String),
    /// A file with a JSON Web Key Set, read again when it changes.
    JwksFile(PathBuf),
    /// The `https` address of a JSON Web Key Set, or `http` on this machine.
    JwksUrl(String),
}

/// Without the secret, and without an address that may hold one.
impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::JwksFile(path) => f.debug_tuple("JwksFile").field(path).finish(),
            Self::JwksUrl(_) => f.write_str("JwksUrl(..)"),
        }
    }
}

/// Why no token can be checked with these settings.
#[derive(Debug, thiserror::Error)]
pub enum JwtSetupError {
    /// The secret is shorter than [`HS256_SECRET_MIN_BYTES`].
    #[error(
        "the secret that tokens are signed with must be at least {HS256_SECRET_MIN_BYTES} bytes long"
    )]
    ShortSecret,
    /// The claim that names the user has no name itself.
    #[error("the claim that names the user must have a name")]
    NoUserClaim,
    /// The file with the keys cannot be read.
    #[error("the key set {path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file has no key to check a token with.
    #[error("the key set {path} cannot be used")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: JwksError,
    },
    /// The address of the keys is none that keys may be fetched from.
    #[error("the address of the key set {0}")]
    Address(&'static str),
}
