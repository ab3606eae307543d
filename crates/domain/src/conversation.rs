//! What a conversation holds.

use crate::fields::declare_fields;
use crate::timestamp::Timestamp;

declare_fields! {
    /// The fields of a conversation, but its id and its messages.
    Conversation,
    /// What a post says about the fields of a conversation.
    ConversationPatch {
        /// The title that the person sees.
        title: String,
        /// When the conversation began; the moment of receipt when nobody sent one.
        created_at: Timestamp,
        /// When the device last changed it, as sent.
        updated_at: Timestamp,
        /// Whether the app marked it as not to leave the device; kept and returned like any field.
        local_only: bool,
    }
}

impl Conversation {
    /// What a post received at `received_at` creates.
    #[must_use]
    pub fn created_at_receipt(patch: ConversationPatch, received_at: Timestamp) -> Self {
        let mut created = Self::created_from(patch);
        created.created_at.get_or_insert(received_at);
        created
    }
}
