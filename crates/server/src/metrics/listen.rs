//! Where operators see how the server is.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};

use crate::failure::Failure;
use crate::listen::is_loopback;
use crate::settings::Configuration;

const KEY: &str = "metrics.listen";

/// The listener for operators.
pub(crate) struct OperatorListener {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl OperatorListener {
    /// Listens at the address that the settings name, if they do.
    ///
    /// # Errors
    /// A failure of usage where that is not possible.
    pub(crate) fn listen(configuration: &Configuration) -> Result<Option<Self>, Failure> {
        let settings = &configuration.settings.metrics;
        let Some(wanted) = settings.listen() else {
            return Ok(None);
        };
        let refuse = |problem: &str| configuration.refuse(KEY, problem);
        let addresses = wanted.to_socket_addrs().map_err(|error| {
            refuse(&format!(
                "{wanted:?} is no address with a port, such as 127.0.0.1:9100: {error}"
            ))
        })?;
        let addresses: Vec<_> = addresses.collect();
        let listener = TcpListener::bind(addresses.as_slice())
            .map_err(|error| refuse(&format!("cannot listen on {wanted}: {error}")))?;
        let address = listener
            .local_addr()
            .map_err(|error| refuse(&error.to_string()))?;
        let listener = Self { listener, address };
        if !listener.is_loopback() && settings.token().is_none() {
            tracing::warn!(
                %address,
                "whoever reaches this address sees the metrics; metrics.token asks for a token"
            );
        }
        Ok(Some(listener))
    }

    /// Whether only this machine reaches it.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(self.address.ip())
    }
}
