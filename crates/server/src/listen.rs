//! Where the server listens, and whether that may be.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};

use crate::access::AccessMode;
use crate::failure::Failure;
use crate::settings::Configuration;

/// Listens at the address that the settings name, and tells whether those who come there are asked for proof.
pub(crate) fn listen(configuration: &Configuration) -> Result<(TcpListener, AccessMode), Failure> {
    let addresses = addresses(configuration)?;
    let access = access_mode(configuration, &addresses)?;
    Ok((bind(configuration, &addresses)?, access))
}

/// The mode of access at these addresses.
fn access_mode(
    configuration: &Configuration,
    addresses: &[SocketAddr],
) -> Result<AccessMode, Failure> {
    let auth = &configuration.settings.auth;
    let reached = addresses.iter().find(|address| !is_loopback(address.ip()));
    let is_encrypted = configuration.settings.server.tls.scheme() == "https";
    let access = AccessMode::of(auth.mode, reached.is_some(), auth.allow_open_on_network);
    match (access, reached) {
        (Some(AccessMode::Open { .. }), Some(address)) => tracing::warn!(
            %address,
            "open to the network: whoever reaches this address can read and change every visitor"
        ),
        (Some(AccessMode::Protected), Some(address)) if !is_encrypted => tracing::warn!(
            %address,
            "without TLS, whoever is on the way can read and use what proves who visitors are"
        ),
        (None, Some(address)) => {
            let ip = address.ip();
            let problem = format!(
                "{ip} is not loopback, and in open mode whoever names a visitor is that visitor; \
                 auth.mode = \"protected\" asks for proof"
            );
            return Err(configuration.refuse("server.host", &problem));
        }
        _ => {}
    }
    access.ok_or_else(|| configuration.refuse("auth.mode", "is not possible here"))
}

fn bind(configuration: &Configuration, addresses: &[SocketAddr]) -> Result<TcpListener, Failure> {
    TcpListener::bind(addresses).map_err(|error| {
        let wanted: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
        let wanted = wanted.join(" or ");
        match error.kind() {
            ErrorKind::AddrInUse => {
                configuration.refuse("server.port", &format!("{wanted} is taken"))
            }
            ErrorKind::AddrNotAvailable => configuration.refuse(
                "server.host",
                &format!("{wanted} is not an address of this machine"),
            ),
            _ => configuration.refuse(
                "server.port",
                &format!("cannot listen on {wanted}: {error}"),
            ),
        }
    })
}

/// Every address that the settings name. They are looked up once: what is checked is what is used.
pub(crate) fn addresses(configuration: &Configuration) -> Result<Vec<SocketAddr>, Failure> {
    let server = &configuration.settings.server;
    // Brackets around an IPv6 address are for URLs.
    let host = server.host.trim_start_matches('[').trim_end_matches(']');
    let found = match (host, server.port).to_socket_addrs() {
        Ok(found) => found,
        Err(error) => {
            let problem = format!("cannot find the address of {host:?}: {error}");
            return Err(configuration.refuse("server.host", &problem));
        }
    };
    let mut addresses: Vec<_> = found.collect();
    addresses.dedup();
    Ok(addresses)
}

/// Whether only this machine reaches the address.
pub(crate) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Where a program on this machine reaches the server that the settings describe.
pub(crate) fn address_of_server(configuration: &Configuration) -> Result<SocketAddr, Failure> {
    let address = addresses(configuration)?.first().copied().map(reachable);
    address.ok_or_else(|| configuration.refuse("server.host", "has no address"))
}

/// The address to connect to for a listener's: nothing connects to "all addresses".
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Override;

    fn configuration(host: &str, port: &str, mode: &str, open: &str) -> Configuration {
        let given = |key, option, value: &str| Override {
            key,
            option,
            value: value.into(),
        };
        let overrides = [
            given("server.host", "--host", host),
            given("server.port", "--port", port),
            given("auth.mode", "--mode", mode),
            given("auth.allow_open_on_network", "--open", open),
        ];
        Configuration::load(None, [], &overrides).unwrap()
    }

    fn complaint(host: &str, port: &str) -> String {
        let failure = listen(&configuration(host, port, "open", "false")).unwrap_err();
        assert_eq!(failure.code(), 2);
        failure.to_string()
    }

    #[test]
    fn listens_on_loopback_by_address_or_name() {
        for host in ["127.0.0.1", "127.5.5.5", "localhost"] {
            let (listener, access) = listen(&configuration(host, "0", "auto", "false")).unwrap();
            assert!(listener.local_addr().unwrap().ip().is_loopback(), "{host}");
            assert_eq!(access, AccessMode::Open { is_exposed: false });
        }
    }

    #[test]
    fn what_counts_as_loopback() {
        for ip in ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"] {
            assert!(is_loopback(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "10.0.0.1",
            "128.0.0.1",
            "::",
            "::2",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_loopback(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn strangers_are_asked_for_proof_or_turned_away() {
        for host in ["0.0.0.0", "::", "[::]"] {
            let (_, access) = listen(&configuration(host, "0", "auto", "false")).unwrap();
            assert_eq!(access, AccessMode::Protected, "{host}");
        }
        for host in ["0.0.0.0", "::", "[::]", "192.0.2.1"] {
            let complaint = complaint(host, "0");
            assert!(complaint.starts_with("server.host: "), "{complaint}");
            assert!(complaint.contains("auth.mode"), "{complaint}");
            assert!(complaint.ends_with("(from --host)"), "{complaint}");
        }
        let (_, access) = listen(&configuration("0.0.0.0", "0", "auto", "true")).unwrap();
        assert_eq!(access, AccessMode::Open { is_exposed: true });
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        assert_eq!(
            complaint("127.0.0.1", &address.port().to_string()),
            format!("server.port: {address} is taken (from --port)")
        );
    }

    #[test]
    fn a_name_that_nobody_has_is_named() {
        let complaint = complaint("no such host", "0");
        assert!(
            complaint.starts_with("server.host: cannot find"),
            "{complaint}"
        );
    }

    #[test]
    fn all_addresses_are_reached_at_loopback() {
        for (listening, reached) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            let address = reachable(listening.parse().unwrap());
            assert_eq!(address, reached.parse().unwrap());
        }
    }
}
