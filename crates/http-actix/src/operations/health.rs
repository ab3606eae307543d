//! How the server is, in detail.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use convosync_domain::ports::StoreError;
use serde::Serialize;

use super::Operations;
use crate::answer;
use crate::json::push;
use crate::settings::Version;

/// How busy a store is.
#[derive(Clone, Debug, Serialize)]
pub struct StoreHealth {
    /// Which kind of store it is.
    pub kind: &'static str,
    /// Its pools of connections.
    pub pools: Vec<PoolHealth>,
    /// The writes that wait for the one that writes, with those that it is at; of stores that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_writes: Option<u64>,
    /// How long its write-ahead log is; of stores whose log is beside them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_ahead_log_bytes: Option<u64>,
}

/// How busy a pool of connections is.
#[derive(Clone, Debug, Serialize)]
pub struct PoolHealth {
    /// Its name.
    pub name: &'static str,
    /// The most connections that it has.
    pub size: u32,
    /// Those that are open.
    pub open: u32,
    /// Those that are at work.
    pub busy: u32,
    /// The calls that wait for one.
    pub waiting: u64,
}

#[derive(Serialize)]
struct Health<'a> {
    status: &'static str,
    #[serde(flatten)]
    version: &'a Version,
    uptime_seconds: u64,
    draining: bool,
    store: Store,
}

#[derive(Serialize)]
struct Store {
    reachable: bool,
    /// Which kind of error it failed with.
    error: Option<&'static str>,
    /// Names this life of the store.
    epoch: String,
    #[serde(flatten)]
    health: StoreHealth,
}

/// 200 where requests should be sent here, else 503, with the details.
pub(super) async fn answer(operations: &Operations, uptime: Duration) -> HttpResponse {
    let draining = operations.drain.has_begun();
    let error = operations.status.check().await.err();
    let (status, code) = match (draining, &error) {
        (true, _) => ("draining", StatusCode::SERVICE_UNAVAILABLE),
        (false, Some(_)) => ("storage_unavailable", StatusCode::SERVICE_UNAVAILABLE),
        (false, None) => ("ready", StatusCode::OK),
    };
    let health = Health {
        status,
        version: &operations.version,
        uptime_seconds: uptime.as_secs(),
        draining,
        store: Store {
            reachable: error.is_none(),
            error: error.as_ref().map(StoreError::kind),
            epoch: operations.status.identity().epoch.to_string(),
            health: operations.measured.store(),
        },
    };
    let mut body = Vec::with_capacity(1_024);
    push(&mut body, &health);
    answer::json(code, body)
}
