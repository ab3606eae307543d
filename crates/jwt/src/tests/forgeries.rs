//! Tokens of the right form that nobody with the key has signed, and forms that are no token's.

use std::net::TcpListener;

use serde_json::json;

use super::signers::{Signer, base64url};
use super::support::*;

const NO_FORM: &str = "the token is not three parts in base64url";
const NO_ALGORITHM: &str = "the algorithm of the token is none of HS256, RS256, ES256 and EdDSA";
const NO_KEY: &str = "no key is known for the token";
const NO_SIGNATURE: &str = "the signature of the token is wrong";

#[test]
fn a_token_without_a_signature_is_refused() {
    for signer in signers() {
        let stand = Stand::of(signer);
        for name in [
            "none", "None", "NONE", "nOnE", "", "hs256", "Hs256", "HS256 ", "EDDSA",
        ] {
            let token = with_header(signer, "alg", name);
            assert_eq!(stand.refused(&token), NO_ALGORITHM, "{name}");
            let (unsigned, _) = token.rsplit_once('.').unwrap();
            assert_eq!(stand.refused(&format!("{unsigned}.")), NO_FORM);
        }
        let right = token_of(signer, "ada");
        let (unsigned, _) = right.rsplit_once('.').unwrap();
        assert_eq!(stand.refused(&format!("{unsigned}.")), NO_FORM);
        assert_eq!(stand.refused(&format!("{unsigned}.AA")), NO_SIGNATURE);
    }
}

#[test]
fn other_algorithms_are_refused() {
    let stand = Stand::of(&RS256);
    let names = [
        "HS384", "HS512", "RS384", "RS512", "PS256", "ES384", "ES256K", "Ed25519",
    ];
    for name in names {
        let token = with_header(&RS256, "alg", name);
        assert_eq!(stand.refused(&token), NO_ALGORITHM, "{name}");
    }
    for value in [json!(null), json!(256), json!(["RS256"])] {
        let token = with_header(&RS256, "alg", value);
        assert_eq!(stand.refused(&token), NO_ALGORITHM);
    }
}

#[test]
fn a_key_is_taken_for_its_algorithm_only() {
    for signer in signers() {
        let stand = Stand::of(signer);
        for other in signers() {
            if signer.algorithm() != other.algorithm() {
                assert_eq!(stand.refused(&token_of(other, "ada")), NO_KEY);
                let token = with_header(signer, "alg", other.algorithm());
                assert_eq!(stand.refused(&token), NO_KEY);
            }
        }
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let stand = Stand::of(&RS256);
    let der = RS256.public_der();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        base64url(&der)
    );
    let jwk = RS256.jwk(KEY_ID);
    let n = jwk["n"].as_str().unwrap();
    for secret in [
        &der,
        pem.as_bytes(),
        n.as_bytes(),
        jwk.to_string().as_bytes(),
    ] {
        let forger = Signer::hs256(secret);
        assert_eq!(stand.refused(&token_of(&forger, "ada")), NO_KEY);
        let token = with_header(&forger, "alg", "RS256");
        assert_eq!(stand.refused(&token), NO_SIGNATURE);
    }
}

#[test]
fn another_key_does_not_sign() {
    let forgers = [
        Signer::hs256(&[7; 32]),
        Signer::rs256(),
        Signer::es256(),
        Signer::eddsa(),
    ];
    for (signer, forger) in signers().into_iter().zip(&forgers) {
        let stand = Stand::of(signer);
        assert_eq!(stand.refused(&token_of(forger, "ada")), NO_SIGNATURE);
        assert_eq!(stand.user(&token_of(signer, "ada")), "ada");
    }
}

#[test]
fn a_key_has_to_be_known_by_its_id() {
    for signer in [&*RS256, &*ES256, &*EDDSA] {
        let stand = Stand::of(signer);
        for id in ["", "2026-12", "2026-11 ", "../2026-11"] {
            assert_eq!(stand.refused(&with_header(signer, "kid", id)), NO_KEY);
        }
        for id in [json!(null), json!(1), json!([KEY_ID])] {
            let token = with_header(signer, "kid", id);
            assert_eq!(stand.refused(&token), "the kid of the token is not a text");
        }
        let header = json!({"alg": signer.algorithm()}).to_string();
        assert_eq!(
            stand.user(&signer.token(&header, &claims_of("ada").to_string())),
            "ada"
        );
    }
    // There is but one secret, whatever its issuer calls it.
    let stand = Stand::of(&HS256);
    assert_eq!(stand.user(&with_header(&HS256, "kid", "any")), "ada");
}

