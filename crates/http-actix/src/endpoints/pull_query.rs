//! What the query of a pull asks for, and of a turn, which ends with one.

use convosync_application::pull_changes::{LIMIT_DEFAULT, LIMIT_MAX};

use crate::error::{ApiError, ErrorCode};
use crate::request::Query;

const SINCE: &str = "since";
const LIMIT: &str = "limit";

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
    sent.decode()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .filter(|limit| (1..=LIMIT_MAX).contains(limit))
        .ok_or(ErrorCode::InvalidLimit.into())
}

#[cfg(test)]
mod tests {
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
