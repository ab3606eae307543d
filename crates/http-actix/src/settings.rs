//! How the HTTP server is set up.

use std::sync::Arc;

use actix_tls::accept::rustls_0_23::reexports::ServerConfig;
use serde::Serialize;

use crate::operations::GuardedMetrics;
use crate::origins::CorsOrigins;
use crate::request::AddressRange;
use crate::static_files::StaticFolder;

/// How the HTTP server is set up.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// What a request may ask for.
    pub limits: Limits,
    /// What is done with fields that nobody knows, unless the client says.
    pub unknown_fields: UnknownFields,
    /// What is refused so that only programs on this machine are believed without proof; nothing where
    /// others are asked for proof, or are to be believed, too.
    pub loopback_only: Option<LoopbackOnly>,
    /// Whose pages may read answers in a browser.
    pub cors: CorsOrigins,
    /// The proxies that are believed where a request came from. Others are not: an address that they tell of
    /// is ignored.
    pub trusted_proxies: Vec<AddressRange>,
    /// How often one address or one visitor may ask; `None` does not even count.
    pub rate_limits: Option<RateLimitSettings>,
    /// How many threads serve requests; at least one does.
    pub workers: usize,
    /// How long a stopping server waits for the requests in flight, in seconds.
    pub shutdown_timeout_seconds: u64,
    /// The TLS that clients have to speak, without protocols of the application (ALPN): HTTP/2 and HTTP/1.1
    /// are offered. Without it they speak plain HTTP/1.1.
    pub tls: Option<Arc<ServerConfig>>,
    /// What `/metrics` tells; `None` where there is no such path here.
    pub metrics: Option<GuardedMetrics>,
    /// The folder whose files are served where the API has no path; `None` serves none.
    pub static_folder: Option<StaticFolder>,
    /// What `/version` tells.
    pub version: Version,
}

/// Refuses what other machines or web pages of other sites may have sent: a `Host` that is neither loopback nor
/// one of these, and whatever came through a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoopbackOnly {
    /// Names in lower case and addresses under which the server is reached beside loopback, without ports.
    pub hosts: Vec<String>,
}

impl LoopbackOnly {
    /// Whether this is one of the names.
    pub(crate) fn names(&self, host: &str) -> bool {
        self.hosts.iter().any(|name| name == host)
    }
}

/// What a request may ask for. What goes beyond is refused; nothing is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest request body, in bytes; one that comes as gzip is measured inflated, too.
    pub body_bytes: usize,
    /// How long a request body may take to arrive, in seconds.
    pub body_seconds: u64,
    /// How fast a request body has to arrive on average, after the first seconds, in bytes a second
    /// as they are on the network; 0 lets it take all of `body_seconds`.
    pub body_bytes_per_second: u64,
    /// How much all request bodies in flight may hold together, in bytes; at least `body_bytes`, or
    /// the longest bodies are never taken.
    pub bodies_in_flight_bytes: usize,
    /// A page of changes ends with the item that brings its content to so many bytes.
    pub page_bytes: usize,
    /// How much of what is stored may be in memory at once, in bytes: pages that are answered, and what posts
    /// change.
    pub reads_in_flight_bytes: usize,
    /// The most conversations of one post.
    pub conversations: usize,
    /// The most messages of one post, in all its conversations together.
    pub messages: usize,
    /// The largest value of a field, in bytes: of a text as UTF-8, of any JSON value as it was sent.
    pub value_bytes: usize,
    /// The longest path and query of a URL, in bytes.
    pub url_bytes: usize,
    /// How many may wait for changes at once, as streams and as long polls together; 0 lets all.
    pub streams: usize,
    /// How many of them from one IPv4 address or one IPv6 network (/64); 0 lets all.
    pub streams_per_address: usize,
    /// How many of them for one visitor; 0 lets all.
    pub streams_per_visitor: usize,
    /// The most posts that have arrived and wait to be read; one more is refused.
    pub queue: usize,
}

impl Limits {
    /// No limits, for what has been taken under some already.
    pub(crate) fn none() -> Self {
        Self {
            body_bytes: usize::MAX,
            body_seconds: u64::MAX,
            body_bytes_per_second: 0,
            bodies_in_flight_bytes: usize::MAX,
            page_bytes: usize::MAX,
            reads_in_flight_bytes: usize::MAX,
            conversations: usize::MAX,
            messages: usize::MAX,
            value_bytes: usize::MAX,
            url_bytes: usize::MAX,
            streams: 0,
            streams_per_address: 0,
            streams_per_visitor: 0,
            queue: usize::MAX,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 << 20,
            body_seconds: 30,
            body_bytes_per_second: 1 << 10,
            bodies_in_flight_bytes: 256 << 20,
            page_bytes: 4 << 20,
            reads_in_flight_bytes: 256 << 20,
            conversations: 10_000,
            messages: 100_000,
            value_bytes: 8 << 20,
            url_bytes: 2 << 10,
            streams: 16_384,
            streams_per_address: 4_096,
            streams_per_visitor: 100,
            queue: 256,
        }
    }
}

/// How often one address or one visitor may ask. Each of them that is 0 sets no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitSettings {
    /// Requests a second from one IPv4 address or one IPv6 network (/64), and ten times as many at once.
    pub address_requests_per_second: u32,
    /// Requests a second of one visitor, and ten times as many at once.
    pub visitor_requests_per_second: u32,
    /// Proofs of identity that do not hold, a minute from one address or network, all of them at once.
    pub failed_proofs_per_minute: u32,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self {
            address_requests_per_second: 200,
            visitor_requests_per_second: 50,
            failed_proofs_per_minute: 20,
        }
    }
}

/// What is done with fields of conversations, messages and parts that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownFields {
    /// They are stored and come back where they were sent.
    Keep,
    /// The post is refused.
    Reject,
}

/// Which Convosync this is, as `/version` and the header `Convosync-Version` tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Version {
    /// The version of the server.
    pub version: String,
    /// The commit it was built from.
    pub commit: String,
    /// The version of the store's schema.
    pub schema: String,
}
