//! What was found where something is examined, and what to do about it.

use serde::Serialize;

/// How good or bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// As it has to be.
    Ok,
    /// It works, and there is something to know about it.
    Note,
    /// It works, and may harm.
    Warning,
    /// It does not work, or loses what was acknowledged.
    Failed,
    /// It was not looked at.
    Skipped,
}

/// One line of what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: &'static str,
    pub(crate) status: Status,
    /// What there is.
    pub(crate) found: String,
    /// What to do; of everything but what is as it has to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl Finding {
    pub(crate) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            status: Status::Ok,
            found: found.into(),
            advice: None,
        }
    }

    pub(crate) fn note(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::with_advice(Status::Note, check, found, advice)
    }

    pub(crate) fn warning(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::with_advice(Status::Warning, check, found, advice)
    }

    pub(crate) fn failed(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::with_advice(Status::Failed, check, found, advice)
    }

    pub(crate) fn skipped(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::with_advice(Status::Skipped, check, found, advice)
    }

    fn with_advice(
        status: Status,
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            check,
            status,
            found: found.into(),
            advice: Some(advice.into()),
        }
    }
}
