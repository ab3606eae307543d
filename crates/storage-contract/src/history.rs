//! Posts by chance, the same in every run.

use std::collections::BTreeMap;

use convosync_domain::conversation::ConversationPatch;
use convosync_domain::message::{
    MessageOutputPatch, MessagePatch, MessageRequestPatch, MessageResponsePatch,
};
use convosync_domain::patch::Patch;
use convosync_domain::posted::{
    Digest, PostedChange, PostedContent, PostedConversation, PostedMessage,
};
use convosync_domain::timestamp::Timestamp;

use crate::fixtures::{OPAQUE, at, conversation_id, message_id};

/// The conversations of histories, some of whose ids are no UUIDs.
pub(crate) const CONVERSATIONS: [u128; 4] = [1, 2, OPAQUE, OPAQUE + 1];
/// The messages of histories.
pub(crate) const MESSAGES: [u128; 6] = [1, 2, 3, OPAQUE, OPAQUE + 1, OPAQUE + 2];

/// A source of posts about few conversations and few messages, so that they meet.
pub(crate) struct History {
    state: u64,
}

impl History {
    /// The history of this seed, which is not zero.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A number below `end`, by xorshift.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 16) % end
    }

    /// A post of one to three conversations.
    pub(crate) fn post(&mut self) -> Vec<PostedConversation> {
        (0..=self.below(3)).map(|_| self.conversation()).collect()
    }

    fn conversation(&mut self) -> PostedConversation {
        let updated_at = self.stamp();
        let patch = ConversationPatch {
            title: self.text(),
            updated_at: updated_at.map_or(Patch::NotSent, Patch::Value),
            created_at: Patch::Value(at(0)),
            ..ConversationPatch::default()
        };
        PostedConversation {
            id: conversation_id(self.one_of(&CONVERSATIONS)),
            change: self.change(5, updated_at, patch),
            messages: (0..self.below(5)).map(|_| self.message()).collect(),
        }
    }

    fn message(&mut self) -> PostedMessage {
        let updated_at = self.stamp();
        let mut patch = MessagePatch::default();
        patch.fields.img = self.text();
        patch.fields.updated_at = updated_at.map_or(Patch::NotSent, Patch::Value);
        patch.fields.timestamp = Patch::Value(at(0));
        patch.request = self.one_in(3).then(MessageRequestPatch::default);
        patch.response = self.one_in(3).then(|| MessageResponsePatch {
            model: self.text(),
            extra: BTreeMap::from([("x".to_owned(), None)]),
            ..MessageResponsePatch::default()
        });
        patch.output = self.one_in(3).then(|| MessageOutputPatch {
            output_content_text: self.text(),
            ..MessageOutputPatch::default()
        });
        let change = Box::new(self.change(6, updated_at, patch));
        let digest = Digest(u128::from(self.below(u64::MAX)).to_be_bytes());
        PostedMessage {
            id: message_id(self.one_of(&MESSAGES)),
            content: PostedContent::Read {
                digest: Some(digest),
                change,
            },
        }
    }

    /// A deletion once in so many, else these fields.
    fn change<P>(
        &mut self,
        rarity: u64,
        updated_at: Option<Timestamp>,
        patch: P,
    ) -> PostedChange<P> {
        if self.one_in(rarity) {
            PostedChange::Deletion {
                deleted_at: self.moment(),
                updated_at: None,
            }
        } else {
            PostedChange::Fields { updated_at, patch }
        }
    }

    fn stamp(&mut self) -> Option<Timestamp> {
        (!self.one_in(4)).then(|| self.moment())
    }

    /// Few moments, so that there are ties; some are from the future.
    fn moment(&mut self) -> Timestamp {
        let micros = i64::try_from(self.below(60)).unwrap_or(0);
        let future = if self.one_in(40) { 10_000_000_000 } else { 0 };
        at(micros + future)
    }

    fn text(&mut self) -> Patch<String> {
        match self.below(5) {
            0 => Patch::NotSent,
            1 => Patch::Null,
            number => Patch::Value(format!("text {number}")),
        }
    }

    fn one_of(&mut self, numbers: &[u128]) -> u128 {
        let index = self.below(numbers.len().try_into().unwrap_or(u64::MAX));
        let mut numbers = numbers.iter().copied();
        numbers.nth(index.try_into().unwrap_or(0)).unwrap_or(0)
    }

    fn one_in(&mut self, rarity: u64) -> bool {
        self.below(rarity) == 0
    }
}
