//! Which pages may read answers in a browser (CORS).

use std::str::FromStr;

use thiserror::Error;

/// The origins whose pages may read answers. It binds browsers only: every other program reads what it likes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigins {
    /// None at all.
    None,
    /// Those of the same machine: `http` or `https` with any port of `localhost`, of a name below it, of
    /// `127.0.0.1` and of `[::1]`.
    Loopback,
    /// These.
    Listed(Vec<Origin>),
}

impl CorsOrigins {
    /// Whether pages of this origin, as a browser names it, may read answers.
    pub(crate) fn allow(&self, origin: &str) -> bool {
        match self {
            Self::None => false,
            Self::Loopback => is_loopback(origin),
            Self::Listed(listed) => listed.iter().any(|Origin(listed)| listed == origin),
        }
    }
}

/// An origin as browsers name it: `https://app.example`, `http://localhost:5173`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// A text is no origin, or not as browsers name it, so that it would never be met.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "must be an origin as browsers name it: scheme://host or scheme://host:port in lower case, \
     without a path, without * and without the port that the scheme has anyway"
)]
pub struct InvalidOrigin;

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, host, port) = parts(text).ok_or(InvalidOrigin)?;
        let is_needed = !matches!(
            (scheme, port),
            ("http", Some("80")) | ("https", Some("443"))
        );
        let is_sound = is_scheme(scheme) && is_host(host) && port.is_none_or(is_port) && is_needed;
        is_sound.then(|| Self(text.to_owned())).ok_or(InvalidOrigin)
    }
}

fn is_loopback(origin: &str) -> bool {
    parts(origin).is_some_and(|(scheme, host, port)| {
        let below = host.strip_suffix(".localhost");
        matches!(scheme, "http" | "https")
            && (matches!(host, "localhost" | "127.0.0.1" | "[::1]") || below.is_some_and(is_name))
            && port.is_none_or(is_port)
    })
}

/// Scheme, host and port.
fn parts(origin: &str) -> Option<(&str, &str, Option<&str>)> {
    let (scheme, authority) = origin.split_once("://")?;
    match authority.rsplit_once(':') {
        // What follows the last colon of an IPv6 address ends with its bracket.
        Some((host, port)) if !port.ends_with(']') => Some((scheme, host, Some(port))),
        _ => Some((scheme, authority, None)),
    }
}

fn is_scheme(text: &str) -> bool {
    let is_sound =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(is_sound)
}

fn is_host(text: &str) -> bool {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match bracketed {
        Some(address) => address
            .parse()
            .is_ok_and(|parsed: std::net::Ipv6Addr| parsed.to_string() == address),
        None => is_name(text),
    }
}

fn is_name(text: &str) -> bool {
    let is_sound =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    !text.is_empty() && text.bytes().all(is_sound)
}

fn is_port(text: &str) -> bool {
    !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_taken_as_browsers_name_it() {
        for origin in [
            "https://app.example",
            "http://app.example:8080",
            "https://app.example:80",
            "http://localhost:5173",
            "http://192.0.2.7",
            "https://[2001:db8::1]:8443",
            "https://xn--bcher-kva.example",
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnop",
        ] {
            let parsed: Origin = origin.parse().expect(origin);
            let listed = CorsOrigins::Listed(vec![parsed]);
            assert!(listed.allow(origin), "{origin}");
        }
    }

    #[test]
    fn what_browsers_would_never_name_is_refused() {
        for text in [
            "",
            "*",
            "null",
            "app.example",
            "https:app.example",
            "https://",
            "://app.example",
            "https://*",
            "https://*.app.example",
            "https://app.example/",
            "https://app.example/path",
            "https://app.example?x",
            "https://app.example#x",
            "https://ada@app.example",
            "https://app.example:",
            "https://app.example:0",
            "https://app.example:080",
            "https://app.example:+80",
            "https://app.example:65536",
            "https://app.example:443",
            "http://app.example:80",
            "https://App.example",
            "HTTPS://app.example",
            "https://bücher.example",
            "https://app.example,https://b.example",
            " https://app.example",
            "https://app.example\n",
            "https://[2001:DB8::1]",
            "https://[2001:db8:0::1]",
            "https://[::1",
            "https://2001:db8::1",
            "1http://app.example",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin), "{text:?}");
        }
    }

    #[test]
    fn a_listed_origin_is_met_exactly() {
        let listed = CorsOrigins::Listed(vec!["https://app.example".parse().unwrap()]);
        assert!(listed.allow("https://app.example"));
        for other in [
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil.example",
            "https://evil-app.example",
            "https://a.app.example",
            "https://app.exampl",
            "http://localhost",
            "null",
            "",
        ] {
            assert!(!listed.allow(other), "{other}");
        }
    }

    #[test]
    fn every_port_of_this_machine_is_loopback() {
        for origin in [
            "http://localhost",
            "https://localhost",
            "http://localhost:5173",
            "http://127.0.0.1:1",
            "https://[::1]:65535",
            "http://[::1]",
            "http://app.localhost:3000",
            "http://a.b.localhost",
        ] {
            assert!(CorsOrigins::Loopback.allow(origin), "{origin}");
            assert!(!CorsOrigins::None.allow(origin), "{origin}");
        }
    }

    #[test]
    fn what_only_looks_like_this_machine_is_not() {
        for origin in [
            "null",
            "",
            "localhost",
            "//localhost",
            "file://localhost",
            "http://localhost.evil.example",
            "http://evillocalhost",
            "http://.localhost",
            "http://evil.example/.localhost",
            "http://ada@localhost",
            "http://localhost/",
            "http://localhost:",
            "http://localhost:x",
            "http://localhost:5173.evil.example",
            "http://localhost:5173@evil.example",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.2",
            "http://0.0.0.0",
            "http://[::]",
            "http://[::1].evil.example",
            "http://LOCALHOST",
            "https://app.example",
        ] {
            assert!(!CorsOrigins::Loopback.allow(origin), "{origin}");
        }
    }
}
