//! The running server over TLS: HTTP/1.1 and HTTP/2, certificates that change, clients that are slow.

mod authority;
mod client;
mod events;
mod http2;
mod https;
mod limits;
mod replaced;
mod settings;
mod slow;
mod static_files;
mod stop;

use tempfile::TempDir;

use crate::support::Server;
use authority::Authority;

/// A server that speaks TLS, and the authority that its certificate is from.
struct TlsServer {
    server: Server,
    authority: Authority,
    /// Where its certificate and its key are.
    folder: TempDir,
}

impl TlsServer {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(settings: &[(&str, &str)]) -> Self {
        let authority = Authority::new();
        let folder = tempfile::tempdir().unwrap();
        authority.issue_to(folder.path());
        let [certificate, key] =
            ["chain.pem", "key.pem"].map(|name| folder.path().join(name).display().to_string());
        let tls = [
            ("CONVOSYNC__SERVER__TLS__CERTIFICATE", certificate.as_str()),
            ("CONVOSYNC__SERVER__TLS__KEY", key.as_str()),
        ];
        let server = Server::start_with(&[&tls, settings].concat());
        Self {
            server,
            authority,
            folder,
        }
    }

    /// `127.0.0.1:PORT`.
    fn address(&self) -> &str {
        self.server.address()
    }

    /// The URL that its certificate is for, without a path.
    fn url(&self) -> String {
        let (_, port) = self.address().rsplit_once(':').unwrap();
        format!("https://localhost:{port}")
    }

    /// Lines of the log from `WARN` on.
    fn complaints(&self) -> Vec<String> {
        let stderr = self.server.stderr();
        let complains = |line: &&str| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
        let told = stderr.lines().filter(complains).map(str::to_owned);
        // The database of the tests may lose everything.
        let is_expected =
            |line: &String| line.contains("open to the network") || line.contains("fsync = off");
        told.filter(|line| !is_expected(line)).collect()
    }
}
