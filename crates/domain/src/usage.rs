//! How much a visitor has, and how much it may have.

/// How much a visitor has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many conversations live.
    pub conversations: u64,
    /// About how many bytes the content of the living conversations and messages has: the sum of what the
    /// store keeps of each, which is its `content_bytes` when it was written.
    pub content_bytes: u64,
}

/// How writes move the usage of a visitor. A store puts it together from the items that it writes, each
/// with its `content_bytes` before and after, which are 0 of what is not stored and of a tombstone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageChange {
    added: Usage,
    removed: Usage,
}

impl UsageChange {
    /// What is added and what is removed, each put together already.
    #[must_use]
    pub fn of(added: Usage, removed: Usage) -> Self {
        Self { added, removed }
    }

    /// Counts the write of a conversation, its messages aside.
    pub fn conversation(&mut self, bytes_before: u64, bytes_after: u64) {
        let removed = &mut self.removed.conversations;
        *removed = removed.saturating_add(u64::from(bytes_before > 0));
        let added = &mut self.added.conversations;
        *added = added.saturating_add(u64::from(bytes_after > 0));
        self.bytes(bytes_before, bytes_after);
    }

    /// Counts the write of a message, or the erasure of several: they have `bytes_before` together.
    pub fn messages(&mut self, bytes_before: u64, bytes_after: u64) {
        self.bytes(bytes_before, bytes_after);
    }

    fn bytes(&mut self, before: u64, after: u64) {
        let removed = &mut self.removed.content_bytes;
        *removed = removed.saturating_add(before);
        let added = &mut self.added.content_bytes;
        *added = added.saturating_add(after);
    }

    /// What is added, before what is removed is taken away.
    #[must_use]
    pub fn added(&self) -> Usage {
        self.added
    }

    /// The usage after the writes.
    #[must_use]
    pub fn applied_to(&self, before: Usage) -> Usage {
        before.plus(self.added).minus(self.removed)
    }

    /// The usage before the writes.
    #[must_use]
    pub fn undone_from(&self, after: Usage) -> Usage {
        after.plus(self.removed).minus(self.added)
    }
}

impl Usage {
    fn plus(self, other: Self) -> Self {
        Self {
            conversations: self.conversations.saturating_add(other.conversations),
            content_bytes: self.content_bytes.saturating_add(other.content_bytes),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            conversations: self.conversations.saturating_sub(other.conversations),
            content_bytes: self.content_bytes.saturating_sub(other.content_bytes),
        }
    }
}

/// How much a visitor may have; without a limit where there is `None`, which is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// The most living conversations.
    pub max_conversations: Option<u64>,
    /// The most bytes of content.
    pub max_content_bytes: Option<u64>,
}

/// The limit of a quota beyond which a post would grow the visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaExceeded {
    /// The visitor may have at most so many conversations.
    #[error("more than {0} conversations")]
    Conversations(u64),
    /// The visitor may have at most so many bytes of content.
    #[error("more than {0} bytes of content")]
    ContentBytes(u64),
}

impl Quota {
    /// Whether a visitor may go from one usage to another. Only what grows can be too much: whoever is above a
    /// limit, which may have been lowered, may still delete and change what does not grow.
    ///
    /// # Errors
    /// [`QuotaExceeded`] where the usage after is above a limit and above the usage before.
    pub fn check(&self, before: Usage, after: Usage) -> Result<(), QuotaExceeded> {
        let beyond = |max: Option<u64>, before: u64, after: u64| {
            max.filter(|max| after > *max && after > before)
        };
        let conversations = beyond(
            self.max_conversations,
            before.conversations,
            after.conversations,
        );
        if let Some(max) = conversations {
            return Err(QuotaExceeded::Conversations(max));
        }
        let content_bytes = beyond(
            self.max_content_bytes,
            before.content_bytes,
            after.content_bytes,
        );
        match content_bytes {
            Some(max) => Err(QuotaExceeded::ContentBytes(max)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(conversations: u64, content_bytes: u64) -> Usage {
        Usage {
            conversations,
            content_bytes,
        }
    }

    #[test]
    fn only_what_grows_beyond_a_limit_is_too_much() {
        let quota = Quota {
            max_conversations: Some(3),
            max_content_bytes: Some(100),
        };
        let too_many = Err(QuotaExceeded::Conversations(3));
        let too_long = Err(QuotaExceeded::ContentBytes(100));
        for (before, after, expected) in [
            (usage(0, 0), usage(3, 100), Ok(())),
            (usage(3, 100), usage(4, 100), too_many),
            (usage(3, 100), usage(3, 101), too_long),
            (usage(3, 100), usage(4, 101), too_many),
            // Above the limits already.
            (usage(9, 900), usage(9, 900), Ok(())),
            (usage(9, 900), usage(8, 899), Ok(())),
            (usage(9, 900), usage(10, 1), too_many),
            (usage(9, 900), usage(1, 901), too_long),
        ] {
            assert_eq!(
                quota.check(before, after),
                expected,
                "{before:?} to {after:?}"
            );
            assert_eq!(Quota::default().check(before, after), Ok(()));
        }
        let nothing = Quota {
            max_conversations: Some(0),
            max_content_bytes: Some(0),
        };
        assert_eq!(nothing.check(usage(0, 0), usage(0, 0)), Ok(()));
        assert_eq!(
            nothing.check(usage(0, 0), usage(1, 1)),
            Err(QuotaExceeded::Conversations(0))
        );
    }

    #[test]
    fn a_change_is_what_lives_and_what_lived() {
        let mut change = UsageChange::default();
        change.conversation(0, 10); // is new
        change.conversation(5, 7); // is edited
        change.conversation(20, 0); // dies
        change.conversation(0, 0); // is a tombstone
        change.messages(0, 100);
        change.messages(300, 1);
        assert_eq!(change.added(), usage(2, 118));
        assert_eq!(change.applied_to(usage(4, 1_000)), usage(4, 793));
        assert_eq!(change.undone_from(usage(4, 793)), usage(4, 1_000));
    }
}
