//! `convosync serve`

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix_web::rt::task::JoinError;
use convosync_application::live::{ChangeHub, relay};
use convosync_http_actix::{Drain, HttpSettings, StaticFolder};
use rustls::ServerConfig;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::access::{Access, AccessMode, access};
use crate::backend::{Backend, Store};
use crate::backups::{self, Backups};
use crate::failure::Failure;
use crate::idle_memory;
use crate::listen;
use crate::metrics::{OperatorListener, Operators, Recorder};
use crate::open_files;
use crate::output::say;
use crate::probe;
use crate::reloads::Reloads;
use crate::service_manager;
use crate::settings::{Configuration, Settings};
use crate::static_folder;
use crate::tls::Tls;
use crate::use_cases::{Memory, clock, services};
use crate::version;

/// How much longer the HTTP server would wait for requests than this program does: it is this program
/// that gives up first, so that its exit code tells of it.
const HTTP_GRACE_SECONDS: u64 = 60;

const HOUR: Duration = Duration::from_secs(3_600);

/// How long the server may take to give its first answer, on a machine that starts much at once.
const START: Duration = Duration::from_secs(60);

/// Serves until a signal says to stop, then answers what is in flight and closes the store.
pub(super) async fn run(
    configuration: &Configuration,
    backend: &dyn Backend,
) -> Result<(), Failure> {
    let settings = &configuration.settings;
    open_files::raise_limit();
    let mut reloads = Reloads::listen().map_err(|error| failed(&error))?;
    let tls = Tls::load(configuration)?;
    let static_folder = static_folder::of(configuration, backend)?;
    let backups = Backups::of(configuration, backend, clock()?)?;
    // Before the store is touched: it may belong to a running server of another version.
    let (listener, mode) = listen::listen(configuration)?;
    let operator_listener = OperatorListener::listen(configuration)?;
    let recorder = settings
        .metrics
        .is_on()
        .then(Recorder::install)
        .transpose()?;
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    let store = backend.open()?;
    let drain = Drain::new();
    let access = access(mode, configuration, &store, clock()?)?;
    access.read_again_on(&mut reloads);
    let authenticator = access.authenticator.clone();
    let hub = Arc::new(ChangeHub::with_others(store.clone()));
    let memory = Memory::of(settings);
    let services = services(
        &store,
        settings,
        mode,
        authenticator,
        &hub,
        drain.clone(),
        &memory,
    )?;
    let operators = Operators::prepare(recorder, &store, memory, settings);
    let tls = tls.map(|tls| tls.read_again_on(&mut reloads));
    let http_settings = HttpSettings {
        metrics: operators.on_the_server(settings),
        ..http_settings(settings, mode, tls, static_folder)
    };
    let server = convosync_http_actix::serve(listener, services, http_settings)
        .map_err(|error| failed(&error))?;
    let operators = operators.serve(operator_listener, settings, &drain)?;

    let mut signals = StopSignals::listen().map_err(|error| failed(&error))?;
    let handle = server.handle();
    let mut running = actix_web::rt::spawn(server);
    tokio::select! {
        ended = &mut running => return Err(ended_early(ended)),
        answered = answers(settings.server.tls.scheme(), address) => answered?,
    }
    operators.announce();
    announce(configuration, backend, address, &access);
    service_manager::ready();
    tokio::select! {
        ended = &mut running => return Err(ended_early(ended)),
        () = idle_memory::give_back() => {}
        () = operators.keep_up() => {}
        () = relay(&hub) => {}
        () = reloads.run() => {}
        () = remind(mode) => {}
        () = backups::run(backups) => {}
        () = signals.next() => {}
    }

    drain.begin();
    service_manager::stopping();
    // It holds the store.
    drop(hub);
    tracing::info!("stopping: what is in flight is answered first");
    let server = &settings.server;
    let stopped = async {
        sleep(Duration::from_secs(server.drain_seconds)).await;
        drain.close();
        handle.stop(true).await;
        // Until it has ended it holds the store; how it ended does not matter any more.
        let _ = running.await;
        operators.stop().await;
        close(store).await;
    };
    let longest = server.drain_seconds + server.shutdown_timeout_seconds;
    tokio::select! {
        () = stopped => Ok(()),
        () = signals.next() => Err(Failure::failed("stopped at once by a second signal")),
        () = sleep(Duration::from_secs(longest)) => Err(Failure::failed(format!(
            "requests were still in flight after server.shutdown_timeout_seconds = {}",
            server.shutdown_timeout_seconds
        ))),
    }
}

