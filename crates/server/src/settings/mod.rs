//! The settings of a server; `config/default.toml` says what each of them means.

mod backup;
mod by_access;
mod layers;
mod list;
mod load;
mod metrics;
mod tls;
mod values;
mod variables;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use convosync_domain::usage::Quota;
use convosync_http_actix::{AddressRange, Limits, Origin, UnknownFields};
use serde::Deserialize;

use backup::BackupSettings;
pub(crate) use layers::{DEFAULTS, Override};
use list::list;
pub(crate) use load::Configuration;
pub(crate) use metrics::MetricsSettings;
pub(crate) use tls::TlsSettings;
pub(crate) use values::{AuthMode, LogFormat, LogLevel, Registration, Secret, StoreUrl};
use values::{auth_mode, between, log_format, registration, unknown_fields};

/// The largest number that is a size on every machine.
const SIZE_MAX: u64 = 4_294_967_295;
/// The largest number of a file of settings.
const NUMBER_MAX: u64 = i64::MAX.unsigned_abs();

/// More than any machine answers in a second.
const RATE_MAX: u64 = 10_000_000;

/// Every setting, typed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) server: ServerSettings,
    pub(crate) database: DatabaseSettings,
    pub(crate) sync: SyncSection,
    pub(crate) backup: BackupSettings,
    pub(crate) visitors: VisitorSettings,
    pub(crate) limits: LimitSettings,
    pub(crate) auth: AuthSettings,
    pub(crate) metrics: MetricsSettings,
    pub(crate) log: LogSettings,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerSettings {
    pub(crate) host: String,
    #[serde(deserialize_with = "between::<0, 65535, _, _>")]
    pub(crate) port: u16,
    #[serde(deserialize_with = "between::<0, 1024, _, _>")]
    workers: usize,
    #[serde(deserialize_with = "between::<0, 86400, _, _>")]
    pub(crate) drain_seconds: u64,
    #[serde(deserialize_with = "between::<1, 86400, _, _>")]
    pub(crate) shutdown_timeout_seconds: u64,
    #[serde(deserialize_with = "list")]
    pub(crate) hosts: Vec<String>,
    #[serde(deserialize_with = "list")]
    cors_origins: Vec<Origin>,
    #[serde(deserialize_with = "list")]
    pub(crate) trusted_proxies: Vec<AddressRange>,
    static_folder: PathBuf,
    pub(crate) tls: TlsSettings,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatabaseSettings {
    pub(crate) url: StoreUrl,
    #[serde(deserialize_with = "between::<0, 1024, _, _>")]
    readers: u32,
    #[serde(deserialize_with = "between::<0, 3600000, _, _>")]
    pub(crate) busy_timeout_ms: u64,
    pub(crate) check_at_start: bool,
    #[serde(deserialize_with = "between::<1, 10000, _, _>")]
    pub(crate) pool_size: u32,
    pub(crate) shard_aware: bool,
    #[serde(deserialize_with = "between::<0, 86400, _, _>")]
    pub(crate) wait_at_start_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyncSection {
    #[serde(deserialize_with = "between::<0, SIZE_MAX, _, _>")]
    max_clock_skew_seconds: u32,
    #[serde(deserialize_with = "unknown_fields")]
    unknown_fields: UnknownFields,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VisitorSettings {
    #[serde(deserialize_with = "registration")]
    registration: Registration,
    #[serde(deserialize_with = "between::<0, NUMBER_MAX, _, _>")]
    max_bytes: u64,
    #[serde(deserialize_with = "between::<0, NUMBER_MAX, _, _>")]
    max_conversations: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitSettings {
    #[serde(deserialize_with = "between::<1, SIZE_MAX, _, _>")]
    body_bytes: usize,
    #[serde(deserialize_with = "between::<1, 86400, _, _>")]
    body_seconds: u64,
    #[serde(deserialize_with = "between::<0, SIZE_MAX, _, _>")]
    body_bytes_per_second: u64,
    #[serde(deserialize_with = "between::<1, SIZE_MAX, _, _>")]
    bodies_in_flight_bytes: usize,
    #[serde(deserialize_with = "between::<1, SIZE_MAX, _, _>")]
    page_bytes: usize,
    #[serde(deserialize_with = "between::<1, SIZE_MAX, _, _>")]
    reads_in_flight_bytes: usize,
    #[serde(deserialize_with = "between::<1, SIZE_MAX, _, _>")]
    conversations: usize,
    #[serde(deserialize_with = "between::<1, SIZE_MAX, _, _>")]
    messages: usize,
    #[serde(deserialize_with = "between::<1, SIZE_MAX, _, _>")]
    value_bytes: usize,
    #[serde(deserialize_with = "between::<1, SIZE_MAX, _, _>")]
    url_bytes: usize,
    #[serde(deserialize_with = "between::<0, SIZE_MAX, _, _>")]
    streams: usize,
    #[serde(deserialize_with = "between::<0, SIZE_MAX, _, _>")]
    streams_per_address: usize,
    #[serde(deserialize_with = "between::<0, SIZE_MAX, _, _>")]
    streams_per_visitor: usize,
    #[serde(deserialize_with = "between::<1, SIZE_MAX, _, _>")]
    pub(crate) queue: usize,
    #[serde(deserialize_with = "between::<0, RATE_MAX, _, _>")]
    address_requests_per_second: u32,
    #[serde(deserialize_with = "between::<0, RATE_MAX, _, _>")]
    visitor_requests_per_second: u32,
    #[serde(deserialize_with = "between::<0, RATE_MAX, _, _>")]
    failed_proofs_per_minute: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthSettings {
    #[serde(deserialize_with = "auth_mode")]
    pub(crate) mode: AuthMode,
    pub(crate) allow_open_on_network: bool,
    pub(crate) anon: AnonSettings,
    pub(crate) jwt: JwtSection,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnonSettings {
    accept_client_ids: bool,
    anyone_may_register: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JwtSection {
    pub(crate) secret: Secret,
    pub(crate) secret_file: String,
    pub(crate) jwks_file: String,
    pub(crate) jwks_url: String,
    pub(crate) issuer: String,
    #[serde(deserialize_with = "list")]
    pub(crate) audience: Vec<String>,
    pub(crate) user_claim: String,
    #[serde(deserialize_with = "between::<0, 87600, _, _>")]
    pub(crate) max_lifetime_hours: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSettings {
    pub(crate) level: LogLevel,
    #[serde(deserialize_with = "log_format")]
    pub(crate) format: LogFormat,
}

impl ServerSettings {
    /// How many threads serve requests.
    pub(crate) fn workers(&self) -> usize {
        match self.workers {
            0 => cores(),
            workers => workers,
        }
    }

    /// The folder whose files are served beside the API; `None` where none are.
    pub(crate) fn static_folder(&self) -> Option<&Path> {
        let is_set = !self.static_folder.as_os_str().is_empty();
        is_set.then_some(&self.static_folder)
    }
}

impl DatabaseSettings {
    /// How many connections read.
    pub(crate) fn readers(&self) -> u32 {
        match self.readers {
            0 => u32::try_from(cores()).unwrap_or(u32::MAX),
            readers => readers,
        }
    }
}

impl VisitorSettings {
    /// How much a visitor may have; 0 means that there is no limit.
    fn quota(&self) -> Quota {
        let limit = |max: u64| (max > 0).then_some(max);
        Quota {
            max_conversations: limit(self.max_conversations),
            max_content_bytes: limit(self.max_bytes),
        }
    }
}

impl Settings {
    /// A setting that another one rules out, and why; each is sound by itself.
    fn contradiction(&self) -> Option<(&'static str, String)> {
        if let Some(lacking) = self.server.tls.contradiction() {
            return Some(lacking);
        }
        if let Some(weak) = self.metrics.contradiction() {
            return Some(weak);
        }
        let LimitSettings {
            body_bytes,
            bodies_in_flight_bytes,
            page_bytes,
            reads_in_flight_bytes,
            ..
        } = self.limits;
        let budgets = [
            (
                "limits.bodies_in_flight_bytes",
                bodies_in_flight_bytes,
                "limits.body_bytes",
                body_bytes,
            ),
            (
                "limits.reads_in_flight_bytes",
                reads_in_flight_bytes,
                "limits.page_bytes",
                page_bytes,
            ),
        ];
        let too_small = budgets
            .into_iter()
            .find(|(_, budget, _, least)| budget < least);
        too_small.map(|(key, budget, of, least)| {
            (
                key,
                format!("must be at least {of}, which is {least}, not {budget}"),
            )
        })
    }

    /// What is done with unknown fields, unless the client says.
    pub(crate) fn unknown_fields(&self) -> UnknownFields {
        self.sync.unknown_fields
    }

    /// What a request may ask for.
    pub(crate) fn limits(&self) -> Limits {
        let limits = &self.limits;
        Limits {
            body_bytes: limits.body_bytes,
            body_seconds: limits.body_seconds,
            body_bytes_per_second: limits.body_bytes_per_second,
            bodies_in_flight_bytes: limits.bodies_in_flight_bytes,
            page_bytes: limits.page_bytes,
            reads_in_flight_bytes: limits.reads_in_flight_bytes,
            conversations: limits.conversations,
            messages: limits.messages,
            value_bytes: limits.value_bytes,
            url_bytes: limits.url_bytes,
            streams: limits.streams,
            streams_per_address: limits.streams_per_address,
            streams_per_visitor: limits.streams_per_visitor,
            queue: limits.queue,
        }
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