#[test]
fn critical_extensions_are_refused() {
    let stand = Stand::of(&ES256);
    for crit in [
        json!(["b64"]),
        json!(["exp"]),
        json!([]),
        json!(null),
        json!("x"),
    ] {
        let token = with_header(&ES256, "crit", crit);
        assert_eq!(stand.refused(&token), "the token has critical extensions");
    }
}

#[test]
fn keys_that_a_token_brings_are_neither_taken_nor_fetched() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let forger = Signer::es256();
    let stand = Stand::of(&ES256);
    for (name, value) in [
        ("jwk", forger.jwk(KEY_ID)),
        ("jku", json!(elsewhere)),
        ("x5u", json!(elsewhere)),
        ("x5c", json!(["MIIB"])),
    ] {
        let token = with_header(&forger, name, value.clone());
        assert_eq!(stand.refused(&token), NO_SIGNATURE, "{name}");
        assert_eq!(stand.user(&with_header(&ES256, name, value)), "ada");
    }
    assert!(listener.accept().is_err(), "the address was fetched");
}

#[test]
fn what_is_no_token_is_refused_before_any_key_is_asked() {
    let stand = Stand::of(&HS256);
    let right = token_of(&HS256, "ada");
    let parts: Vec<&str> = right.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("a token has three parts");
    };
    for token in [
        "",
        ".",
        "..",
        "...",
        header,
        &format!("{header}.{claims}"),
        &format!("{right}."),
        &format!(".{right}"),
        &format!("{right}.{signature}"),
        &format!("{header}..{signature}"),
        &format!("{header}.{claims}.{signature}="),
        &format!("{header}=.{claims}.{signature}"),
        &format!(" {right}"),
        &format!("{right} "),
        &format!("{right}\n"),
        &format!("{header} .{claims}.{signature}"),
        &format!("Bearer {right}"),
        &right.replace('.', "\u{ff0e}"),
        &format!("{right}\0"),
        &format!("{header}.{claims}.+/{signature}"),
    ] {
        assert_eq!(stand.refused(token), NO_FORM, "{token}");
    }
    let long = with_claim(&HS256, "padding", "a".repeat(8_192));
    assert_eq!(stand.refused(&long), "the token is longer than 8 KiB");
    let longest = with_claim(&HS256, "padding", "a".repeat(5_600));
    assert_eq!(stand.user(&longest), "ada");
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let stand = Stand::of(&HS256);
    let (header, claims) = (header_of(&HS256).to_string(), claims_of("ada").to_string());
    let twice = |object: &str, member: &str| format!("{},{member}}}", object.trim_end_matches('}'));
    for member in [
        r#""alg":"HS256""#,
        r#""typ":"JWT""#,
        r#""x":1,"x":1"#,
        r#""\u0061lg":"none""#,
    ] {
        let token = HS256.token(&twice(&header, member), &claims);
        assert_eq!(
            stand.refused(&token),
            "the header of the token is not readable"
        );
    }
    for member in [
        r#""sub":"eve""#,
        r#""exp":1"#,
        r#""x":1,"x":2"#,
        r#""s\u0075b":"eve""#,
    ] {
        let token = HS256.token(&header, &twice(&claims, member));
        assert_eq!(
            stand.refused(&token),
            "the claims of the token are not readable"
        );
    }
}

#[test]
fn parts_that_are_no_objects_are_refused() {
    let stand = Stand::of(&HS256);
    let (header, claims) = (header_of(&HS256).to_string(), claims_of("ada").to_string());
    let deep = "[".repeat(5_000);
    for part in [
        "",
        "1",
        "null",
        "[]",
        "\"a\"",
        "{",
        "{}x",
        "\u{feff}{}",
        "{'a':1}",
        &deep,
    ] {
        // An empty part has no right form.
        let (no_header, no_claims) = if part.is_empty() {
            (NO_FORM, NO_FORM)
        } else {
            (
                "the header of the token is not readable",
                "the claims of the token are not readable",
            )
        };
        assert_eq!(stand.refused(&HS256.token(part, &claims)), no_header);
        assert_eq!(stand.refused(&HS256.token(&header, part)), no_claims);
    }
}
