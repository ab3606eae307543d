//! The settings in `[server.tls]`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where the certificate and its key are; both are empty where the server speaks plain HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSettings {
    certificate: PathBuf,
    key: PathBuf,
}

impl TlsSettings {
    /// The files of the certificates and of the key, where the server speaks TLS.
    pub(crate) fn files(&self) -> Option<(&Path, &Path)> {
        let is_set = !is_empty(&self.certificate) && !is_empty(&self.key);
        is_set.then_some((&self.certificate, &self.key))
    }

    /// What the server's URL begins with.
    pub(crate) fn scheme(&self) -> &'static str {
        match self.files() {
            Some(_) => "https",
            None => "http",
        }
    }

    /// The setting that lacks beside the other, and why.
    pub(super) fn contradiction(&self) -> Option<(&'static str, String)> {
        let (lacking, other) = match (is_empty(&self.certificate), is_empty(&self.key)) {
            (true, false) => ("server.tls.certificate", "server.tls.key"),
            (false, true) => ("server.tls.key", "server.tls.certificate"),
            _ => return None,
        };
        Some((lacking, format!("must be set where {other} is")))
    }
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}
