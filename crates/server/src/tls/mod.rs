//! TLS: the certificate and its key from their files, again whenever these change.
//!
//! - [`pair`] reads both and sees that they fit,
//! - [`current`] is what new connections are shown.

mod current;
mod pair;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_pki_types::CertificateDer;

use crate::failure::Failure;
use crate::reloads::{Reloads, WatchedFiles};
use crate::settings::Configuration;
use current::CurrentPair;

/// The cryptography of every TLS connection, of this server and to others.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// What the server needs to speak TLS.
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    current: Arc<CurrentPair>,
    files: Files,
    watched: WatchedFiles,
}

/// Where the certificate chain and the key of its first certificate are.
#[derive(Clone, Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Tls {
    /// Reads the files that the settings name; none where the server is to speak plain HTTP.
    ///
    /// # Errors
    /// A [`Failure`] of usage that names the setting and the file, and says what it has to hold.
    pub(crate) fn load(configuration: &Configuration) -> Result<Option<Self>, Failure> {
        let Some((certificate, key)) = configuration.settings.server.tls.files() else {
            return Ok(None);
        };
        let files = Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let watched = WatchedFiles::at([files.certificate.clone(), files.key.clone()]);
        let provider = provider();
        let pair = pair::read(&files, &provider)
            .map_err(|error| configuration.refuse(error.setting(), &error.to_string()))?;
        let current = Arc::new(CurrentPair::new(pair));
        let config = ServerConfig::builder_with_provider(provider)
            // These are 1.2 and 1.3.
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::caused_by(&error))?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        Ok(Some(Self {
            config: Arc::new(config),
            current,
            files,
            watched,
        }))
    }

    /// The certificates that clients are shown, the server's first.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.current.get().cert.clone()
    }

    /// The configuration to serve with, whose certificate is read again when the files change. While they cannot be
    /// used, the one that was read before is.
    pub(crate) fn read_again_on(self, reloads: &mut Reloads) -> Arc<ServerConfig> {
        let Self {
            config,
            current,
            files,
            watched,
        } = self;
        reloads.add(watched, move || {
            let certificate = told(&files.certificate);
            let key = told(&files.key);
            match pair::read(&files, &provider()) {
                Ok(pair) => {
                    current.replace(pair);
                    tracing::info!(certificate, key, "the TLS certificate was read again");
                }
                Err(error) => {
                    let problem = error.to_string();
                    tracing::warn!(
                        certificate,
                        key,
                        problem,
                        "the TLS certificate cannot be read again; the one read before stays in use"
                    );
                }
            }
        });
        config
    }
}

/// A path as it is logged.
fn told(path: &Path) -> String {
    path.display().to_string()
}
