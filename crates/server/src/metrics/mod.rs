//! What the server measures of itself, for operators.
//!
//! Events are told to the facade `metrics` where they happen, as they are to `tracing` for the log; here the recorder is
//! put behind it, if the settings ask for one. What is a state and no event (how busy the store is, how much memory the
//! requests in flight hold) is looked up when somebody asks. [`list::METRICS`] names every metric.

mod list;
mod listen;
mod observed;
mod operators;

use std::time::Duration;

use ::metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::sleep;

use crate::failure::Failure;
use list::{Kind, METRICS};
pub(crate) use listen::OperatorListener;
pub(crate) use operators::Operators;

/// What was timed is kept one by one until somebody asks, or until this has passed.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// What records the metrics of the process.
#[derive(Clone)]
pub(crate) struct Recorder(PrometheusHandle);

impl Recorder {
    /// Has every metric of the process recorded from now on. It is done once, before anything is measured.
    ///
    /// # Errors
    /// When it was done before.
    pub(crate) fn install() -> Result<Self, Failure> {
        let recorder = install().map_err(|error| Failure::caused_by(&error))?;
        for metric in METRICS {
            match metric.kind {
                Kind::Counter => describe_counter!(metric.name, metric.help),
                Kind::Gauge => describe_gauge!(metric.name, metric.help),
                Kind::Histogram(_) => describe_histogram!(metric.name, metric.help),
            }
        }
        Ok(Self(recorder))
    }

    /// Sums up what was timed, now and then. It never ends.
    pub(crate) async fn keep_up(&self) {
        loop {
            sleep(UPKEEP_EVERY).await;
            self.0.run_upkeep();
        }
    }
}

fn install() -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS {
        if let Kind::Histogram(buckets) = metric.kind {
            let name = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(name, buckets)?;
        }
    }
    builder.install_recorder()
}
