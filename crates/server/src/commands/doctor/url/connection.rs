//! The way to the server: its name, its port, TLS as a client sees it.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use convosync_domain::ports::Clock;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion};
use rustls_pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use ureq::http::Method;

use super::client::{Target, ask_url};
use crate::commands::doctor::certificate::{Certificate, validity};
use crate::finding::Finding;
use crate::tls::provider;

const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn findings(target: &Target, clock: &dyn Clock) -> Vec<Finding> {
    let (found, stream) = reach(target);
    let mut findings = vec![found];
    let Some(stream) = stream else {
        return findings;
    };
    if target.is_https {
        findings.extend(tls(target, stream, clock));
        findings.extend(plain(target));
    } else if !target.is_loopback() {
        findings.push(Finding::warning(
            "TLS",
            "plain HTTP: whoever is on the way can read conversations, and use what proves who visitors are",
            "put a proxy with TLS before the server (docs/access.md), or set server.tls.certificate and \
            server.tls.key",
        ));
    }
    findings
}

/// Every address is tried: a client may take any of them.
fn reach(target: &Target) -> (Finding, Option<TcpStream>) {
    const CHECK: &str = "address";
    let Target { host, port, .. } = target;
    let found = (host.as_str(), *port).to_socket_addrs();
    let addresses: Vec<SocketAddr> = match found {
        Ok(found) => found.collect(),
        Err(error) => {
            let finding = Finding::failed(
                CHECK,
                format!("{host} has no address: {error}"),
                "add an A or AAAA record for it, or correct --url",
            );
            return (finding, None);
        }
    };
    let mut reached = None;
    let mut refused = Vec::new();
    for address in &addresses {
        let begun = Instant::now();
        match TcpStream::connect_timeout(address, TIMEOUT) {
            Ok(stream) => {
                reached.get_or_insert((stream, *address, begun.elapsed()));
            }
            Err(error) => refused.push(format!("{address}: {error}")),
        }
    }
    let refused = refused.join("; ");
    match reached {
        Some((stream, address, took)) if refused.is_empty() || target.is_loopback() => {
            let finding = Finding::ok(CHECK, format!("{address}, in {} ms", took.as_millis()));
            (finding, Some(stream))
        }
        Some((stream, address, _)) => {
            let finding = Finding::warning(
                CHECK,
                format!("{address} answers, but not every address of {host}: {refused}"),
                "take the addresses that do not answer out of its DNS records, or listen there",
            );
            (finding, Some(stream))
        }
        None => {
            let finding = Finding::failed(
                CHECK,
                format!("nobody answers: {refused}"),
                "start the server or the proxy, and open the port in the firewall",
            );
            (finding, None)
        }
    }
}

fn tls(target: &Target, stream: TcpStream, clock: &dyn Clock) -> Vec<Finding> {
    const CHECK: &str = "TLS";
    let connection = match handshake(target, stream) {
        Ok(connection) => connection,
        Err(error) => {
            return vec![Finding::failed(
                CHECK,
                format!("clients refuse the connection: {error}"),
                "show a certificate for this name, that has not ended, with those of its issuers \
                (fullchain.pem), from an authority that clients know",
            )];
        }
    };
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS 1.2",
    };
    let mut findings = vec![Finding::ok(CHECK, version)];
    let certificates = connection.peer_certificates().unwrap_or_default();
    if let Some(first) = certificates.first().and_then(|der| Certificate::parse(der)) {
        let renew = "renew it, and have the proxy or server read it again; see why that does not happen by itself";
        findings.push(validity("certificate", &first, clock.now(), renew));
    }
    findings.push(match connection.alpn_protocol() {
        Some(b"h2") => Finding::ok("HTTP/2", "is spoken"),
        _ => Finding::note(
            "HTTP/2",
            "is not spoken: a browser opens six connections to a host, and each stream of events takes one",
            "turn it on in the proxy (nginx: `http2 on;`, Caddy has it on)",
        ),
    });
    findings
}

fn handshake(target: &Target, mut stream: TcpStream) -> io::Result<ClientConnection> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier())
        .map_err(io::Error::other)?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(connection)
}

/// What a client meets that asks without TLS, as one does whose user typed no scheme.
fn plain(target: &Target) -> Option<Finding> {
    const CHECK: &str = "plain HTTP";
    if target.port != 443 {
        return None;
    }
    let plain = Target {
        is_https: false,
        port: 80,
        ..target.clone()
    };
    let answer = ask_url(Method::POST, &plain.url("/api/sync-conversations/")).ok();
    Some(match answer {
        None => Finding::ok(CHECK, "nobody answers on port 80"),
        Some(answer) if matches!(answer.status, 301..=303) => Finding::warning(
            CHECK,
            format!(
                "a POST without TLS is answered {}, and becomes a GET",
                answer.told()
            ),
            "answer 308 on port 80 (nginx: `return 308 https://$host$request_uri;`, Caddy does), and give \
            clients the https:// URL",
        ),
        Some(answer) if answer.is_redirect() => {
            Finding::ok(CHECK, format!("leads to TLS ({})", answer.status))
        }
        Some(answer) if answer.code().is_some() => Finding::warning(
            CHECK,
            "the server answers without TLS, too",
            "redirect port 80 in the proxy: `return 308 https://$host$request_uri;`",
        ),
        Some(answer) => Finding::ok(CHECK, format!("is refused ({})", answer.status)),
    })
}