/// Warns every hour while strangers are believed. It never ends.
async fn remind(mode: AccessMode) {
    loop {
        sleep(HOUR).await;
        if mode == (AccessMode::Open { is_exposed: true }) {
            tracing::warn!("still open to the network: whoever reaches this server is believed");
        }
    }
}

fn http_settings(
    settings: &Settings,
    mode: AccessMode,
    tls: Option<Arc<ServerConfig>>,
    static_folder: Option<StaticFolder>,
) -> HttpSettings {
    let server = &settings.server;
    HttpSettings {
        limits: settings.limits(),
        unknown_fields: settings.unknown_fields(),
        loopback_only: settings.loopback_only(mode),
        cors: settings.cors(mode),
        trusted_proxies: server.trusted_proxies.clone(),
        rate_limits: settings.rate_limits(mode),
        workers: server.workers(),
        shutdown_timeout_seconds: server.shutdown_timeout_seconds + HTTP_GRACE_SECONDS,
        tls,
        metrics: None,
        static_folder,
        version: version::version(),
    }
}

/// Returns when the server answers requests.
async fn answers(scheme: &'static str, address: SocketAddr) -> Result<(), Failure> {
    let address = listen::reachable(address);
    let ask = move || probe::status(scheme, address, "/livez", START);
    let answer = actix_web::rt::task::spawn_blocking(ask).await;
    match answer {
        Ok(Ok(200)) => Ok(()),
        Ok(Ok(status)) => Err(Failure::failed(format!(
            "the server does not work: it answers {status} at {address}"
        ))),
        Ok(Err(error)) => Err(Failure::failed(format!(
            "the server does not answer at {address}: {error}"
        ))),
        Err(error) => Err(Failure::caused_by(&error)),
    }
}

/// Tells whoever started the server what it is and where.
fn announce(
    configuration: &Configuration,
    backend: &dyn Backend,
    address: SocketAddr,
    access: &Access,
) {
    let settings = &configuration.settings;
    let url = &settings.database.url;
    say(&format!("convosync {}", version::LONG));
    say(&format!("store: {url}"));
    if let Some(folder) = backend.path().and_then(folder) {
        say(&format!("data folder: {folder}"));
    }
    say(&format!("configuration: {}", configuration.sources()));
    say(&format!("access: {}", access.description));
    if let Some(path) = settings.server.static_folder() {
        say(&format!("static files: {}", path.display()));
    }
    let scheme = settings.server.tls.scheme();
    say(&format!("listening on {scheme}://{address}"));
}

fn folder(file: &Path) -> Option<String> {
    let file = std::path::absolute(file).ok()?;
    Some(file.parent()?.display().to_string())
}

fn ended_early(ended: Result<io::Result<()>, JoinError>) -> Failure {
    match ended {
        Ok(Ok(())) => Failure::failed("the server ended by itself"),
        Ok(Err(error)) => failed(&error),
        Err(error) => Failure::caused_by(&error),
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::failed(format!("cannot serve: {error}"))
}

/// Closes the store on a thread of its own, as the caller may stop waiting and end the program.
async fn close(store: Arc<dyn Store>) {
    let (closed, closing) = oneshot::channel();
    thread::spawn(move || {
        store.close();
        // It fails only when `close` was dropped by its caller, who then does not wait any more.
        let _ = closed.send(());
    });
    // It fails only when the thread has panicked, and then there is nothing to wait for.
    let _ = closing.await;
}

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
