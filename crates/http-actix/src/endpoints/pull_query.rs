//! What the query of a pull asks for, and of a turn, which ends with one.

use std::time::Duration;

use actix_web::http::header::HeaderMap;
use convosync_application::pull_changes::{LIMIT_DEFAULT, LIMIT_MAX};

use crate::error::{ApiError, ErrorCode};
use crate::request::{Encoded, LAST_EVENT_ID, Query};

const SINCE: &str = "since";
const LIMIT: &str = "limit";
const WAIT: &str = "wait";

/// The longest wait, in seconds.
pub(crate) const WAIT_MAX: u64 = 60;

/// Which page of changes is asked for.
pub(crate) struct PullQuery {
    /// The cursor to pull on from.
    pub(crate) since: Option<String>,
    /// How many changed items to pull at most.
    pub(crate) limit: usize,
}

impl PullQuery {
    pub(crate) fn of(query: &Query<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            since: cursor(query, SINCE)?,
            limit: limit(query, LIMIT_DEFAULT)?,
        })
    }

    /// What a stream asks for. Where a browser connects again, it repeats the URL and tells in `Last-Event-ID` how far
    /// it has come, so that is what counts. A cursor that is empty means from the start.
    pub(crate) fn of_stream(query: &Query<'_>, headers: &HeaderMap) -> Result<Self, ApiError> {
        let asked = Self::of(query)?;
        let since = last_event_id(headers)?.or(asked.since);
        Ok(Self {
            since: since.filter(|since| !since.is_empty()),
            limit: asked.limit,
        })
    }

    /// What a post asks for that is a turn, which `since` says; where it is empty, from the start.
    pub(crate) fn of_turn(query: &Query<'_>) -> Result<Option<Self>, ApiError> {
        let Some(since) = cursor(query, SINCE)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            since: Some(since).filter(|since| !since.is_empty()),
            limit: limit(query, LIMIT_DEFAULT)?,
        }))
    }
}

/// How long a pull is to wait for a change where there is none.
pub(crate) fn wait(query: &Query<'_>) -> Result<Duration, ApiError> {
    let Some(sent) = query.parameter(WAIT)? else {
        return Ok(Duration::ZERO);
    };
    let seconds = whole_number(&sent).and_then(|seconds| u64::try_from(seconds).ok());
    seconds
        .filter(|seconds| *seconds <= WAIT_MAX)
        .map(Duration::from_secs)
        .ok_or(ErrorCode::InvalidWait.into())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut sent = headers.get_all(LAST_EVENT_ID);
    let first = sent.next();
    if sent.next().is_some() {
        let text = "Last-Event-ID given twice";
        return Err(ApiError::with_text(ErrorCode::RepeatedParameter, text));
    }
    let cursor = first.map(|cursor| cursor.to_str()).transpose();
    match cursor {
        Ok(cursor) => Ok(cursor.map(str::to_owned)),
        Err(_no_text) => Err(ErrorCode::InvalidCursor.into()),
    }
}

/// The cursor in the parameter of this name.
pub(super) fn cursor(query: &Query<'_>, name: &str) -> Result<Option<String>, ApiError> {
    let Some(sent) = query.parameter(name)? else {
        return Ok(None);
    };
    match sent.decode() {
        Some(cursor) => Ok(Some(cursor)),
        None => Err(ErrorCode::InvalidCursor.into()),
    }
}

/// The most items of a page; so many where the query does not say.
pub(super) fn limit(query: &Query<'_>, default: usize) -> Result<usize, ApiError> {
    let Some(sent) = query.parameter(LIMIT)? else {
        return Ok(default);
    };
    whole_number(&sent)
        .filter(|limit| (1..=LIMIT_MAX).contains(limit))
        .ok_or(ErrorCode::InvalidLimit.into())
}

fn whole_number(sent: &Encoded<'_>) -> Option<usize> {
    let text = sent.decode()?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

/// Reads all that pulls, streams and turns ask of a query.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_all(query: &Query<'_>) {
    // Refused or not, it is read.
    let _ = PullQuery::of(query);
    let _ = PullQuery::of_turn(query);
    let _ = wait(query);
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn limits() {
        let read = |query: &str| match limit(&Query::new(query), LIMIT_DEFAULT) {
            Ok(limit) => limit.to_string(),
            Err(error) => format!("! {error}"),
        };
        for (query, expected) in [
            ("", "500"),
            ("limit=1", "1"),
            ("limit=1000", "1000"),
            ("limit=%31", "1"),
            ("limit=5&limit=5", "! limit given twice"),
        ] {
            assert_eq!(read(query), expected, "{query}");
        }
        for sent in [
            "",
            "0",
            "-1",
            "+1",
            "1001",
            "1e9",
            "x",
            "1.0",
            " 1",
            "%",
            "99999999999999999999",
        ] {
            let query = format!("limit={sent}");
            assert_eq!(read(&query), "! limit must be 1 to 1000", "{sent}");
        }
    }

    #[test]
    fn waits() {
        let read = |query: &str| match wait(&Query::new(query)) {
            Ok(wait) => wait.as_secs().to_string(),
            Err(error) => format!("! {error}"),
        };
        for (query, expected) in [
            ("", "0"),
            ("wait=0", "0"),
            ("wait=1&limit=x", "1"),
            ("wait=60", "60"),
            ("wait=%36%30", "60"),
            ("wait=1&wait=1", "! wait given twice"),
        ] {
            assert_eq!(read(query), expected, "{query}");
        }
        for sent in [
            "",
            "61",
            "-1",
            "+1",
            "0.5",
            "1e1",
            "30s",
            " 1",
            "true",
            "%",
            "99999999999999999999",
        ] {
            let query = format!("wait={sent}");
            assert_eq!(read(&query), "! wait must be 0 to 60", "{sent}");
        }
    }

    #[test]
    fn where_a_stream_begins() {
        let read = |query: &str, headers: &[&str]| {
            let mut sent = HeaderMap::new();
            for value in headers {
                sent.append(
                    LAST_EVENT_ID,
                    HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                );
            }
            match PullQuery::of_stream(&Query::new(query), &sent) {
                Ok(PullQuery { since, limit }) => format!("{since:?} {limit}"),
                Err(error) => format!("! {error}"),
            }
        };
        for (query, headers, expected) in [
            ("", &[][..], "None 500"),
            ("limit=7", &[], "None 7"),
            ("since=a", &[], "Some(\"a\") 500"),
            ("since=", &[], "None 500"),
            ("since=a", &["b"], "Some(\"b\") 500"),
            ("", &["b"], "Some(\"b\") 500"),
            ("since=a", &[""], "None 500"),
            ("", &["é"], "! Invalid cursor"),
            ("", &["a", "a"], "! Last-Event-ID given twice"),
            ("since=%zz", &["a"], "! Invalid cursor"),
            ("limit=0", &["a"], "! limit must be 1 to 1000"),
        ] {
            assert_eq!(read(query, headers), expected, "{query} {headers:?}");
        }
    }

    #[test]
    fn cursors() {
        let read = |query: &str| match cursor(&Query::new(query), SINCE) {
            Ok(since) => format!("{since:?}"),
            Err(error) => format!("! {error}"),
        };
        for (query, expected) in [
            ("limit=1", "None"),
            ("since=", "Some(\"\")"),
            ("since=a%2Eb", "Some(\"a.b\")"),
            ("since=%zz", "! Invalid cursor"),
            ("since=a&since=a", "! since given twice"),
        ] {
            assert_eq!(read(query), expected, "{query}");
        }
    }
}
