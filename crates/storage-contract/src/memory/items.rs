//! What one visitor has.

mod archive;
mod reading;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use convosync_domain::change_set::{ConversationChange, Erasure, Write};
use convosync_domain::feed::{
    Admit, ChangedConversation, ChangedHead, ChangedHeads, ChangedMessage, ChangedMessages,
    FeedRows, PageRead, PageRequest, read_page,
};
use convosync_domain::identity::{ConversationKey, MessageKey};
use convosync_domain::ports::{
    ConversationHead, Heads, LivingIds, MessageHead, NamedConversation, StoreError,
};
use convosync_domain::stored::{StoredConversation, StoredMessage};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::Usage;

/// A visitor's change counter, conversations and messages.
#[derive(Clone, Debug)]
pub(super) struct Items {
    user_id: Option<String>,
    registered_at: Timestamp,
    change_counter: u64,
    last_changed_at: Option<Timestamp>,
    conversations: BTreeMap<ConversationKey, StoredItems>,
}

/// A conversation with its messages.
#[derive(Clone, Debug)]
struct StoredItems {
    conversation: Numbered<StoredConversation>,
    messages: BTreeMap<MessageKey, Numbered<StoredMessage>>,
}

/// An item with the number of the change that wrote it last.
#[derive(Clone, Debug)]
struct Numbered<T> {
    item: T,
    change_number: u64,
}

impl StoredItems {
    fn latest_change(&self) -> u64 {
        let of_messages = self.messages.values().map(|it| it.change_number).max();
        self.conversation
            .change_number
            .max(of_messages.unwrap_or(0))
    }

    fn is_dead(&self) -> bool {
        self.conversation.item.content.is_none()
    }

    fn head(&self) -> ChangedHead {
        ChangedHead {
            key: self.conversation.item.id.key(),
            latest_change: self.latest_change(),
            change_number: self.conversation.change_number,
            content_bytes: self.conversation.item.content_bytes(),
        }
    }

    fn living_messages(&self) -> impl Iterator<Item = &StoredMessage> {
        let messages = self.messages.values().map(|message| &message.item);
        messages.filter(|message| message.content.is_some())
    }
}

impl Items {
    pub(super) fn change_counter(&self) -> u64 {
        self.change_counter
    }

    /// Counted anew each time, so that one can see that it is right.
    pub(super) fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for stored in self.conversations.values() {
            let messages = stored.messages.values();
            let messages = messages.map(|message| message.item.content_bytes());
            let bytes = messages.fold(
                stored.conversation.item.content_bytes(),
                usize::saturating_add,
            );
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            usage.conversations += u64::from(!stored.is_dead());
            usage.content_bytes = usage.content_bytes.saturating_add(bytes);
        }
        usage
    }

    pub(super) fn heads(&self, named: &[NamedConversation]) -> Heads {
        let conversations = named.iter().filter_map(|named| {
            let stored = self.conversations.get(&named.key)?;
            let messages = named.messages.iter().filter_map(|key| {
                let message = &stored.messages.get(key)?.item;
                Some(MessageHead {
                    key: *key,
                    digest: message.digest,
                    content_bytes: message.content_bytes(),
                })
            });
            Some(ConversationHead {
                conversation: stored.conversation.item.clone(),
                messages: messages.collect(),
            })
        });
        Heads {
            change_counter: self.change_counter,
            conversations: conversations.collect(),
        }
    }

    pub(super) fn load(
        &self,
        named: &[NamedConversation],
    ) -> Vec<(ConversationKey, StoredMessage)> {
        let mut found = Vec::new();
        for named in named {
            let Some(stored) = self.conversations.get(&named.key) else {
                continue;
            };
            let messages = named
                .messages
                .iter()
                .filter_map(|key| stored.messages.get(key));
            found.extend(messages.map(|message| (named.key, message.item.clone())));
        }
        found
    }

    pub(super) fn living_ids(&self) -> LivingIds {
        let living = self
            .conversations
            .values()
            .filter(|stored| !stored.is_dead());
        let ids = living.map(|stored| stored.conversation.item.id.clone());
        LivingIds::new(self.change_counter, ids)
    }

    pub(super) fn page(
        &self,
        request: &PageRequest,
        admit: &Admit,
    ) -> Result<PageRead, StoreError> {
        read_page(&mut Rows(self), request, admit, self.change_counter)
    }

    /// Applies the changes of this moment under the next change number. After an error, what is here
    /// is half written.
    pub(super) fn apply(
        &mut self,
        changes: Vec<ConversationChange>,
        received_at: Timestamp,
    ) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.change_counter += 1;
        self.last_changed_at = Some(received_at);
        changes
            .into_iter()
            .try_for_each(|change| self.apply_one(change))
    }

    fn apply_one(&mut self, change: ConversationChange) -> Result<(), StoreError> {
        let change_number = self.change_counter;
        match (self.conversations.entry(change.key), change.conversation) {
            (_, None) => {}
            (Entry::Vacant(place), Some(Write::Insert(item))) => {
                place.insert(StoredItems {
                    conversation: Numbered {
                        item,
                        change_number,
                    },
                    messages: BTreeMap::new(),
                });
            }
            (Entry::Occupied(mut stored), Some(Write::Update(item))) => {
                stored.get_mut().conversation = Numbered {
                    item,
                    change_number,
                };
            }
            (Entry::Occupied(_), Some(Write::Insert(_))) => return Err(internal("is stored")),
            (Entry::Vacant(_), Some(Write::Update(_))) => return Err(internal("is not stored")),
        }
        let stored = self
            .conversations
            .get_mut(&change.key)
            .ok_or_else(|| internal("has no conversation"))?;
        if let Some(erasure) = change.erasure {
            for message in stored.messages.values_mut() {
                if erase(&mut message.item, erasure) {
                    message.change_number = change_number;
                }
            }
        }
        for write in change.messages {
            let key = write.item().id.key();
            match (stored.messages.entry(key), write) {
                (Entry::Vacant(place), Write::Insert(item)) => {
                    place.insert(Numbered {
                        item,
                        change_number,
                    });
                }
                (Entry::Occupied(mut message), Write::Update(item)) => {
                    message.insert(Numbered {
                        item,
                        change_number,
                    });
                }
                (Entry::Occupied(_), Write::Insert(_)) => return Err(internal("is stored")),
                (Entry::Vacant(_), Write::Update(_)) => return Err(internal("is not stored")),
            }
        }
        Ok(())
    }
}

