//! What open mode refuses: requests that other machines or web pages of other sites may have sent.
//!
//! A web page can have its own name resolved to loopback (DNS rebinding) and then talk to this server as if it
//! were its own; what it cannot do is send another `Host`. And what a proxy passes on comes from loopback,
//! whoever sent it.

use std::net::IpAddr;

use actix_web::dev::ServiceRequest;
use actix_web::http::Uri;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::uri::Authority;

use crate::error::{ApiError, ErrorCode};
use crate::settings::LoopbackOnly;

const ADDED_BY_PROXIES: [HeaderName; 6] = [
    header::FORWARDED,
    header::VIA,
    header::X_FORWARDED_FOR,
    header::X_FORWARDED_HOST,
    header::X_FORWARDED_PROTO,
    HeaderName::from_static("x-forwarded-port"),
];

/// Why a request is refused in open mode, if it is.
pub(super) fn refusal(request: &ServiceRequest, settings: &LoopbackOnly) -> Option<ApiError> {
    if !is_for_this_server(request.uri(), request.headers(), settings) {
        return Some(ErrorCode::ForeignHost.into());
    }
    let is_proxied = ADDED_BY_PROXIES
        .iter()
        .any(|name| request.headers().contains_key(name));
    is_proxied.then(|| ErrorCode::ProxiedInOpenMode.into())
}

/// Whether every name of a server in the request is one of this server's. A request without any is not from a
/// browser.
pub(crate) fn is_for_this_server(uri: &Uri, headers: &HeaderMap, settings: &LoopbackOnly) -> bool {
    let authority = uri.authority().map(|authority| authority.as_str());
    let hosts = headers.get_all(header::HOST).map(HeaderValue::to_str);
    hosts
        .chain(authority.map(Ok))
        .all(|host| host.is_ok_and(|host| is_known(host, settings)))
}

/// Whether a host, with or without a port, is loopback or one of the settings.
fn is_known(host: &str, settings: &LoopbackOnly) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().trim_matches(['[', ']']);
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.to_canonical().is_loopback() || settings.names(name);
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || settings.names(&name)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn settings() -> LoopbackOnly {
        LoopbackOnly {
            hosts: vec!["chats.example".into(), "192.0.2.7".into()],
        }
    }

    fn refused(request: TestRequest) -> Option<String> {
        let refusal = refusal(&request.to_srv_request(), &settings());
        refusal.map(|error| error.to_string())
    }

    #[test]
    fn names_of_this_server() {
        for host in [
            "localhost",
            "LocalHost:7800",
            "localhost.",
            "app.localhost:1",
            "127.0.0.1:7800",
            "127.9.9.9",
            "[::1]:7800",
            "[::1]",
            "[::ffff:127.0.0.1]:1",
            "chats.example:443",
            "Chats.Example",
            "192.0.2.7:80",
        ] {
            let request = TestRequest::get().insert_header(("Host", host));
            assert_eq!(refused(request), None, "{host}");
        }
        assert_eq!(refused(TestRequest::get()), None);
    }

    #[test]
    fn names_of_others() {
        for host in [
            "evil.example",
            "evil.example:7800",
            "localhost.evil.example",
            "notlocalhost",
            "10.0.0.1",
            "0.0.0.0:7800",
            "[::]:7800",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "sub.chats.example",
            "",
            " ",
            "localhost/x",
            "http://localhost/",
            "l\u{f6}calhost",
        ] {
            let request = TestRequest::get().insert_header(("Host", host));
            let expected = Some("Host is not one of this server's".to_owned());
            assert_eq!(refused(request), expected, "{host}");
        }
        let two = TestRequest::get()
            .append_header(("Host", "localhost"))
            .append_header(("Host", "evil.example"));
        assert!(refused(two).is_some());
        let absolute =
            TestRequest::with_uri("http://evil.example/").insert_header(("Host", "localhost"));
        assert!(refused(absolute).is_some());
    }

    #[test]
    fn what_a_proxy_passes_on() {
        for name in [
            "Forwarded",
            "Via",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Forwarded-Port",
        ] {
            let request = TestRequest::get().insert_header((name, ""));
            let expected = "Open mode takes no requests that come through a proxy";
            assert_eq!(refused(request).as_deref(), Some(expected), "{name}");
        }
    }
}
