//! Where the server listens, and whether that may be.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};

use crate::failure::Failure;
use crate::settings::Configuration;

/// Listens at the address that the settings name, unless strangers would reach it there against
/// the settings.
pub(crate) fn listen(configuration: &Configuration) -> Result<TcpListener, Failure> {
    let addresses = addresses(configuration)?;
    if let Some(exposed) = addresses.iter().find(|address| !is_loopback(address.ip())) {
        if !configuration.settings.auth.allow_open_on_network {
            let ip = exposed.ip();
            return Err(configuration.refuse(
                "server.host",
                &format!(
                    "{ip} is not loopback, and whoever names a visitor is that visitor; \
                     auth.allow_open_on_network = true allows it"
                ),
            ));
        }
        tracing::warn!(
            address = %exposed,
            "open to the network: whoever reaches this address can read and change every visitor"
        );
    }
    TcpListener::bind(addresses.as_slice()).map_err(|error| {
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
fn addresses(configuration: &Configuration) -> Result<Vec<SocketAddr>, Failure> {
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

fn is_loopback(ip: IpAddr) -> bool {
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

    fn configuration(host: &str, port: &str, open: &str) -> Configuration {
        let given = |key, option, value: &str| Override {
            key,
            option,
            value: value.into(),
        };
        let overrides = [
            given("server.host", "--host", host),
            given("server.port", "--port", port),
            given("auth.allow_open_on_network", "--open", open),
        ];
        Configuration::load(None, [], &overrides).unwrap()
    }

    fn complaint(host: &str, port: &str) -> String {
        let failure = listen(&configuration(host, port, "false")).unwrap_err();
        assert_eq!(failure.code(), 2);
        failure.to_string()
    }

    #[test]
    fn listens_on_loopback_by_address_or_name() {
        for host in ["127.0.0.1", "127.5.5.5", "localhost"] {
            let listener = listen(&configuration(host, "0", "false")).unwrap();
            assert!(listener.local_addr().unwrap().ip().is_loopback(), "{host}");
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
    fn does_not_listen_to_strangers_by_default() {
        for host in ["0.0.0.0", "::", "[::]", "192.0.2.1"] {
            let complaint = complaint(host, "0");
            assert!(complaint.starts_with("server.host: "), "{complaint}");
            assert!(
                complaint.contains("auth.allow_open_on_network"),
                "{complaint}"
            );
            assert!(complaint.ends_with("(from --host)"), "{complaint}");
        }
        assert!(listen(&configuration("0.0.0.0", "0", "true")).is_ok());
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
