use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations,
    PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;

use crate::keys::Key;

/// The longest key set, in bytes.
pub(crate) const JWKS_MAX_BYTES: u64 = 1 << 20;

const RSA_BITS_MIN: usize = 2_048;
const RSA_BITS_MAX: usize = 8_192;
/// An uncompressed point of P-256 has a byte before its two coordinates.
const P256_POINT_BYTES: usize = 65;
const ED25519_KEY_BYTES: usize = 32;

/// What is wrong with a JSON Web Key Set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// It is longer than 1 MiB.
    #[error("it is longer than 1 MiB")]
    TooLong,
    /// It is no JSON object with a list `keys`.
    #[error("it is no JSON object with a list `keys`")]
    Malformed,
    /// It has no key to check a token with.
    #[error("it has no public key for RS256, ES256 or EdDSA")]
    NoUsableKey,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// The keys of a set that tokens can be checked with; of every other one a warning is logged.
pub(crate) fn usable_keys(document: &[u8]) -> Result<Vec<Key>, JwksError> {
    let set: KeySet = serde_json::from_slice(document).or(Err(JwksError::Malformed))?;
    let mut keys = Vec::new();
    for (key, number) in set.keys.into_iter().zip(1..) {
        match usable_key(key) {
            Ok(key) => keys.push(key),
            Err(reason) => tracing::warn!(number, reason, "a key of the key set is left out"),
        }
    }
    if keys.is_empty() {
        return Err(JwksError::NoUsableKey);
    }
    Ok(keys)
}

/// What tokens would be checked with, and what is left out of a key set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExaminedKeys {
    /// The algorithm of each key that is taken.
    pub usable: Vec<String>,
    /// Each key that is not taken, by its number in the set, with the reason.
    pub unusable: Vec<String>,
}

/// Looks at every key of a set.
pub(crate) fn examine(document: &[u8]) -> Result<ExaminedKeys, JwksError> {
    let set: KeySet = serde_json::from_slice(document).or(Err(JwksError::Malformed))?;
    let mut examined = ExaminedKeys::default();
    for (key, number) in set.keys.into_iter().zip(1..) {
        match usable_key(key) {
            Ok(key) => examined.usable.push(format!("{:?}", key.algorithm)),
            Err(reason) => examined
                .unusable
                .push(format!("key {number} is not taken: {reason}")),
        }
    }
    Ok(examined)
}

fn usable_key(key: Value) -> Result<Key, &'static str> {
    let jwk: Jwk = serde_json::from_value(key).or(Err("it is no JSON Web Key"))?;
    check_purpose(&jwk.common)?;
    let algorithm = algorithm_of(&jwk.algorithm)?;
    if let Some(named) = jwk.common.key_algorithm
        && named != KeyAlgorithm::from(algorithm)
    {
        return Err("it is for an algorithm that is not taken");
    }
    let material = DecodingKey::from_jwk(&jwk).or(Err("it is not in base64url"))?;
    let material = without_leading_zeros(material);
    check_size(&material, algorithm)?;
    Ok(Key {
        id: jwk.common.key_id,
        algorithm,
        material,
    })
}

fn check_purpose(key: &CommonParameters) -> Result<(), &'static str> {
    if let Some(purpose) = &key.public_key_use
        && *purpose != PublicKeyUse::Signature
    {
        return Err("it is not for signatures");
    }
    if let Some(operations) = &key.key_operations
        && !operations.contains(&KeyOperations::Verify)
    {
        return Err("it is not for checking signatures");
    }
    Ok(())
}

/// The one algorithm that a key of this type is taken for.
fn algorithm_of(parameters: &AlgorithmParameters) -> Result<Algorithm, &'static str> {
    match parameters {
        AlgorithmParameters::RSA(_) => Ok(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Ok(Algorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Ok(Algorithm::EdDSA)
        }
        AlgorithmParameters::OctetKey(_) => Err("it is a secret, which no key set may hold"),
        _ => Err("its type or curve is not taken"),
    }
}

/// Some issuers write the numbers of RSA with a zero before them, which no signature would be checked with.
fn without_leading_zeros(material: DecodingKey) -> DecodingKey {
    let DecodingKeyKind::RsaModulusExponent { n, e } = material.kind() else {
        return material;
    };
    DecodingKey::from_rsa_raw_components(significant(n), significant(e))
}

/// The bytes of a number from the first that is not zero; its highest byte comes first.
fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn check_size(material: &DecodingKey, algorithm: Algorithm) -> Result<(), &'static str> {
    let bytes = match material.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => {
            return match bits(n) {
                ..RSA_BITS_MIN => Err("it is an RSA key of less than 2048 bits"),
                RSA_BITS_MIN..=RSA_BITS_MAX => Ok(()),
                _ => Err("it is an RSA key of more than 8192 bits"),
            };
        }
        DecodingKeyKind::SecretOrDer(bytes) => bytes.len(),
    };
    match (algorithm, bytes) {
        (Algorithm::ES256, P256_POINT_BYTES) | (Algorithm::EdDSA, ED25519_KEY_BYTES) => Ok(()),
        _ => Err("it does not have the length of its curve"),
    }
}

/// The length of a number without leading zeros.
fn bits(number: &[u8]) -> usize {
    match number.split_first() {
        Some((first, rest)) => {
            let of_first: usize = (u8::BITS - first.leading_zeros()).try_into().unwrap_or(0);
            of_first + 8 * rest.len()
        }
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_as_long_as_its_significant_bits() {
        for (number, length) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[1], 1),
            (&[0, 0x80], 8),
            (&[1, 0], 9),
            (&[0xff, 0xff, 0xff], 24),
        ] {
            assert_eq!(bits(significant(number)), length, "{number:?}");
        }
    }
}
