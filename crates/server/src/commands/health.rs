//! `convosync health`, for images that have no other HTTP client.

use std::time::Duration;

use crate::failure::Failure;
use crate::listen;
use crate::output::print;
use crate::probe;
use crate::settings::Configuration;

/// A server that takes longer is not well.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks `/readyz` of the server that the settings describe.
pub(super) fn run(configuration: &Configuration) -> Result<(), Failure> {
    let address = listen::address_of_server(configuration)?;
    let scheme = configuration.settings.server.tls.scheme();
    match probe::status(scheme, address, "/readyz", TIMEOUT) {
        Ok(200) => print("ready"),
        Ok(status) => Err(Failure::failed(format!(
            "{address} is not ready: it answers {status}"
        ))),
        Err(error) => Err(Failure::failed(format!(
            "{address} does not answer: {error}"
        ))),
    }
}
