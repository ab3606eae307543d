//! Looks at the keys that settings name, for whoever sets a server up.

use crate::jwks::{self, ExaminedKeys, JwksError};
use crate::settings::{HS256_SECRET_MIN_BYTES, JwtSetupError, KeySource};
use crate::sources::{file, url};

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// The settings cannot be followed.
    #[error(transparent)]
    Setup(#[from] JwtSetupError),
    /// The key set does not come, which passes where its server is down.
    #[error("the key set cannot be fetched: {0}")]
    NotFetched(String),
    /// What comes is no key set.
    #[error("the key set cannot be used: {0}")]
    Unusable(#[from] JwksError),
}

/// Reads or fetches the keys, for five seconds at most, and says which of them are taken.
///
/// # Errors
/// [`ExamineError`] where none can be had. None of them holds a secret, or an address that may.
pub fn examine(source: &KeySource) -> Result<ExaminedKeys, ExamineError> {
    let document = match source {
        KeySource::Secret(secret) if secret.len() < HS256_SECRET_MIN_BYTES => {
            return Err(JwtSetupError::ShortSecret.into());
        }
        KeySource::Secret(_) => {
            return Ok(ExaminedKeys {
                usable: vec!["HS256".to_owned()],
                unusable: Vec::new(),
            });
        }
        KeySource::JwksFile(path) => file::document(path)?,
        KeySource::JwksUrl(address) => url::document(address)?.map_err(ExamineError::NotFetched)?,
    };
    Ok(jwks::examine(&document)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tests::server::KeyServer;

    /// A key of Ed25519 (RFC 8037, A.2) and a secret.
    const KEYS: &str = r#"{"keys": [
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "oct", "k": "c2VjcmV0"}
    ]}"#;

    #[test]
    fn every_key_of_a_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        let source = KeySource::JwksFile(path.clone());
        assert!(matches!(examine(&source), Err(ExamineError::Setup(_))));
        fs::write(&path, KEYS).unwrap();
        let examined = examine(&source).unwrap();
        assert_eq!(examined.usable, ["EdDSA"]);
        assert_eq!(
            examined.unusable,
            ["key 2 is not taken: it is a secret, which no key set may hold"]
        );
        fs::write(&path, "[]").unwrap();
        assert!(matches!(examine(&source), Err(ExamineError::Unusable(_))));
    }

    #[test]
    fn keys_are_fetched() {
        let server = KeyServer::of(&[]);
        server.answer("200 OK", KEYS);
        let source = KeySource::JwksUrl(server.address.clone());
        assert_eq!(examine(&source).unwrap().usable, ["EdDSA"]);
        server.answer("404 Not Found", "");
        let refused = examine(&source).unwrap_err().to_string();
        assert!(refused.contains("404"), "{refused}");
        let plain = examine(&KeySource::JwksUrl("http://issuer.example/".into()));
        assert!(matches!(plain, Err(ExamineError::Setup(_))));
    }

    #[test]
    fn a_secret_is_long_enough_or_not() {
        assert!(examine(&KeySource::Secret("x".repeat(31))).is_err());
        let examined = examine(&KeySource::Secret("x".repeat(32))).unwrap();
        assert_eq!(examined.usable, ["HS256"]);
    }
}
