//! Checks users' [JSON Web Tokens](https://www.rfc-editor.org/rfc/rfc7519) as
//! [RFC 8725](https://www.rfc-editor.org/rfc/rfc8725) advises.
//!
//! [`JwtVerifier`] is the [`TokenVerifier`](convosync_domain::ports::TokenVerifier) of a server whose users
//! sign in elsewhere. It knows keys from its settings alone, each for one algorithm, and takes HS256, RS256,
//! ES256 and EdDSA. Whatever a token says of keys (`jwk`, `jku`, `x5u`, `x5c`) is ignored.
//!
//! A token goes through `token` (its form and header), `keys` (its signature) and `claims` (what it says), in
//! this order. Good ones are kept by their digest until they end or the keys change. Where keys come from is
//! in `sources`.
//!
//! `jsonwebtoken` parses keys and checks signatures. Claims are checked here, once parsed: it knows no clock
//! but the system's, and reads them twice.

mod claims;
mod examine;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod jwks;
mod keys;
mod members;
mod settings;
mod sources;
#[cfg(test)]
mod tests;
mod token;
mod verifier;

pub use examine::{ExamineError, examine};
pub use jwks::{ExaminedKeys, JwksError};
pub use settings::{HS256_SECRET_MIN_BYTES, JwtSettings, JwtSetupError, KeySource};
pub use verifier::JwtVerifier;
