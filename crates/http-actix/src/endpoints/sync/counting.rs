//! What became of the items of a post, for whoever watches the server.

use convosync_application::sync::{ItemsLost, ItemsWritten, Submission, Taken};

use crate::items::Rejected;
use crate::json::Violation;
use crate::measures::{ItemCounts, PostedItems};

/// By this the place of a message is told from that of a conversation.
const MESSAGE: &str = ".messages[";

/// Counts the items of a post that was taken: `rejected` were left out before, and a value of `lost` is not there.
pub(super) fn count<T>(
    items: &PostedItems,
    submission: &Submission<T>,
    rejected: &[Rejected],
    taken: &Taken<Violation>,
    lost: ItemsLost,
) {
    let conversations = submission.conversations.len();
    let messages = submission.conversations.iter();
    let messages: usize = messages.map(|posted| posted.messages.len()).sum();
    let rejected_messages = rejected.iter();
    let rejected_messages = rejected_messages
        .filter(|rejected| rejected.violation.path().contains(MESSAGE))
        .count();
    let later = taken.rejected.len();
    items.conversations.count(counts(
        conversations,
        taken.written.conversations,
        lost.conversations,
        rejected.len() - rejected_messages,
    ));
    items.messages.count(counts(
        messages.saturating_sub(later),
        taken.written.messages,
        lost.messages,
        rejected_messages + later,
    ));
}

fn counts(posted: usize, written: ItemsWritten, lost: usize, rejected: usize) -> ItemCounts {
    ItemCounts {
        posted,
        created: written.created,
        updated: written.updated,
        not_taken: lost,
        rejected,
    }
}
