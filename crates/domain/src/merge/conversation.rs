//! What a post does to one conversation, its messages aside.

use super::stamp::{EffectiveStamp, Receipt, raise};
use crate::change_set::Erasure;
use crate::conversation::{Conversation, ConversationPatch};
use crate::identity::ConversationId;
use crate::posted::PostedChange;
use crate::stored::{ConversationHistory, StoredConversation};
use crate::timestamp::Timestamp;

/// The state of a conversation that was not stored, after the post that names it first.
pub(super) fn create(
    id: ConversationId,
    change: PostedChange<ConversationPatch>,
    receipt: Receipt,
) -> StoredConversation {
    let mut history = ConversationHistory::default();
    let content = match change {
        PostedChange::Deletion {
            deleted_at,
            updated_at,
        } => {
            let moment = deletion_moment(deleted_at, updated_at);
            history.erased_through =
                EffectiveStamp::of(Some(moment), &mut history.future_stamp, receipt).moment();
            None
        }
        PostedChange::Fields { updated_at, patch } => {
            history.stamp =
                EffectiveStamp::of(updated_at, &mut history.future_stamp, receipt).moment();
            Some(Conversation::created_at_receipt(patch, receipt.at()))
        }
    };
    StoredConversation {
        id,
        history,
        content,
    }
}

/// Merges a post into a conversation that is stored, and tells which of its messages die by it.
pub(super) fn update(
    stored: &mut StoredConversation,
    change: PostedChange<ConversationPatch>,
    receipt: Receipt,
) -> Option<Erasure> {
    match change {
        PostedChange::Deletion {
            deleted_at,
            updated_at,
        } => delete(stored, deletion_moment(deleted_at, updated_at), receipt),
        PostedChange::Fields { updated_at, patch } => {
            merge_fields(stored, updated_at, patch, receipt);
            None
        }
    }
}

/// The moment of a deletion that is posted beside an `updated_at` of the same item.
pub(super) fn deletion_moment(deleted_at: Timestamp, updated_at: Option<Timestamp>) -> Timestamp {
    updated_at.map_or(deleted_at, |updated_at| deleted_at.max(updated_at))
}

fn delete(stored: &mut StoredConversation, moment: Timestamp, receipt: Receipt) -> Option<Erasure> {
    let before = stored.history.erased_through;
    let effective = EffectiveStamp::of(Some(moment), &mut stored.history.future_stamp, receipt);
    raise(&mut stored.history.erased_through, effective.moment());
    if stored.history.is_dead() {
        // Of one that was dead before, the messages died then.
        stored.content.take().map(|_| Erasure::Everything)
    } else if stored.history.erased_through > before {
        stored.history.erased_through.map(Erasure::Through)
    } else {
        None
    }
}

fn merge_fields(
    stored: &mut StoredConversation,
    updated_at: Option<Timestamp>,
    patch: ConversationPatch,
    receipt: Receipt,
) {
    let effective = EffectiveStamp::of(updated_at, &mut stored.history.future_stamp, receipt);
    if let Some(content) = &mut stored.content {
        content.merge(patch, effective.precedence(stored.history.stamp));
        raise(&mut stored.history.stamp, effective.moment());
        return;
    }
    let revived = ConversationHistory {
        stamp: effective.moment(),
        ..stored.history
    };
    if !revived.is_dead() {
        stored.history = revived;
        stored.content = Some(Conversation::created_at_receipt(patch, receipt.at()));
    }
}
