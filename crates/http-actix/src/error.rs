//! How an error becomes an answer; `codes` is the one table of error codes, `of_use_cases` tells which error of a use case
//! has which.
//!
//! Handlers fail with [`ApiError`]. Its text is for the client; a cause is for the log only. The
//! middleware renders it, since only there the request's id is known.

mod codes;
mod of_use_cases;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use convosync_domain::usage::QuotaExceeded;

use crate::json::{Grouped, ObjectWriter, Refusal, Violation, push_array, push_string};
use crate::measures;
use crate::request::RequestId;

pub(crate) use codes::ErrorCode;

/// The setting that bounds what is stored and in memory.
const READS: &str = "reads_in_flight_bytes";

/// An answer that is an error.
#[derive(Debug)]
pub(crate) struct ApiError {
    code: ErrorCode,
    text: Cow<'static, str>,
    details: Vec<Violation>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Box<dyn Error>>,
    /// The limit that was met, if one was: the setting's name without its section.
    limit: Option<&'static str>,
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            text: Cow::Borrowed(code.text()),
            details: Vec::new(),
            headers: Vec::new(),
            cause: None,
            limit: None,
        }
    }
}

impl ApiError {
    /// What went wrong.
    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }

    /// An error with a more precise text; nothing that a client sent may be in it.
    pub(crate) fn with_text(code: ErrorCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            text: text.into(),
            ..Self::from(code)
        }
    }

    /// A body that is invalid at these places.
    fn invalid(code: ErrorCode, details: Vec<Violation>) -> Self {
        Self {
            details,
            ..Self::from(code)
        }
    }

    /// A body that is refused as a whole, with this code where it is invalid.
    pub(crate) fn refused(invalid: ErrorCode, refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(violations) => Self::invalid(invalid, violations),
            Refusal::TooMany(most, what) => {
                let most = Grouped(u64::try_from(most).unwrap_or(u64::MAX));
                let text = format!("More than {most} {what} in one request");
                Self::with_text(ErrorCode::TooManyItems, text).by_limit(what)
            }
        }
    }

    pub(crate) fn method_not_allowed(allowed: &str) -> Self {
        Self::from(ErrorCode::MethodNotAllowed).with_text_header(header::ALLOW, allowed)
    }

    /// What was asked for met this limit, which is counted when the error is answered: a setting, or what else
    /// [`LIMITS`](crate::measures::LIMITS) has.
    pub(crate) fn by_limit(mut self, setting: &'static str) -> Self {
        self.limit = setting.rsplit('.').next();
        self
    }

    /// What one address or one visitor may ask for in a time is used up; this tells when to come back.
    pub(crate) fn too_many_requests(text: String, wait: Duration, setting: &'static str) -> Self {
        Self::with_text(ErrorCode::TooManyRequests, text)
            .by_limit(setting)
            .with_header(header::RETRY_AFTER, whole_seconds(wait).into())
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With a header of this text, unless it has characters that no header may have.
    pub(crate) fn with_text_header(self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => self.with_header(name, value),
            Err(_) => self,
        }
    }

    /// An error with a cause that only the log will tell.
    pub(crate) fn caused_by(code: ErrorCode, cause: impl Into<Box<dyn Error>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::from(code)
        }
    }

    /// What the visitor may have, and which setting says so.
    fn quota_exceeded(limit: QuotaExceeded) -> Self {
        let (most, what, setting) = match limit {
            QuotaExceeded::Conversations(most) => (most, "conversations", "max_conversations"),
            QuotaExceeded::ContentBytes(most) => (most, "bytes of content", "max_bytes"),
        };
        let most = Grouped(most);
        let text = format!("Visitor may have at most {most} {what} (visitors.{setting})");
        Self::with_text(ErrorCode::QuotaExceeded, text).by_limit(setting)
    }

    /// What is stored would be changed in memory, where there is only so much of it.
    fn too_much_stored(most: usize) -> Self {
        let text = format!("Changes more than {most} bytes of what is stored");
        Self::with_text(ErrorCode::TooMuchStored, text).by_limit(READS)
    }

    /// As many wait as may of one address or one visitor; this tells how many, and which setting says so.
    pub(crate) fn too_many_streams(most: usize, of: &str, setting: &'static str) -> Self {
        let text = format!("More than {most} wait for changes {of} ({setting})");
        Self::with_text(ErrorCode::TooManyStreams, text)
            .by_limit(setting)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
    }

    /// The server is about to stop, and takes on nothing that lasts.
    pub(crate) fn draining() -> Self {
        Self::from(ErrorCode::Draining)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// What the requests in flight may hold together is held; soon it will not be.
    pub(crate) fn too_many_in_flight(limit: &'static str) -> Self {
        Self::from(ErrorCode::TooManyInFlight)
            .by_limit(limit)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// The answer, in the one shape that all errors have. What caused it is logged and not said.
    pub(crate) fn render(&self, request_id: &RequestId) -> HttpResponse {
        let mut response = HttpResponse::build(self.code.status());
        response.content_type("application/json");
        for header in &self.headers {
            response.insert_header(header.clone());
        }
        response.body(self.write(request_id))
    }

    /// The body of the answer, in one line. What caused the error is logged and not said.
    pub(crate) fn write(&self, request_id: &RequestId) -> Vec<u8> {
        if let Some(cause) = &self.cause {
            let chain = Chain(cause.as_ref());
            tracing::error!(%request_id, code = self.code.as_str(), "{chain}");
        }
        if let Some(limit) = self.limit {
            measures::count_refusal(limit);
        }
        let mut body = Vec::with_capacity(256);
        let mut answer = ObjectWriter::new(&mut body);
        push_string(answer.key("error"), &self.text);
        push_string(answer.key("code"), self.code.as_str());
        if !self.details.is_empty() {
            push_array(answer.key("details"), &self.details, |out, violation| {
                let mut detail = ObjectWriter::new(out);
                push_string(detail.key("path"), violation.path());
                push_string(detail.key("message"), violation.message());
                detail.end();
            });
        }
        push_string(answer.key("request_id"), request_id.as_str());
        answer.end();
        body
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// The framework's own errors, by their status: what it says of them stays inside.
pub(crate) fn of_framework(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ErrorCode::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
        StatusCode::REQUEST_TIMEOUT => ErrorCode::BodyTimeout,
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::BodyTooLarge,
        status if status.is_client_error() => ErrorCode::BodyIncomplete,
        _ => ErrorCode::Internal,
    }
    .into()
}

/// At least one second, so that nobody retries at once.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    let seconds = duration.as_millis().div_ceil(1_000).max(1);
    u64::try_from(seconds).unwrap_or(u64::MAX)
}

/// An error with everything that caused it.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
