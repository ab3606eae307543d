//! What a server on this machine answers.

use std::net::SocketAddr;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::TlsConfig;

use crate::tls;

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 65_536;

/// The status that the server at an address answers to a GET, with `http` or `https` as the scheme.
///
/// Whatever certificate it has is accepted: it is for the names by which others know the server, and nothing that
/// is secret is sent or believed here.
///
/// # Errors
/// When it does not answer in this time, or not in HTTP.
pub(crate) fn status(
    scheme: &str,
    address: SocketAddr,
    path: &str,
    timeout: Duration,
) -> Result<u16, ureq::Error> {
    let answer = agent(timeout)
        .get(format!("{scheme}://{address}{path}"))
        .call()?;
    Ok(answer.status().as_u16())
}

/// What the server at an address answers to a GET, whatever the status, up to some kilobytes.
///
/// # Errors
/// As for [`status`], and when it is longer or no text.
pub(crate) fn body(
    scheme: &str,
    address: SocketAddr,
    path: &str,
    timeout: Duration,
) -> Result<String, ureq::Error> {
    let mut answer = agent(timeout)
        .get(format!("{scheme}://{address}{path}"))
        .call()?;
    let body = answer.body_mut().with_config().limit(LONGEST);
    body.read_to_string()
}

fn agent(timeout: Duration) -> Agent {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(tls::provider())
        .disable_verification(true)
        .build();
    Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        // The environment may name one for the network.
        .proxy(None)
        .tls_config(tls)
        .build()
        .into()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// The status of a server that answers these bytes.
    fn status_of(answer: &'static [u8]) -> Option<u16> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let asked = stream.read(&mut [0; 1_024]).unwrap();
            assert!(asked > 0);
            stream.write_all(answer).unwrap();
        });
        let status = status("http", address, "/readyz", Duration::from_secs(10)).ok();
        server.join().unwrap();
        status
    }

    #[test]
    fn every_status_is_an_answer() {
        for (answer, status) in [
            (
                &b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"[..],
                503,
            ),
            (
                b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
                301,
            ),
            (b"HTTP/1.0 200 OK\r\n\r\n", 200),
        ] {
            assert_eq!(status_of(answer), Some(status));
        }
        assert_eq!(status_of(b"SSH-2.0-OpenSSH\r\n"), None);
        assert_eq!(status_of(b""), None);
    }
}