/// Erases a message that the erasure takes, and tells whether it died.
fn erase(message: &mut StoredMessage, erasure: Erasure) -> bool {
    let dies = message.content.is_some()
        && match erasure {
            Erasure::Everything => true,
            Erasure::Through(moment) => message.history.stamp <= Some(moment),
        };
    if dies {
        message.content = None;
        message.digest = None;
        if erasure == Erasure::Everything {
            message.history.stamp = None;
        }
    }
    dies
}

fn internal(what: &'static str) -> StoreError {
    StoreError::Internal {
        source: format!("an item of the change set {what}").into(),
    }
}

/// A visitor's items as the feed reads them.
struct Rows<'a>(&'a Items);

impl FeedRows for Rows<'_> {
    type Error = StoreError;

    fn changed_heads(&mut self, wanted: &ChangedHeads) -> Result<Vec<ChangedHead>, StoreError> {
        let all = self.0.conversations.values().map(StoredItems::head);
        let mut heads: Vec<_> = all.filter(|head| wanted.has(head)).collect();
        heads.sort_unstable();
        heads.truncate(wanted.limit.unwrap_or(usize::MAX));
        Ok(heads)
    }

    fn changed_messages(
        &mut self,
        wanted: &[ChangedMessages],
    ) -> Result<Vec<Vec<ChangedMessage>>, StoreError> {
        Ok(wanted
            .iter()
            .map(|wanted| self.changed_in(wanted))
            .collect())
    }

    fn read(
        &mut self,
        items: Vec<NamedConversation>,
    ) -> Result<Vec<ChangedConversation>, StoreError> {
        let whole = items.into_iter().map(|named| {
            let stored = self.0.conversations.get(&named.key)?;
            let messages = named.messages.iter();
            let messages = messages.map(|key| Some(stored.messages.get(key)?.item.clone()));
            Some(ChangedConversation {
                conversation: stored.conversation.item.clone(),
                messages: messages.collect::<Option<_>>()?,
            })
        });
        let whole: Option<_> = whole.collect();
        whole.ok_or_else(|| internal("is not stored"))
    }
}

impl Rows<'_> {
    fn changed_in(&self, wanted: &ChangedMessages) -> Vec<ChangedMessage> {
        let stored = self.0.conversations.get(&wanted.conversation);
        let messages = stored
            .into_iter()
            .flat_map(|stored| stored.messages.values());
        let mut found: Vec<_> = messages
            .filter(|message| {
                let number = message.change_number;
                let left_out =
                    message.item.content.is_none() && Some(number) <= wanted.dead_left_out_through;
                number > wanted.since
                    && !left_out
                    && Some((number, message.item.id.key())) > wanted.after
            })
            .map(|message| ChangedMessage {
                place: (message.change_number, message.item.id.key()),
                content_bytes: message.item.content_bytes(),
            })
            .collect();
        found.sort_unstable_by_key(|message| message.place);
        found.truncate(wanted.limit);
        found
    }
}
