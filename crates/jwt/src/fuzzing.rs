//! What of this crate is fuzzed, without anybody who issues keys. Behind the feature `fuzzing`; nothing else should need
//! it.

use convosync_domain::timestamp::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::claims::ClaimRules;
use crate::jwks::usable_keys;
use crate::keys::{Key, KeyRing, hash};
use crate::members::Members;
use crate::token::{TOKEN_MAX_BYTES, Token};

/// A moment in 2025, in microseconds.
const NOW: i64 = 1_750_000_000_000_000;

/// Reads a key set, and a token with its keys and with a secret that nobody has; its claims whether or not it is signed.
/// Whether it is good.
#[must_use]
pub fn read_token(key_set: &[u8], token: &str) -> bool {
    let mut keys = usable_keys(key_set).unwrap_or_default();
    if let Ok(material) = DecodingKey::from_secret(&[7; 32]) {
        keys.push(Key {
            id: None,
            algorithm: Algorithm::HS256,
            material,
        });
    }
    let Ok(now) = Timestamp::from_micros(NOW) else {
        return false;
    };
    if token.len() > TOKEN_MAX_BYTES {
        return false;
    }
    let Ok(token) = Token::read(token) else {
        return false;
    };
    let rules = ClaimRules {
        issuer: Some("https://issuer.example".to_owned()),
        audience: vec!["convosync".to_owned()],
        user_claim: "sub".to_owned(),
        max_lifetime: None,
    };
    let claims = Members::decode(token.claims).and_then(|claims| rules.check(claims, now).ok());
    let is_now = claims.and_then(|good| good.at(now)).is_some();
    let ring = KeyRing::new(keys, hash(key_set));
    ring.check_signature(&token).is_ok() && is_now
}
