use convosync_domain::ports::TokenRefused;
use jsonwebtoken::Algorithm;
use serde_json::Value;

use crate::members::Members;

/// The longest token that is looked at.
pub(crate) const TOKEN_MAX_BYTES: usize = 8 * 1_024;

/// A token of the right form. Only its header has been read, and nothing has been proved.
pub(crate) struct Token<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
    /// The header and the claims, as they were signed.
    pub(crate) signed: &'a str,
    pub(crate) claims: &'a str,
    pub(crate) signature: &'a str,
}

impl<'a> Token<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, TokenRefused> {
        let form = || TokenRefused::Invalid("the token is not three parts in base64url");
        if !text.bytes().all(is_of_a_token) {
            return Err(form());
        }
        let (signed, signature) = text.rsplit_once('.').ok_or_else(form)?;
        let (header, claims) = signed.split_once('.').ok_or_else(form)?;
        if claims.contains('.') || [header, claims, signature].contains(&"") {
            return Err(form());
        }
        let header = Members::decode(header).ok_or(TokenRefused::Invalid(
            "the header of the token is not readable",
        ))?;
        Ok(Self {
            algorithm: algorithm(&header)?,
            key_id: key_id(&header)?,
            signed,
            claims,
            signature,
        })
    }
}

fn is_of_a_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn algorithm(header: &Members) -> Result<Algorithm, TokenRefused> {
    if header.get("crit").is_some() {
        // Nothing is known here that a token could insist on.
        return Err(TokenRefused::Invalid("the token has critical extensions"));
    }
    match header.get("alg").and_then(Value::as_str) {
        Some("HS256") => Ok(Algorithm::HS256),
        Some("RS256") => Ok(Algorithm::RS256),
        Some("ES256") => Ok(Algorithm::ES256),
        Some("EdDSA") => Ok(Algorithm::EdDSA),
        _ => Err(TokenRefused::Invalid(
            "the algorithm of the token is none of HS256, RS256, ES256 and EdDSA",
        )),
    }
}

fn key_id(header: &Members) -> Result<Option<String>, TokenRefused> {
    match header.get("kid") {
        None => Ok(None),
        Some(Value::String(id)) => Ok(Some(id.clone())),
        Some(_) => Err(TokenRefused::Invalid("the kid of the token is not a text")),
    }
}
