//! Where a request came from: the peer of its connection, or the client that a trusted proxy names.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::dev::{Payload, RequestHead};
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest, HttpRequest, web};
use ipnet::IpNet;
use thiserror::Error;

use crate::error::{ApiError, ErrorCode};
use crate::state::AppState;

/// How many requests with a header that is ignored are no accident any more.
const SEVERAL: u32 = 10;

/// The address of the client that sent a request; an IPv4 address is never written as an IPv6 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerAddress(pub(crate) IpAddr);

impl FromRequest for PeerAddress {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let state = request.app_data::<web::Data<AppState>>();
        let address = state.map(|state| state.proxies.client_of(request.head()));
        ready(address.ok_or_else(|| ErrorCode::Internal.into()))
    }
}

/// Addresses that are next to each other: one, or those that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange(IpNet);

/// A text is no range of addresses.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("must be an IP address or a range of them such as 10.0.0.0/8")]
pub struct InvalidAddressRange;

impl FromStr for AddressRange {
    type Err = InvalidAddressRange;

    fn from_str(text: &str) -> Result<Self, InvalidAddressRange> {
        let range = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_no_address) => text
                .parse()
                .map_err(|_neither_a_range| InvalidAddressRange)?,
        };
        Ok(Self(range))
    }
}

/// The proxies whose word is taken for where a request came from.
#[derive(Debug, Default)]
pub(crate) struct TrustedProxies {
    ranges: Vec<AddressRange>,
    /// How many requests told of a client and were not believed.
    ignored: AtomicU32,
}

impl TrustedProxies {
    pub(crate) fn new(ranges: Vec<AddressRange>) -> Self {
        Self {
            ranges,
            ignored: AtomicU32::new(0),
        }
    }

    /// The client that sent a request: of the addresses on its way, from the server's peer outwards, the
    /// first that is no trusted proxy, or the last one before an entry that is no address.
    /// `0.0.0.0` where the connection has no peer.
    pub(crate) fn client_of(&self, head: &RequestHead) -> PeerAddress {
        let peer = peer_of(head);
        if !self.trust(peer) {
            return PeerAddress(peer);
        }
        let forwarded: Vec<_> = head
            .headers()
            .get_all(header::X_FORWARDED_FOR)
            .flat_map(entries)
            .collect();
        let mut client = peer;
        for entry in forwarded.into_iter().rev() {
            match entry {
                Some(address) if self.trust(client) => client = address,
                _ => break,
            }
        }
        PeerAddress(client)
    }

    /// Warns, once, where a proxy seems to be in front of the server that is not trusted.
    pub(crate) fn note(&self, head: &RequestHead) {
        let is_ignored =
            head.headers().contains_key(header::X_FORWARDED_FOR) && !self.trust(peer_of(head));
        if is_ignored && self.ignored.fetch_add(1, Ordering::Relaxed) + 1 == SEVERAL {
            tracing::warn!(
                "requests carry X-Forwarded-For, which is ignored: whoever sends them is not in \
                 server.trusted_proxies. If that is a proxy, all its clients count as one address"
            );
        }
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.ranges
            .iter()
            .any(|AddressRange(range)| range.contains(&address))
    }
}

fn peer_of(head: &RequestHead) -> IpAddr {
    let peer = head.peer_addr.as_ref().map(SocketAddr::ip);
    let peer = peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    peer.to_canonical()
}

/// The entries of a header, `None` for what is no address.
fn entries(value: &HeaderValue) -> Vec<Option<IpAddr>> {
    match value.to_str() {
        Ok(text) => text.split(',').map(address).collect(),
        Err(_no_text) => vec![None],
    }
}

