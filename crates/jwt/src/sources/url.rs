use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use convosync_domain::ports::Clock;
use convosync_domain::timestamp::Timestamp;
use rustls::crypto::aws_lc_rs;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::{JoinHandle, spawn_blocking};
use ureq::Agent;
use ureq::http::{StatusCode, Uri};
use ureq::tls::{RootCerts, TlsConfig};

use super::{SECOND, is_over};
use crate::jwks::{JWKS_MAX_BYTES, JwksError};
use crate::keys::{CurrentKeys, KeyRing, hash};
use crate::settings::JwtSetupError;

/// How long a key set may take to arrive.
pub(crate) const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How old keys grow before they are fetched again, in microseconds.
const FETCH_EVERY: u64 = 60 * 60 * SECOND;
/// How long to wait between two fetches, in microseconds: tokens that name unknown keys cost nothing to make.
const WAIT: u64 = 60 * SECOND;
/// The same while there are no keys at all.
const WAIT_WITHOUT_KEYS: u64 = SECOND;

/// A key set at an address. While it cannot be fetched its last keys stay.
pub(crate) struct JwksUrl {
    address: String,
    /// For the log: an address may have a secret in its query.
    host: String,
    agent: Agent,
    clock: Arc<dyn Clock>,
    keys: CurrentKeys,
    /// When the keys were fetched, in microseconds since 1970.
    fetched_at: AtomicI64,
    /// Whoever fetches holds it, so that one does at a time.
    turn: Arc<Mutex<LastTry>>,
}

/// When the last fetch ended, well or not.
type LastTry = Option<Timestamp>;

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}")]
    Http(#[from] ureq::Error),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("{0}")]
    Unusable(#[from] JwksError),
}

impl JwksUrl {
    pub(crate) fn new(
        address: String,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JwtSetupError> {
        let (host, is_local) = checked(&address).map_err(JwtSetupError::Address)?;
        Ok(Self {
            address,
            host,
            agent: agent(timeout, is_local),
            clock,
            keys: CurrentKeys::new(KeyRing::new(Vec::new(), hash(""))),
            fetched_at: AtomicI64::new(i64::MIN),
            turn: Arc::default(),
        })
    }

    /// The keys there are. Those that have grown old are fetched again meanwhile.
    pub(crate) fn current(self: &Arc<Self>, now: Timestamp) -> Arc<KeyRing> {
        let age = now
            .as_micros()
            .abs_diff(self.fetched_at.load(Ordering::Relaxed));
        if age >= FETCH_EVERY
            && let Ok(turn) = Arc::clone(&self.turn).try_lock_owned()
            && self.may_try(&turn)
        {
            // Nobody waits for it.
            drop(self.start_fetch(turn));
        }
        self.keys.get()
    }

    /// The keys after the fetch that is going on, or after a new one if enough time has passed since the last.
    pub(crate) async fn newer(self: &Arc<Self>) -> Arc<KeyRing> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if self.may_try(&turn) {
            self.fetch(turn).await;
        }
        self.keys.get()
    }

    pub(crate) async fn reload(self: &Arc<Self>) {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        self.fetch(turn).await;
    }

    fn may_try(&self, last: &LastTry) -> bool {
        let wait = if self.keys.get().is_empty() {
            WAIT_WITHOUT_KEYS
        } else {
            WAIT
        };
        last.is_none_or(|last| is_over(wait, last, self.clock.now()))
    }

    async fn fetch(self: &Arc<Self>, turn: OwnedMutexGuard<LastTry>) {
        if self.start_fetch(turn).await.is_err() {
            tracing::error!(host = self.host, "the fetch of the key set broke off");
        }
    }

    /// The fetch has the turn until it ends, even when whoever asked for it has gone.
    fn start_fetch(self: &Arc<Self>, mut turn: OwnedMutexGuard<LastTry>) -> JoinHandle<()> {
        let this = Arc::clone(self);
        spawn_blocking(move || {
            let fetched = this.fetch_now();
            let now = this.clock.now();
            match fetched {
                Ok(()) => this.fetched_at.store(now.as_micros(), Ordering::Relaxed),
                Err(error) => {
                    tracing::warn!(host = this.host, %error, "the key set cannot be fetched");
                }
            }
            *turn = Some(now);
        })
    }

    fn fetch_now(&self) -> Result<(), FetchError> {
        Ok(self.keys.take(&get(&self.agent, &self.address)?)?)
    }
}

/// Gets the document at an address that keys may be fetched from.
///
/// # Errors
/// [`JwtSetupError::Address`] of another address; in the inner one why there is no document, without the address,
/// which may hold a secret.
pub(crate) fn document(address: &str) -> Result<Result<Vec<u8>, String>, JwtSetupError> {
    let (_, is_local) = checked(address).map_err(JwtSetupError::Address)?;
    let fetched = get(&agent(FETCH_TIMEOUT, is_local), address);
    Ok(fetched.map_err(|error| error.to_string()))
}

fn get(agent: &Agent, address: &str) -> Result<Vec<u8>, FetchError> {
    let mut answer = agent.get(address).call()?;
    if answer.status() != StatusCode::OK {
        return Err(FetchError::Status(answer.status()));
    }
    let body = answer.body_mut().with_config().limit(JWKS_MAX_BYTES);
    Ok(body.read_to_vec()?)
}

/// The host of an address that keys may be fetched from, and whether it is this machine.
fn checked(address: &str) -> Result<(String, bool), &'static str> {
    let uri: Uri = address.parse().or(Err("is no URL"))?;
    let host = uri.host().unwrap_or_default();
    if host.is_empty() {
        return Err("has no host");
    }
    if uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err("must not have a user name");
    }
    match (uri.scheme_str(), is_local(host)) {
        (Some("https"), is_local) => Ok((host.to_owned(), is_local)),
        (Some("http"), true) => Ok((host.to_owned(), true)),
        _ => Err("must begin with https://, or with http:// on this machine"),
    }
}

fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address: Result<IpAddr, _> = bare.parse();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn agent(timeout: Duration, is_local: bool) -> Agent {
    let tls = TlsConfig::builder()
        // Those of the system, to which companies add their own.
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent("convosync");
    if is_local {
        // The environment may name one for the network.
        config.proxy(None).build().into()
    } else {
        config.build().into()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::thread;
    use std::time::Instant;

    use super::*;
    use crate::tests::server::KeyServer;
    use crate::tests::support::TestClock;

    fn url(address: &str) -> JwksUrl {
        JwksUrl::new(
            address.to_owned(),
            Duration::from_millis(200),
            TestClock::new(),
        )
        .unwrap()
    }

    #[test]
    fn a_slow_server_is_not_waited_for() {
        let server = KeyServer::of(&[]);
        server.answer_after(Duration::from_secs(30));
        let start = Instant::now();
        let error = url(&server.address).fetch_now().unwrap_err();
        assert!(
            matches!(error, FetchError::Http(ureq::Error::Timeout(_))),
            "{error}"
        );
        assert!(start.elapsed() < Duration::from_secs(10));
        assert_eq!(server.asked(), 1);
    }

    #[test]
    fn no_error_tells_what_the_address_holds() {
        let server = KeyServer::of(&[]);
        for status in ["500 Oh", "302 Found\r\nLocation: /marker", "nonsense"] {
            server.answer(status, "marker");
            let error = url(&server.address).fetch_now().unwrap_err();
            assert!(!format!("{error}").contains("jwks.json"), "{error}");
            assert!(!format!("{error}").contains("marker"), "{error}");
        }
        let nobody = url("http://localhost:1/?code=marker");
        let error = nobody.fetch_now().unwrap_err();
        assert!(!format!("{error}").contains("marker"), "{error}");
    }

    #[test]
    fn https_is_spoken_to_this_machine_too() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://{}/", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let mut first = [0];
            while listener.accept().unwrap().0.read_exact(&mut first).is_err() {}
            first
        });
        // On a busy machine a fetch can end before it has read what the system trusts.
        for _ in 0..10 {
            assert!(url(&address).fetch_now().is_err());
            if server.is_finished() {
                break;
            }
        }
        // A handshake; it takes that the system has certificates to trust.
        assert_eq!(server.join().unwrap(), [0x16]);
    }
}
