//! Asks a server, and keeps what it answered.

use std::io::Read as _;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::http::{HeaderMap, Method, Request, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Error};

use crate::failure::Failure;
use crate::{listen, tls};

/// What is longer is no answer of this server's to what is asked.
const LONGEST: u64 = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where a server is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) is_https: bool,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// What stands before the paths, without a slash at its end.
    pub(super) prefix: String,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, Failure> {
        let refused =
            |problem| Failure::usage(format!("--url {problem}, like https://sync.example"));
        let uri: Uri = url.parse().or(Err(refused("must be a URL")))?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refused("must begin with https:// or http://")),
        };
        let authority = uri.authority().map(|authority| authority.as_str());
        if authority.is_some_and(|authority| authority.contains('@')) || uri.query().is_some() {
            return Err(refused("must have no user and no query"));
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        if host.is_empty() {
            return Err(refused("must name a host"));
        }
        let usual = if is_https { 443 } else { 80 };
        Ok(Self {
            is_https,
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(usual),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Whether it is on this machine, by its name.
    pub(super) fn is_loopback(&self) -> bool {
        let address: Option<IpAddr> = self.host.parse().ok();
        self.host.eq_ignore_ascii_case("localhost") || address.is_some_and(listen::is_loopback)
    }

    pub(super) fn url(&self, path: &str) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        let Self {
            host, port, prefix, ..
        } = self;
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        match (self.is_https, port) {
            (true, 443) | (false, 80) => format!("{scheme}://{host}{prefix}{path}"),
            _ => format!("{scheme}://{host}:{port}{prefix}{path}"),
        }
    }
}

/// What was answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    /// How long it took.
    pub(super) took: Duration,
}

impl Answer {
    /// The header, if it has one.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.text).ok()
    }

    /// The code of an error of Convosync's; a proxy's has none.
    pub(super) fn code(&self) -> Option<String> {
        let code = self.json()?.get("code")?.as_str()?.to_owned();
        Some(code)
    }

    pub(super) fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status) && self.status != 304
    }

    /// The status, and where it leads.
    pub(super) fn told(&self) -> String {
        match self.header("location") {
            Some(location) => format!("{} to {location}", self.status),
            None => self.status.to_string(),
        }
    }
}

pub(super) struct Client {
    pub(super) target: Target,
    agent: Agent,
}

impl Client {
    pub(super) fn of(target: Target) -> Self {
        let agent = agent();
        Self { target, agent }
    }

    /// Asks without a body.
    pub(super) fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, Error> {
        self.send(method, path, headers, &[])
    }

    pub(super) fn get(&self, path: &str) -> Result<Answer, Error> {
        self.ask(Method::GET, path, &[])
    }

    pub(super) fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, Error> {
        send(&self.agent, method, &self.target.url(path), headers, body)
    }

    /// The first of what comes on a stream, and after how long; nothing where nothing comes in this time.
    pub(super) fn first_of_stream(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        patience: Duration,
    ) -> Result<(Answer, usize), Error> {
        let begun = Instant::now();
        let mut request = self.agent.get(self.target.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answered = request
            .config()
            .timeout_global(Some(patience))
            .build()
            .call()?;
        let (parts, body) = answered.into_parts();
        let mut first = [0; 1_024];
        let read = body.into_reader().read(&mut first)?;
        let text = String::from_utf8_lossy(first.get(..read).unwrap_or_default());
        let answer = Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: text.into_owned(),
            took: begun.elapsed(),
        };
        Ok((answer, read))
    }
}

/// Asks another URL than the server's.
pub(super) fn ask_url(method: Method, url: &str) -> Result<Answer, Error> {
    send(&agent(), method, url, &[], &[])
}

fn send(
    agent: &Agent,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, Error> {
    let begun = Instant::now();
    let has_body = method == Method::POST;
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answered = match has_body {
        true => agent.run(request.body(body)?)?,
        false => agent.run(request.body(())?)?,
    };
    let (parts, mut body): (_, Body) = answered.into_parts();
    let text = body.with_config().limit(LONGEST).read_to_vec()?;
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8_lossy(&text).into_owned(),
        took: begun.elapsed(),
    })
}

fn agent() -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(tls::provider())
        .build();
    Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        // Clients are elsewhere, and have none of this machine's.
        .proxy(None)
        .allow_non_standard_methods(true)
        .tls_config(tls)
        .user_agent("convosync doctor")
        .build()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_url_leads() {
        for (url, asked) in [
            ("https://sync.example", "https://sync.example/version"),
            ("https://sync.example:443/", "https://sync.example/version"),
            ("http://127.0.0.1:7800", "http://127.0.0.1:7800/version"),
            ("http://[::1]:80/a/b/", "http://[::1]/a/b/version"),
        ] {
            assert_eq!(Target::parse(url).unwrap().url("/version"), asked);
        }
        assert!(Target::parse("http://[::1]:1").unwrap().is_loopback());
        assert!(!Target::parse("http://sync.example").unwrap().is_loopback());
        for url in [
            "",
            "sync.example",
            "ftp://a",
            "https://a@b",
            "https://a/?x=1",
            "https://",
        ] {
            assert_eq!(Target::parse(url).unwrap_err().code(), 2, "{url}");
        }
    }
}