/// An address with or without a port; that of IPv6 with brackets or, without a port, without.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(entry);
    let with_port = || entry.parse::<SocketAddr>().map(|address| address.ip());
    let address = bare.parse::<IpAddr>().or_else(|_| with_port()).ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::testing::Ports;

    /// Who has sent a request that comes from `peer` with these headers, if 10.0.0.0/8, 2001:db8::/32 and
    /// 192.0.2.1 are trusted.
    fn client(peer: &str, forwarded: &[&str]) -> String {
        let trusted =
            ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"].map(|text| text.parse().unwrap());
        sent_to(&TrustedProxies::new(trusted.to_vec()), peer, forwarded)
    }

    fn sent_to(proxies: &TrustedProxies, peer: &str, forwarded: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr(peer.parse().unwrap());
        for value in forwarded {
            request = request.append_header((header::X_FORWARDED_FOR, *value));
        }
        let request = request.to_http_request();
        proxies.client_of(request.head()).0.to_string()
    }

    #[test]
    fn without_trust_the_header_is_ignored() {
        let nobody = TrustedProxies::default();
        assert_eq!(
            sent_to(&nobody, "127.0.0.1:5", &["203.0.113.9"]),
            "127.0.0.1"
        );
        assert_eq!(client("203.0.113.5:80", &["198.51.100.1"]), "203.0.113.5");
        assert_eq!(client("[2001:db9::1]:80", &["198.51.100.1"]), "2001:db9::1");
        assert_eq!(
            client("11.0.0.1:80", &["198.51.100.1", "10.0.0.1"]),
            "11.0.0.1"
        );
    }

    #[test]
    fn a_trusted_proxy_names_the_client() {
        for (peer, forwarded, expected) in [
            ("10.1.2.3:80", &["203.0.113.9"][..], "203.0.113.9"),
            ("192.0.2.1:80", &["203.0.113.9"], "203.0.113.9"),
            ("[2001:db8::5]:80", &["2001:db9::7"], "2001:db9::7"),
            (
                "[::ffff:10.1.2.3]:80",
                &["::ffff:203.0.113.9"],
                "203.0.113.9",
            ),
            // What the client itself has written stands to the left, and is not looked at.
            ("10.1.2.3:80", &["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            (
                "10.1.2.3:80",
                &["6.6.6.6,203.0.113.9 , 10.9.9.9,192.0.2.1"],
                "203.0.113.9",
            ),
            (
                "10.1.2.3:80",
                &["6.6.6.6", "203.0.113.9", "10.9.9.9"],
                "203.0.113.9",
            ),
            ("10.1.2.3:80", &["10.9.9.9", "10.8.8.8"], "10.9.9.9"),
            ("10.1.2.3:80", &[], "10.1.2.3"),
        ] {
            assert_eq!(client(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn ports_and_brackets_are_taken() {
        for (entry, expected) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db9::7]", "2001:db9::7"),
            ("[2001:db9::7]:4711", "2001:db9::7"),
            ("\t2001:db9::7 ", "2001:db9::7"),
        ] {
            assert_eq!(client("10.1.2.3:80", &[entry]), expected, "{entry}");
        }
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        for entry in [
            "",
            "unknown",
            "_hidden",
            "203.0.113",
            "203.0.113.9:",
            "203.0.113.9:x",
            "203.0.113.9 198.51.100.1",
            "[203.0.113.9",
            "app.example",
            "\"203.0.113.9\"",
        ] {
            assert_eq!(client("10.1.2.3:80", &[entry]), "10.1.2.3", "{entry}");
            let after = format!("6.6.6.6, {entry}, 10.9.9.9");
            assert_eq!(client("10.1.2.3:80", &[&after]), "10.9.9.9", "{entry}");
            let before = format!("{entry}, 203.0.113.9, 10.9.9.9");
            assert_eq!(client("10.1.2.3:80", &[&before]), "203.0.113.9", "{entry}");
        }
    }

    #[test]
    fn a_range_is_an_address_or_has_a_length() {
        for text in [
            "10.0.0.0/8",
            "10.1.2.3/8",
            "::/0",
            "2001:db8::/32",
            "127.0.0.1",
            "::1",
        ] {
            assert!(text.parse::<AddressRange>().is_ok(), "{text}");
        }
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0/",
            "*",
            "app.example",
            "10.0.0.1:80",
        ] {
            let parsed = text.parse::<AddressRange>();
            assert_eq!(parsed, Err(InvalidAddressRange), "{text}");
        }
    }

    #[actix_web::test]
    async fn handlers_are_told_the_address() {
        let ports = Ports::new();
        let mut settings = ports.settings();
        settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let state = AppState::new(ports.into_services(), settings);
        let request = TestRequest::default()
            .app_data(web::Data::new(state))
            .peer_addr("10.1.2.3:80".parse().unwrap())
            .insert_header((header::X_FORWARDED_FOR, "203.0.113.9"))
            .to_http_request();
        let PeerAddress(address) = PeerAddress::extract(&request).await.unwrap();
        assert_eq!(address.to_string(), "203.0.113.9");
    }
}
