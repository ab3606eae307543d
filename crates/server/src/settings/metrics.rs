//! The settings in `[metrics]`.

use convosync_http_actix::MetricsToken;
use serde::Deserialize;

use super::Secret;

/// Where the metrics are, and what opens them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricsSettings {
    listen: String,
    token: Secret,
}

impl MetricsSettings {
    /// The address of the listener for operators, if there is to be one.
    pub(crate) fn listen(&self) -> Option<&str> {
        Some(self.listen.as_str()).filter(|listen| !listen.is_empty())
    }

    /// What opens the metrics, if anything is asked for.
    pub(crate) fn token(&self) -> Option<MetricsToken> {
        self.token.reveal().and_then(MetricsToken::new)
    }

    /// Whether the metrics can be seen anywhere.
    pub(crate) fn is_on(&self) -> bool {
        self.listen().is_some() || self.token().is_some()
    }

    /// The setting that is no good, and why.
    pub(super) fn contradiction(&self) -> Option<(&'static str, String)> {
        let is_weak = self.token.reveal().is_some() && self.token().is_none();
        is_weak.then(|| {
            let problem = "must have 16 characters or more, of ASCII and without spaces";
            ("metrics.token", problem.to_owned())
        })
    }
}
