//! `/api/conversations/`: the conversations of a visitor for somebody who looks at them, and deletes what it does not
//! want any more.

pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod one;

use convosync_application::read_conversations::LIMIT_DEFAULT;

use super::pull_query::{cursor, limit};
use crate::error::ApiError;
use crate::request::Query;

const CURSOR: &str = "cursor";

/// Which page is asked for.
struct PageQuery {
    /// Where it begins; the first page, if `None`.
    cursor: Option<String>,
    /// The most conversations or messages.
    limit: usize,
}

impl PageQuery {
    fn of(query: &Query<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            cursor: cursor(query, CURSOR)?,
            limit: limit(query, LIMIT_DEFAULT)?,
        })
    }
}
