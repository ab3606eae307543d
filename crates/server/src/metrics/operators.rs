//! What operators are served with.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::rt::task::JoinHandle;
use convosync_http_actix::{Drain, GuardedMetrics, serve_operations};

use super::observed::{Observed, operations};
use super::{OperatorListener, Recorder};
use crate::backend::Store;
use crate::failure::Failure;
use crate::output::say;
use crate::settings::Settings;
use crate::use_cases::Memory;
use crate::version;

/// A listener for operators that is served.
struct Listening {
    address: SocketAddr,
    handle: ServerHandle,
    running: JoinHandle<io::Result<()>>,
}

/// What operators are served with, if the settings ask for anything.
pub(crate) struct Operators {
    recorder: Option<Recorder>,
    observed: Option<Arc<Observed>>,
    listening: Option<Listening>,
}

impl Operators {
    /// Has this store and this memory observed, where there is what records it.
    pub(crate) fn prepare(
        recorder: Option<Recorder>,
        store: &Arc<dyn Store>,
        memory: Memory,
        settings: &Settings,
    ) -> Self {
        let observed = recorder.clone().map(|recorder| {
            let version = version::version();
            Observed::new(recorder, store.clone(), memory, settings, &version)
        });
        Self {
            recorder,
            observed: observed.map(Arc::new),
            listening: None,
        }
    }

    /// What is served at the address of the server, where there is a token and no listener for operators.
    pub(crate) fn on_the_server(&self, settings: &Settings) -> Option<GuardedMetrics> {
        if settings.metrics.listen().is_some() {
            return None;
        }
        Some(GuardedMetrics {
            measured: self.observed.clone()?,
            token: settings.metrics.token()?,
        })
    }

    /// Serves operators at their listener, if they have one.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub(crate) fn serve(
        mut self,
        listener: Option<OperatorListener>,
        settings: &Settings,
        drain: &Drain,
    ) -> Result<Self, Failure> {
        if let (Some(listener), Some(observed)) = (listener, &self.observed) {
            let version = version::version();
            let operations = operations(
                observed.clone(),
                &listener,
                settings,
                drain.clone(),
                version,
            );
            let server = serve_operations(listener.listener, operations);
            let server = server.map_err(|error| Failure::caused_by(&error))?;
            self.listening = Some(Listening {
                address: listener.address,
                handle: server.handle(),
                running: actix_web::rt::spawn(server),
            });
        }
        Ok(self)
    }

    /// Tells whoever started the server where operators are served.
    pub(crate) fn announce(&self) {
        if let Some(Listening { address, .. }) = &self.listening {
            say(&format!("metrics on http://{address}/metrics"));
        }
    }

    /// Keeps the records small. It never ends.
    pub(crate) async fn keep_up(&self) {
        match &self.recorder {
            Some(recorder) => recorder.keep_up().await,
            None => pending().await,
        }
    }

    /// Stops serving, and lets go of the store.
    pub(crate) async fn stop(self) {
        if let Some(listening) = self.listening {
            listening.handle.stop(false).await;
            // Until it has ended it holds the store; how it ended does not matter any more.
            let _ = listening.running.await;
        }
    }
}
