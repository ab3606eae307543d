//! The address to listen at: whether it is this machine's, and who answers there.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde::Deserialize;

use crate::finding::Finding;
use crate::listen;
use crate::probe;
use crate::settings::Configuration;
use crate::version::VERSION;

const CHECK: &str = "port";
const TIMEOUT: Duration = Duration::from_secs(3);
/// Below this only privileged programs listen, where the system does not say another limit.
const PRIVILEGED: u16 = 1_024;
/// `CAP_NET_BIND_SERVICE`
const MAY_BIND: u64 = 1 << 10;

/// What `/version` tells.
#[derive(Deserialize)]
pub(super) struct Version {
    pub(super) version: String,
    pub(super) schema: String,
}

/// Nothing where there is no address, which the settings' check tells.
pub(super) fn findings(configuration: &Configuration) -> Vec<Finding> {
    let server = &configuration.settings.server;
    let Ok(addresses) = listen::addresses(configuration) else {
        return Vec::new();
    };
    let Some(address) = addresses.first().copied() else {
        return Vec::new();
    };
    // Any port: that one may be taken by a server, or about to be.
    if let Err(error) = TcpListener::bind(SocketAddr::new(address.ip(), 0)) {
        return vec![Finding::failed(
            CHECK,
            format!("nothing can listen at {}: {error}", address.ip()),
            "set server.host to an address of this machine",
        )];
    }
    if server.port == 0 {
        return vec![Finding::note(
            CHECK,
            "server.port is 0: each start takes another port",
            "set server.port, so that clients and proxies find the server",
        )];
    }
    let reached = listen::reachable(address);
    vec![match TcpStream::connect_timeout(&reached, TIMEOUT) {
        Ok(_) => who_answers(server.tls.scheme(), reached),
        Err(_) => free(address),
    }]
}

fn who_answers(scheme: &str, address: SocketAddr) -> Finding {
    let answered = probe::body(scheme, address, "/version", TIMEOUT);
    let version = answered
        .ok()
        .and_then(|body| serde_json::from_str::<Version>(&body).ok());
    match version {
        Some(Version { version, schema }) if version == VERSION => Finding::ok(
            CHECK,
            format!("a convosync {version} with schema {schema} serves at {address}"),
        ),
        Some(Version { version, .. }) => Finding::note(
            CHECK,
            format!("a convosync {version} serves at {address}, and this is {VERSION}"),
            "restart the server to have this version serve",
        ),
        None => Finding::failed(
            CHECK,
            format!(
                "another program, or a server over another scheme than {scheme}, answers at {address}"
            ),
            "stop it (`ss -ltnp` names it), or set another server.port",
        ),
    }
}

fn free(address: SocketAddr) -> Finding {
    let port = address.port();
    if port < first_free_port() && !may_bind_privileged() {
        return Finding::failed(
            CHECK,
            format!("this user may not listen on a port as low as {port}"),
            "set AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or server.port = 7800 behind a proxy",
        );
    }
    Finding::ok(CHECK, format!("{address} is free"))
}

fn first_free_port() -> u16 {
    let limit = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let limit = limit.ok().and_then(|limit| limit.trim().parse().ok());
    limit.unwrap_or(PRIVILEGED)
}

fn may_bind_privileged() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capabilities = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|capabilities| u64::from_str_radix(capabilities.trim(), 16).ok());
    match capabilities {
        Some(capabilities) => capabilities & MAY_BIND != 0,
        None => rustix::process::geteuid().is_root(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::thread;

    use tokio::net::TcpSocket;

    use super::*;
    use crate::finding::Status;
    use crate::settings::Override;

    fn finding(host: &str, port: u16) -> Finding {
        let given = |key, value: &str| Override {
            key,
            option: "--option",
            value: value.into(),
        };
        let set = [
            given("server.host", host),
            given("server.port", &port.to_string()),
        ];
        let configuration = Configuration::load(None, [], &set).unwrap();
        findings(&configuration).remove(0)
    }

    #[test]
    fn who_is_there_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers = [
            format!(r#"{{"version":"{VERSION}","commit":"","schema":"1"}}"#),
            r#"{"version":"0.0.1","commit":"","schema":"1"}"#.to_owned(),
            "<html>".to_owned(),
        ];
        let server = thread::spawn(move || {
            for answer in answers {
                // The first connection looks whether there is anybody.
                drop(listener.accept().unwrap());
                let (mut stream, _) = listener.accept().unwrap();
                assert!(stream.read(&mut [0; 1_024]).unwrap() > 0);
                let length = answer.len();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                stream.write_all((head + &answer).as_bytes()).unwrap();
            }
        });
        for expected in [Status::Ok, Status::Note, Status::Failed] {
            assert_eq!(finding("127.0.0.1", port).status, expected);
        }
        server.join().unwrap();
    }

    #[test]
    fn a_port_at_which_nobody_listens_is_free() {
        // Bound, so that no other program is given it. A listener that was dropped would not do: a test beside this one
        // that starts a program may hold it open for a moment.
        let bound = TcpSocket::new_v4().unwrap();
        bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = bound.local_addr().unwrap().port();
        assert_eq!(finding("127.0.0.1", port).status, Status::Ok);
    }

    #[test]
    fn an_address_of_another_machine_is_told() {
        assert_eq!(finding("192.0.2.1", 7_800).status, Status::Failed);
        assert_eq!(finding("127.0.0.1", 0).status, Status::Note);
    }
}
