//! What a post is answered.

use convosync_domain::change_set::Counts;

use crate::items::Rejected;
use crate::json::{ObjectWriter, push, push_array, push_plain, push_string};

/// Writes the five fields of the API.
pub(crate) fn push_counts(answer: &mut ObjectWriter<'_>, counts: Counts) {
    let Counts {
        created,
        updated,
        messages_created,
        messages_updated,
    } = counts;
    let message = format!(
        "{created} conversations created, {updated} updated. \
         {messages_created} messages created, {messages_updated} updated."
    );
    push_plain(answer.key("message"), message);
    push(answer.key("created"), &created);
    push(answer.key("updated"), &updated);
    push(answer.key("messages_created"), &messages_created);
    push(answer.key("messages_updated"), &messages_updated);
}

/// Writes what was left out, in the order of the document.
pub(super) fn push_rejected(answer: &mut ObjectWriter<'_>, mut rejected: Vec<Rejected>) {
    // Messages that turned out to be bad when they were merged come after those that were bad from the start.
    rejected.sort_by_key(|rejected| rejected.violation.at);
    push_array(answer.key("rejected"), &rejected, |out, rejected| {
        let mut item = ObjectWriter::new(out);
        push_string(item.key("path"), rejected.violation.path());
        push(item.key("id"), &rejected.id);
        push_string(item.key("message"), rejected.violation.message());
        item.end();
    });
}
