//! What became of the conversations and messages of posts.

use metrics::{Counter, counter};

/// How many items of one kind a post had, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ItemCounts {
    /// Those that were not left out as they are invalid.
    pub(crate) posted: usize,
    pub(crate) created: usize,
    pub(crate) updated: usize,
    /// Those of which a value is not there, which may be updated or unchanged all the same; known of turns only.
    pub(crate) not_taken: usize,
    /// Those that were left out.
    pub(crate) rejected: usize,
}

/// What became of the items of posts.
pub(crate) struct PostedItems {
    pub(crate) conversations: Outcomes,
    pub(crate) messages: Outcomes,
}

/// What became of items of one kind.
pub(crate) struct Outcomes {
    created: Counter,
    updated: Counter,
    unchanged: Counter,
    not_taken: Counter,
    rejected: Counter,
}

impl PostedItems {
    pub(super) fn none_yet() -> Self {
        Self {
            conversations: Outcomes::of("conversation"),
            messages: Outcomes::of("message"),
        }
    }
}

impl Outcomes {
    fn of(item: &'static str) -> Self {
        let counter = |outcome: &'static str| {
            let counter =
                counter!("convosync_posted_items_total", "item" => item, "outcome" => outcome);
            counter.absolute(0);
            counter
        };
        Self {
            created: counter("created"),
            updated: counter("updated"),
            unchanged: counter("unchanged"),
            not_taken: counter("not_taken"),
            rejected: counter("rejected"),
        }
    }

    /// Counts the items of a post that was taken.
    pub(crate) fn count(&self, counts: ItemCounts) {
        let changed = counts.created.saturating_add(counts.updated);
        for (counter, count) in [
            (&self.created, counts.created),
            (&self.updated, counts.updated),
            (&self.unchanged, counts.posted.saturating_sub(changed)),
            (&self.not_taken, counts.not_taken),
            (&self.rejected, counts.rejected),
        ] {
            if count > 0 {
                counter.increment(u64::try_from(count).unwrap_or(u64::MAX));
            }
        }
    }
}
