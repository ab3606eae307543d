//! What a server answered.

use serde_json::Value;
use ureq::http::Response;
use ureq::{Body, Error};

use crate::model::stand_ins;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// When to try again, in seconds.
    pub(crate) retry_after: Option<u64>,
    /// The body.
    pub(crate) text: String,
}

impl Answer {
    /// Panics if there was none.
    pub(super) fn of(answered: Result<Response<Body>, Error>) -> Self {
        Self::whole(answered).expect("an answer")
    }

    /// The answer, if it came whole.
    pub(super) fn whole(answered: Result<Response<Body>, Error>) -> Result<Self, Error> {
        let mut response = answered?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("Retry-After");
        let retry_after = retry_after.map(|value| value.to_str().unwrap().parse().unwrap());
        let body = response.body_mut().with_config().limit(u64::MAX);
        let text = body.read_to_string()?;
        Ok(Self {
            status,
            retry_after,
            text,
        })
    }

    /// The body as JSON, with stand-ins for what a `Value` cannot hold.
    pub(crate) fn json(&self) -> Value {
        stand_ins::read(&self.text).expect("JSON")
    }
}
