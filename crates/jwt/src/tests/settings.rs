use super::support::*;
use crate::{HS256_SECRET_MIN_BYTES, JwtSettings, JwtSetupError, JwtVerifier, KeySource};

fn error_of(settings: JwtSettings) -> Option<JwtSetupError> {
    JwtVerifier::new(settings, TestClock::new()).err()
}

fn url(address: &str) -> Option<JwtSetupError> {
    error_of(strict(KeySource::JwksUrl(address.to_owned())))
}

#[test]
fn a_secret_has_at_least_32_bytes() {
    let secret = |length: usize| strict(KeySource::Secret("s".repeat(length)));
    assert!(error_of(secret(HS256_SECRET_MIN_BYTES)).is_none());
    for length in [0, 1, HS256_SECRET_MIN_BYTES - 1] {
        let error = error_of(secret(length)).unwrap();
        assert!(matches!(error, JwtSetupError::ShortSecret), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("sss"));
    }
}

#[test]
fn the_claim_of_the_user_has_a_name() {
    let mut settings = strict(KeySource::Secret(SECRET.to_owned()));
    settings.user_claim.clear();
    assert!(matches!(
        error_of(settings),
        Some(JwtSetupError::NoUserClaim)
    ));
}

#[test]
fn keys_are_fetched_by_https_or_from_this_machine() {
    for address in [
        "https://issuer.example/.well-known/jwks.json",
        "https://issuer.example:8443/keys?tenant=1",
        "https://10.0.0.1/keys",
        "http://localhost/keys",
        "http://LOCALHOST:8080/keys",
        "http://127.0.0.1:8080/keys",
        "http://127.1.2.3/keys",
        "http://[::1]:8080/keys",
    ] {
        assert!(url(address).is_none(), "{address}");
    }
    for address in [
        "",
        "keys.json",
        "/etc/keys.json",
        "https://",
        "https:///keys",
        "ftp://localhost/keys",
        "file:///etc/keys.json",
        "http://issuer.example/keys",
        "http://10.0.0.1/keys",
        "http://0.0.0.0/keys",
        "http://[::]/keys",
        "http://localhost.issuer.example/keys",
        "http://127.0.0.1.issuer.example/keys",
        "http://localhost@issuer.example/keys",
        "http://issuer.example@localhost/keys",
        "https://user:password@issuer.example/keys",
        "https://issuer.example/a b",
    ] {
        let error = url(address).unwrap();
        assert!(matches!(error, JwtSetupError::Address(_)), "{error:?}");
    }
}

#[test]
fn debug_shows_no_secret() {
    for source in [
        KeySource::Secret("marker".repeat(9)),
        KeySource::JwksUrl("https://issuer.example/keys?code=marker".to_owned()),
    ] {
        let shown = format!("{:?}", JwtSettings::new(source));
        assert!(!shown.contains("marker"), "{shown}");
    }
}
