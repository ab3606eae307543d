//! What a post does to one message.

use super::conversation::deletion_moment;
use super::stamp::{EffectiveStamp, Receipt, raise};
use crate::identity::MessageId;
use crate::message::{Message, MessagePatch};
use crate::patch::{Patch, Precedence};
use crate::posted::{Digest, PostedChange};
use crate::stored::{ConversationHistory, MessageHistory, StoredMessage};
use crate::timestamp::Timestamp;

/// Where a message is posted: into a conversation with this history, under the `updated_at` that
/// the body gives the conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) conversation: ConversationHistory,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) receipt: Receipt,
}

/// The state of a message that was not stored, or `None` if the post stores nothing of it.
pub(super) fn create(
    id: MessageId,
    digest: Option<Digest>,
    change: PostedChange<MessagePatch>,
    context: Context,
) -> Option<StoredMessage> {
    if context.conversation.is_dead() {
        return None;
    }
    let mut history = MessageHistory::default();
    match change {
        PostedChange::Deletion {
            deleted_at,
            updated_at,
        } => {
            let moment = deletion_moment(deleted_at, updated_at);
            let effective =
                EffectiveStamp::of(Some(moment), &mut history.future_stamp, context.receipt);
            history.deleted_at = effective.moment();
            Some(StoredMessage {
                id,
                history,
                content: None,
                digest: None,
            })
        }
        PostedChange::Fields { updated_at, patch } => {
            let effective = posted_stamp(&mut history, updated_at, context, false)?;
            raise_stamps(&mut history, effective, updated_at);
            let mut created = StoredMessage {
                id,
                history,
                content: None,
                digest: None,
            };
            start(&mut created, digest, patch, context.receipt);
            Some(created)
        }
    }
}

/// Merges a post into a message that is stored.
pub(super) fn update(
    stored: &mut StoredMessage,
    digest: Option<Digest>,
    change: PostedChange<MessagePatch>,
    context: Context,
) {
    if context.conversation.is_dead() {
        return;
    }
    match change {
        PostedChange::Deletion {
            deleted_at,
            updated_at,
        } => {
            let before = stored.history;
            let moment = deletion_moment(deleted_at, updated_at);
            let future_stamp = &mut stored.history.future_stamp;
            let effective = EffectiveStamp::of(Some(moment), future_stamp, context.receipt);
            raise(&mut stored.history.deleted_at, effective.moment());
            if stored.history.is_deleted_by_itself() {
                stored.content = None;
            }
            if stored.history != before {
                stored.digest = None;
            }
        }
        PostedChange::Fields { updated_at, patch } => {
            if updated_at.is_some() || would_change(stored, &patch) {
                merge_fields(stored, digest, updated_at, patch, context);
            }
        }
    }
}

/// Lets a living message die with its conversation or by a deletion of it, and tells whether it
/// died.
pub(super) fn erase(stored: &mut StoredMessage, conversation: &ConversationHistory) -> bool {
    let dies = stored.content.is_some() && stored.history.is_dead_in(conversation);
    if dies {
        stored.content = None;
        stored.digest = None;
        if conversation.is_dead() {
            stored.history.stamp = None;
        }
    }
    dies
}

/// Whether the post would change anything that shows, were it newer than anything: so a device that
/// posts again what it has never touched overrules nobody.
fn would_change(stored: &StoredMessage, patch: &MessagePatch) -> bool {
    match &stored.content {
        Some(message) => message.would_change(patch),
        // No stamp but one of its own brings back a message that was deleted by itself.
        None => !stored.history.is_deleted_by_itself(),
    }
}

fn merge_fields(
    stored: &mut StoredMessage,
    digest: Option<Digest>,
    updated_at: Option<Timestamp>,
    patch: MessagePatch,
    context: Context,
) {
    let mut history = stored.history;
    let lives = stored.content.is_some();
    let Some(effective) = posted_stamp(&mut history, updated_at, context, lives) else {
        return;
    };
    let precedence = effective.precedence(history.stamp);
    raise_stamps(&mut history, effective, updated_at);
    let history_changed = history != stored.history;
    stored.history = history;

    if let Some(message) = &mut stored.content {
        let changed = message.merge(patch, precedence) || history_changed;
        if changed {
            stored.digest = digest.filter(|_| precedence == Precedence::Newer);
        }
    } else if !history.is_dead_in(&context.conversation) {
        start(stored, digest, patch, context.receipt);
    }
}

/// Gives a message that is created, or lives again, the content of the post.
fn start(
    stored: &mut StoredMessage,
    digest: Option<Digest>,
    patch: MessagePatch,
    receipt: Receipt,
) {
    // A null timestamp is the moment of receipt now, but a newer null clears it: the same text may
    // change something yet.
    let is_whole = patch.fields.timestamp != Patch::Null;
    stored.content = Some(Box::new(Message::created_at_receipt(patch, receipt.at())));
    stored.digest = digest.filter(|_| is_whole);
}

/// What the stamp of a posted message counts as, or `None` if a deletion of the conversation covers
/// it, so that nothing of the post is stored. Without a stamp, one that does not live yet is as new as
/// it must be to live; one that lives is edited like any other.
fn posted_stamp(
    history: &mut MessageHistory,
    own: Option<Timestamp>,
    context: Context,
    lives: bool,
) -> Option<EffectiveStamp> {
    let posted = own.or(context.updated_at);
    let effective = EffectiveStamp::of(posted, &mut history.future_stamp, context.receipt);
    match (effective, context.conversation.erased_through) {
        (EffectiveStamp::Unstamped, Some(erased)) if !lives => {
            Some(EffectiveStamp::At(erased.plus_micros(1)))
        }
        (EffectiveStamp::At(posted), Some(erased)) if posted <= erased => None,
        (effective, _) => Some(effective),
    }
}

fn raise_stamps(history: &mut MessageHistory, effective: EffectiveStamp, own: Option<Timestamp>) {
    raise(&mut history.stamp, effective.moment());
    raise(&mut history.own_stamp, own.and(effective.moment()));
}
