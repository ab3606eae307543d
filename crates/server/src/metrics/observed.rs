//! What is looked up when somebody asks.

use std::sync::Arc;

use ::metrics::{counter, gauge};
use convosync_application::byte_budget::ByteBudget;
use convosync_http_actix::{
    Drain, LoopbackOnly, Measured, Operations, PoolHealth, StoreHealth, Version,
};
use convosync_storage_diesel::{PoolLoad, StoreLoad};
use metrics_process::Collector;

use super::{OperatorListener, Recorder};
use crate::backend::Store;
use crate::settings::Settings;
use crate::use_cases::Memory;

/// The process and its store, looked up when somebody asks.
pub(crate) struct Observed {
    recorder: Recorder,
    store: Arc<dyn Store>,
    store_kind: &'static str,
    memory: Memory,
    process: Collector,
}

impl Observed {
    /// Observes this store and this memory.
    pub(crate) fn new(
        recorder: Recorder,
        store: Arc<dyn Store>,
        memory: Memory,
        settings: &Settings,
        version: &Version,
    ) -> Self {
        let store_kind = match settings.database.url.scheme() {
            "sqlite" => "sqlite",
            _ => "postgres",
        };
        gauge!(
            "convosync_build_info",
            "version" => version.version.clone(),
            "commit" => version.commit.clone(),
            "schema" => version.schema.clone(),
            "store" => store_kind
        )
        .set(1);
        Self {
            recorder,
            store,
            store_kind,
            memory,
            process: Collector::default(),
        }
    }
}

impl Measured for Observed {
    fn metrics(&self) -> String {
        let budgets = [
            ("bodies", &self.memory.bodies),
            ("reads", &self.memory.reads),
        ];
        for (of, budget) in budgets {
            tell_budget(of, budget);
        }
        tell_load(&self.store.current_load());
        self.process.collect();
        self.recorder.0.render()
    }

    fn store(&self) -> StoreHealth {
        let load = self.store.current_load();
        let pools = load.pools.into_iter().map(|pool| PoolHealth {
            name: pool.name,
            size: pool.size,
            open: pool.open,
            busy: pool.busy,
            waiting: count(pool.waiting),
        });
        StoreHealth {
            kind: self.store_kind,
            pools: pools.collect(),
            queued_writes: load.queued_writes.map(count),
            write_ahead_log_bytes: load.write_ahead_log_bytes,
        }
    }
}

fn tell_budget(of: &'static str, budget: &ByteBudget) {
    let held = budget.bytes().saturating_sub(budget.left());
    gauge!("convosync_in_flight_bytes", "of" => of).set(float(held));
    gauge!("convosync_in_flight_limit_bytes", "of" => of).set(float(budget.bytes()));
}

fn tell_load(load: &StoreLoad) {
    for pool in &load.pools {
        tell_pool(pool);
    }
    if let Some(queued) = load.queued_writes {
        gauge!("convosync_store_queued_writes").set(float(queued));
    }
    if let Some(bytes) = load.write_ahead_log_bytes {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        gauge!("convosync_store_write_ahead_log_bytes").set(float(bytes));
    }
}

fn tell_pool(pool: &PoolLoad) {
    let name = pool.name;
    let idle = pool.open.saturating_sub(pool.busy);
    for (state, connections) in [("busy", pool.busy), ("idle", idle)] {
        gauge!("convosync_store_connections", "pool" => name, "state" => state).set(connections);
    }
    gauge!("convosync_store_connections_limit", "pool" => name).set(pool.size);
    gauge!("convosync_store_waiting_calls", "pool" => name).set(float(pool.waiting));
    counter!("convosync_store_waits_total", "pool" => name).absolute(pool.waits);
}

/// What the listener for operators answers with.
pub(crate) fn operations(
    observed: Arc<Observed>,
    listener: &OperatorListener,
    settings: &Settings,
    drain: Drain,
    version: Version,
) -> Operations {
    let hosts = settings.server.hosts.iter();
    let hosts = hosts.map(|host| host.to_ascii_lowercase()).collect();
    Operations {
        status: observed.store.clone(),
        measured: observed,
        drain,
        version,
        token: settings.metrics.token(),
        loopback_only: listener.is_loopback().then_some(LoopbackOnly { hosts }),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[expect(
    clippy::as_conversions,
    reason = "there is no other way, and what is beyond 2^53 need not be exact"
)]
fn float(number: usize) -> f64 {
    number as f64
}
