//! A clock to move, and verifiers of tokens that are signed here.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::{fs, time::Duration};

use convosync_domain::ports::{Clock, TokenRefused, TokenVerifier as _, VerifiedToken};
use convosync_domain::timestamp::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::signers::Signer;
use crate::{JwtSettings, JwtVerifier, KeySource};

/// When tests begin, in seconds since 1970.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const SECRET: &str = "a secret of at least thirty-two bytes";
pub(crate) const ISSUER: &str = "https://issuer.example/";
pub(crate) const AUDIENCE: &str = "convosync";
pub(crate) const KEY_ID: &str = "2026-11";

pub(crate) static HS256: LazyLock<Signer> = LazyLock::new(|| Signer::hs256(SECRET.as_bytes()));
pub(crate) static RS256: LazyLock<Signer> = LazyLock::new(Signer::rs256);
pub(crate) static ES256: LazyLock<Signer> = LazyLock::new(Signer::es256);
pub(crate) static EDDSA: LazyLock<Signer> = LazyLock::new(Signer::eddsa);

/// One key of each algorithm.
pub(crate) fn signers() -> [&'static Signer; 4] {
    [&HS256, &RS256, &ES256, &EDDSA]
}

const KEYS: &str = "jwks.json";

/// A clock that stands still until it is moved.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(NOW * 1_000_000)))
    }

    pub(crate) fn move_by(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub(crate) fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// A verifier, its clock and the folder of its keys.
pub(crate) struct Stand {
    pub(crate) verifier: Arc<JwtVerifier>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) runtime: Runtime,
    folder: TempDir,
}

impl Stand {
    /// Takes tokens of [`ISSUER`] for [`AUDIENCE`] that this key signs.
    pub(crate) fn of(signer: &Signer) -> Self {
        Self::with(signer, |_| {})
    }

    /// The same, with other settings.
    pub(crate) fn with(signer: &Signer, change: impl FnOnce(&mut JwtSettings)) -> Self {
        let folder = TempDir::new().unwrap();
        let keys = match signer {
            Signer::Hs256(secret) => KeySource::Secret(String::from_utf8(secret.clone()).unwrap()),
            _ => {
                let path = folder.path().join(KEYS);
                fs::write(&path, key_set(&[signer.jwk(KEY_ID)])).unwrap();
                KeySource::JwksFile(path)
            }
        };
        let mut settings = strict(keys);
        change(&mut settings);
        let clock = TestClock::new();
        Self {
            verifier: Arc::new(JwtVerifier::new(settings, clock.clone()).unwrap()),
            clock,
            runtime: Builder::new_current_thread().enable_time().build().unwrap(),
            folder,
        }
    }

    /// The file with the key set.
    pub(crate) fn keys(&self) -> PathBuf {
        self.folder.path().join(KEYS)
    }

    pub(crate) fn write_keys(&self, keys: &[Value]) {
        fs::write(self.keys(), key_set(keys)).unwrap();
    }

    pub(crate) fn verify(&self, token: &str) -> Result<VerifiedToken, TokenRefused> {
        self.runtime.block_on(self.verifier.verify(token))
    }

    /// How many good tokens are kept.
    pub(crate) fn kept(&self) -> usize {
        self.verifier.keys.current(self.clock.now()).good.len()
    }

    /// The user of a token that is good.
    #[track_caller]
    pub(crate) fn user(&self, token: &str) -> String {
        self.verify(token).unwrap().user_id
    }

    /// Why a token is not good.
    #[track_caller]
    pub(crate) fn refused(&self, token: &str) -> &'static str {
        let TokenRefused::Invalid(reason) = self.verify(token).unwrap_err() else {
            panic!("there are no keys");
        };
        let may_be_described =
            |byte: u8| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\');
        assert!(reason.bytes().all(may_be_described), "{reason}");
        reason
    }
}

/// Tokens of [`ISSUER`] for [`AUDIENCE`], for an hour.
pub(crate) fn strict(keys: KeySource) -> JwtSettings {
    JwtSettings {
        issuer: Some(ISSUER.to_owned()),
        audience: vec!["another".to_owned(), AUDIENCE.to_owned()],
        max_lifetime: Some(Duration::from_secs(3_600)),
        ..JwtSettings::new(keys)
    }
}

pub(crate) fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

pub(crate) fn header_of(signer: &Signer) -> Value {
    json!({"typ": "JWT", "alg": signer.algorithm(), "kid": KEY_ID})
}

pub(crate) fn claims_of(user: &str) -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user,
        "iat": NOW - 10,
        "nbf": NOW - 10,
        "exp": NOW + 600,
    })
}

/// The right token of a user.
pub(crate) fn token_of(signer: &Signer, user: &str) -> String {
    let (header, claims) = (header_of(signer), claims_of(user));
    signer.token(&header.to_string(), &claims.to_string())
}

/// The right token of "ada" but for one member of its header.
pub(crate) fn with_header(signer: &Signer, name: &str, value: impl Into<Value>) -> String {
    let mut header = header_of(signer);
    header[name] = value.into();
    signer.token(&header.to_string(), &claims_of("ada").to_string())
}

/// The right token of "ada" but for one claim.
pub(crate) fn with_claim(signer: &Signer, name: &str, value: impl Into<Value>) -> String {
    let mut claims = claims_of("ada");
    claims[name] = value.into();
    signer.token(&header_of(signer).to_string(), &claims.to_string())
}

/// The right token of "ada" but for one claim that it lacks.
pub(crate) fn without_claim(signer: &Signer, name: &str) -> String {
    let mut claims = claims_of("ada");
    claims.as_object_mut().unwrap().remove(name).unwrap();
    signer.token(&header_of(signer).to_string(), &claims.to_string())
}
