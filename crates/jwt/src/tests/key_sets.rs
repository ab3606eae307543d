//! Which keys of a set are taken.

use std::slice;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::signers::{Signer, base64url};
use super::support::*;
use crate::{JwksError, JwtSetupError, JwtVerifier, KeySource};

/// What comes of a set of keys.
fn verifier_of(document: &str) -> Result<JwtVerifier, JwtSetupError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    std::fs::write(&path, document).unwrap();
    JwtVerifier::new(strict(KeySource::JwksFile(path)), TestClock::new())
}

#[track_caller]
fn unusable(document: &str) -> JwksError {
    match verifier_of(document).err() {
        Some(JwtSetupError::Unusable { source, .. }) => source,
        error => panic!("{error:?}"),
    }
}

fn changed(mut key: Value, name: &str, value: impl Into<Value>) -> Value {
    key[name] = value.into();
    key
}

#[test]
fn keys_that_cannot_check_tokens_are_left_out() {
    let [rsa, ec, ed] = [&*RS256, &*ES256, &*EDDSA].map(|signer| signer.jwk(KEY_ID));
    let left_out = [
        json!(null),
        json!({}),
        json!({"kty": "RSA", "kid": KEY_ID}),
        HS256.jwk(KEY_ID),
        changed(rsa.clone(), "use", "enc"),
        changed(rsa.clone(), "use", "SIG"),
        changed(rsa.clone(), "key_ops", json!([])),
        changed(rsa.clone(), "key_ops", json!(["sign", "encrypt"])),
        changed(rsa.clone(), "alg", "RS512"),
        changed(rsa.clone(), "alg", "PS256"),
        changed(rsa.clone(), "alg", "HS256"),
        changed(rsa.clone(), "alg", "RSA-OAEP"),
        changed(rsa.clone(), "alg", "none"),
        changed(rsa.clone(), "n", base64url([0xff; 128])),
        changed(
            rsa.clone(),
            "n",
            base64url([&[0x7f][..], &[0xff; 255]].concat()),
        ),
        changed(
            rsa.clone(),
            "n",
            base64url([&[0; 200][..], &[0xff; 128]].concat()),
        ),
        changed(rsa.clone(), "n", base64url([0xff; 1_025])),
        changed(rsa.clone(), "n", "?"),
        changed(rsa.clone(), "kid", 1),
        changed(ec.clone(), "crv", "P-384"),
        changed(ec.clone(), "crv", "secp256k1"),
        changed(ec.clone(), "x", base64url([1; 31])),
        changed(ec.clone(), "alg", "RS256"),
        changed(ed.clone(), "crv", "X25519"),
        changed(ed.clone(), "x", base64url([1; 57])),
    ];
    for key in left_out {
        assert_eq!(
            unusable(&key_set(slice::from_ref(&key))),
            JwksError::NoUsableKey,
            "{key}"
        );
        // And they do not spoil the others.
        assert!(verifier_of(&key_set(&[key, rsa.clone()])).is_ok());
    }
    let taken = [
        changed(rsa.clone(), "alg", "RS256"),
        changed(rsa.clone(), "key_ops", json!(["verify"])),
        changed(rsa.clone(), "x5t", "whatever"),
        changed(rsa, "n", base64url([&[0x80][..], &[0; 255]].concat())),
        changed(ec.clone(), "alg", "ES256"),
        changed(ec, "use", "sig"),
        ed,
    ];
    for key in taken {
        assert!(
            verifier_of(&key_set(slice::from_ref(&key))).is_ok(),
            "{key}"
        );
    }
}

#[test]
fn numbers_of_rsa_may_begin_with_zeros() {
    let stand = Stand::of(&RS256);
    let mut key = RS256.jwk("zeros");
    for number in ["n", "e"] {
        let digits = URL_SAFE_NO_PAD
            .decode(key[number].as_str().unwrap())
            .unwrap();
        key[number] = base64url([&[0, 0][..], &digits].concat()).into();
    }
    stand.write_keys(&[key]);
    stand.clock.move_by(1);
    assert_eq!(stand.user(&with_header(&RS256, "kid", "zeros")), "ada");
}

#[test]
fn what_is_no_key_set_is_refused() {
    for document in [
        "",
        "{}",
        "[]",
        "null",
        "{\"keys\":{}}",
        "{\"keys\":[}",
        "<html>",
    ] {
        assert_eq!(unusable(document), JwksError::Malformed, "{document}");
    }
    assert_eq!(unusable("{\"keys\":[]}"), JwksError::NoUsableKey);
    let full = key_set(&[ES256.jwk(KEY_ID)]);
    let longest = full.clone() + &" ".repeat((1 << 20) - full.len());
    assert!(verifier_of(&longest).is_ok());
    assert_eq!(unusable(&(longest + " ")), JwksError::TooLong);
}

#[test]
fn one_set_may_have_keys_of_each_type_even_under_one_id() {
    let stand = Stand::of(&RS256);
    stand.write_keys(&[
        RS256.jwk("one"),
        ES256.jwk("one"),
        EDDSA.jwk("one"),
        HS256.jwk("one"),
    ]);
    stand.clock.move_by(1);
    for signer in [&*RS256, &*ES256, &*EDDSA] {
        assert_eq!(stand.user(&with_header(signer, "kid", "one")), "ada");
    }
    let token = with_header(&HS256, "kid", "one");
    assert_eq!(stand.refused(&token), "no key is known for the token");
}

#[test]
fn a_token_without_an_id_is_tried_with_eight_keys() {
    let keys: Vec<Signer> = (0..9).map(|_| Signer::eddsa()).collect();
    let stand = Stand::of(&EDDSA);
    let jwks: Vec<Value> = keys
        .iter()
        .zip(0..)
        .map(|(key, id): (_, u8)| key.jwk(&id.to_string()))
        .collect();
    stand.write_keys(&jwks);
    stand.clock.move_by(1);
    let token = |key: &Signer| key.token(r#"{"alg":"EdDSA"}"#, &claims_of("ada").to_string());
    for key in &keys[..8] {
        assert_eq!(stand.user(&token(key)), "ada");
    }
    assert_eq!(
        stand.refused(&token(&keys[8])),
        "the signature of the token is wrong"
    );
    assert_eq!(stand.user(&with_header(&keys[8], "kid", "8")), "ada");
}

#[test]
fn a_key_without_an_id_is_tried_with_every_token() {
    let stand = Stand::of(&ES256);
    let mut key = ES256.jwk(KEY_ID);
    key.as_object_mut().unwrap().remove("kid");
    stand.write_keys(&[key]);
    stand.clock.move_by(1);
    assert_eq!(stand.user(&with_header(&ES256, "kid", "any")), "ada");
}
