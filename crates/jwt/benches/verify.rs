//! How long it takes to check a token of each algorithm: one that is seen for the first time, and one that is
//! kept.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that fails ends"
)]

use std::fs;
use std::sync::Arc;

use convosync_domain::ports::{Clock, TokenVerifier as _};
use convosync_domain::timestamp::Timestamp;
use convosync_jwt::{JwtSettings, JwtVerifier, KeySource};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use serde_json::json;
use tokio::runtime::Builder;

#[path = "../src/tests/signers.rs"]
#[allow(dead_code, reason = "the tests need more of it")]
mod signers;

use signers::Signer;

const NOW: i64 = 1_800_000_000;
const SECRET: &str = "a secret of at least thirty-two bytes";

struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(NOW * 1_000_000).unwrap()
    }
}

/// A token as issuers make them, of about 600 bytes.
fn token(signer: &Signer, number: u64) -> String {
    let header = json!({"typ": "JWT", "alg": signer.algorithm(), "kid": "2026-11"});
    let claims = json!({
        "iss": "https://issuer.example/",
        "aud": ["convosync", "https://issuer.example/userinfo"],
        "sub": "auth0|6518856d63ae5696b1908593",
        "iat": NOW - 10,
        "exp": NOW + 3_600,
        "scope": "openid profile email",
        "azp": "AbCdEfGhIjKlMnOpQrStUvWxYz012345",
        "jti": number,
    });
    signer.token(&header.to_string(), &claims.to_string())
}

fn verify(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let signers = [
        Signer::hs256(SECRET.as_bytes()),
        Signer::rs256(),
        Signer::es256(),
        Signer::eddsa(),
    ];
    for signer in &signers {
        let keys = if let Signer::Hs256(_) = signer {
            KeySource::Secret(SECRET.to_owned())
        } else {
            fs::write(&path, json!({"keys": [signer.jwk("2026-11")]}).to_string()).unwrap();
            KeySource::JwksFile(path.clone())
        };
        let settings = JwtSettings {
            issuer: Some("https://issuer.example/".to_owned()),
            audience: vec!["convosync".to_owned()],
            ..JwtSettings::new(keys)
        };
        let verifier = JwtVerifier::new(settings, Arc::new(StandingClock)).unwrap();
        let verify = |token: &str| runtime.block_on(verifier.verify(token)).unwrap();

        let mut group = criterion.benchmark_group(signer.algorithm());
        let mut numbers = 1..;
        let mut new = || token(signer, numbers.next().unwrap());
        group.bench_function("new", |bencher| {
            bencher.iter_batched(&mut new, |token| verify(&token), BatchSize::SmallInput);
        });
        let kept = token(signer, 0);
        group.bench_function("kept", |bencher| bencher.iter(|| verify(&kept)));
        group.finish();
    }
}

criterion_group!(benches, verify);
criterion_main!(benches);
