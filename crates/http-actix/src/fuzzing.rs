//! What of this crate is fuzzed, without a server around it. Behind the feature `fuzzing`; nothing else should need it.

use std::sync::Arc;

use convosync_application::byte_budget::ByteBudget;
use convosync_application::sync::MessageText as _;

use crate::body::{Body, inflate_in_pieces};
use crate::endpoints::read_pull_query;
use crate::items::read_submission;
use crate::json::Leniency;
use crate::request::Query;
use crate::settings::Limits;

/// Which clients' post would have been taken whole.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// That of one who asks for `handling=strict`.
    pub strictly: bool,
    /// That of one who asks for nothing.
    pub by_default: bool,
    /// That of one who asks for `handling=lenient`, without anything left out.
    pub leniently: bool,
}

/// Reads the body of a post to its end, as one whose messages are all new.
#[must_use]
pub fn read_post(body: &[u8]) -> Taken {
    let taken = |leniency| {
        let Ok(body) = Body::new(body.to_vec(), Limits::default(), 0) else {
            return false;
        };
        let Ok(post) = read_submission(&Arc::new(body), leniency) else {
            return false;
        };
        let conversations = post.submission.conversations.iter();
        let mut messages = conversations.flat_map(|conversation| &conversation.messages);
        post.rejected.is_empty() && messages.all(|message| message.text.read().is_ok())
    };
    Taken {
        strictly: taken(Leniency::STRICT),
        by_default: taken(Leniency::FULL),
        leniently: taken(Leniency::FULL.leaving_out_bad_items()),
    }
}

/// Reads all that is asked of a query by any endpoint.
pub fn read_query(query: &str) {
    let query = Query::new(query);
    // Refused or not, it is read.
    let _ = query.identity();
    read_pull_query(&query);
}

/// What is in a gzip that comes in pieces of so many bytes, where it is one and no longer than the limit.
#[must_use]
pub fn inflate(deflated: &[u8], piece: usize, limit: usize) -> Option<Vec<u8>> {
    let budget = ByteBudget::new(limit);
    inflate_in_pieces(deflated.chunks(piece), limit, &budget)
}
