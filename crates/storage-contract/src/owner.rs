//! A visitor of the store under test, with short ways to write and to read.
#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the result of the test that uses this"
)]

use std::sync::Arc;

use convosync_domain::change_set::{ChangeSet, ConversationChange};
use convosync_domain::feed::{ChangesPage, FeedPosition, PageRead, PageRequest};
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{Heads, NamedConversation, StoreError, Visitor};
use convosync_domain::stored::{StoredConversation, StoredMessage};
use convosync_domain::usage::{Quota, QuotaExceeded, Usage};

use crate::Store;
use crate::fixtures::{
    admit_all, change_set, conversation_id, page_request, registration, visitor_id,
};
use crate::support::{conversation_number, message_number, named, shown, since};

/// A visitor who owns conversations.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) id: VisitorId,
}

impl Owner {
    /// Somebody who is registered already, or not at all.
    pub(crate) fn new(store: &Arc<dyn Store>, name: &str) -> Self {
        Self::with_id(store, visitor_id(name))
    }

    /// The same, of whom only the id is known.
    pub(crate) fn with_id(store: &Arc<dyn Store>, id: VisitorId) -> Self {
        Self {
            store: Arc::clone(store),
            id,
        }
    }

    /// Somebody new, registered.
    pub(crate) async fn registered(store: &Arc<dyn Store>, name: &str) -> Self {
        store.register(registration(name)).await.unwrap();
        Self::new(store, name)
    }

    /// The visitor's change counter.
    pub(crate) async fn counter(&self) -> u64 {
        self.visitor().await.change_counter
    }

    /// How much the visitor has, as the store has counted.
    pub(crate) async fn usage(&self) -> Usage {
        self.visitor().await.usage
    }

    async fn visitor(&self) -> Visitor {
        self.store.find(self.id).await.unwrap().unwrap()
    }

    /// Commits changes that were computed on this change counter.
    pub(crate) async fn commit_on(
        &self,
        change_counter: u64,
        conversations: Vec<ConversationChange>,
    ) -> Result<u64, StoreError> {
        let changes = change_set(change_counter, conversations);
        self.store.commit(self.id, changes).await
    }

    /// Commits changes under a quota, again as often as another writer was faster; returns whether they are
    /// written, or which limit was in the way.
    pub(crate) async fn commit_within(
        &self,
        quota: Quota,
        conversations: impl IntoIterator<Item = ConversationChange>,
    ) -> Result<(), QuotaExceeded> {
        let conversations: Vec<_> = conversations.into_iter().collect();
        loop {
            let changes = ChangeSet {
                quota,
                ..change_set(self.counter().await, conversations.clone())
            };
            match self.store.commit(self.id, changes).await {
                Err(StoreError::Conflict) => tokio::task::yield_now().await,
                Err(StoreError::QuotaExceeded(limit)) => return Err(limit),
                done => {
                    done.unwrap();
                    return Ok(());
                }
            }
        }
    }

    /// Commits changes that must go through; returns the counter after them.
    pub(crate) async fn commit(
        &self,
        conversations: impl IntoIterator<Item = ConversationChange>,
    ) -> u64 {
        let conversations = conversations.into_iter().collect();
        self.commit_on(self.counter().await, conversations)
            .await
            .unwrap()
    }

    /// Commits changes, again as often as another writer was faster.
    pub(crate) async fn commit_amid_others(&self, conversations: Vec<ConversationChange>) -> u64 {
        loop {
            let counter = self.counter().await;
            match self.commit_on(counter, conversations.clone()).await {
                Err(StoreError::Conflict) => tokio::task::yield_now().await,
                done => return done.unwrap(),
            }
        }
    }

    /// The heads of what is named, by id.
    pub(crate) async fn heads(&self, named: Vec<NamedConversation>) -> Heads {
        let mut heads = self.store.heads(self.id, named).await.unwrap().unwrap();
        heads
            .conversations
            .sort_by_key(|head| head.conversation.id.key());
        for head in &mut heads.conversations {
            head.messages.sort_by_key(|message| message.key);
        }
        heads
    }

    /// The conversation of this number, if it is stored.
    pub(crate) async fn conversation(&self, number: u128) -> Option<StoredConversation> {
        let heads = self.heads(vec![named(number, [])]).await;
        heads
            .conversations
            .into_iter()
            .next()
            .map(|head| head.conversation)
    }

    /// Those of the messages of a conversation that are stored, by id.
    pub(crate) async fn messages(
        &self,
        conversation: u128,
        messages: impl IntoIterator<Item = u128>,
    ) -> Vec<StoredMessage> {
        let named = named(conversation, messages);
        let mut found = self.store.load(self.id, vec![named]).await.unwrap();
        found.sort_by_key(|(_, message)| message.id.key());
        found
            .into_iter()
            .map(|(id, message)| {
                assert_eq!(id, conversation_id(conversation).key());
                message
            })
            .collect()
    }

    /// The numbers of the living conversations.
    pub(crate) async fn living(&self) -> Vec<u128> {
        let living = self.store.living_ids(self.id).await.unwrap().unwrap();
        living.ids.iter().map(conversation_number).collect()
    }

    /// The page after this position.
    pub(crate) async fn page(&self, position: Option<FeedPosition>, limit: usize) -> ChangesPage {
        self.page_of(page_request(position, limit)).await
    }

    /// The page that is asked for.
    pub(crate) async fn page_of(&self, request: PageRequest) -> ChangesPage {
        let read = self.store.changes(self.id, request, admit_all());
        match read.await.unwrap().unwrap() {
            PageRead::Page(page) => page,
            PageRead::NotAdmitted => panic!("every page is admitted"),
        }
    }

    /// The pages from this position to the end.
    pub(crate) async fn pages(
        &self,
        mut position: Option<FeedPosition>,
        limit: usize,
    ) -> Vec<ChangesPage> {
        let mut pages = Vec::new();
        loop {
            let page = self.page(position, limit).await;
            let has_more = page.has_more;
            assert!(
                !has_more || position != Some(page.next),
                "the pull stands still"
            );
            position = Some(page.next);
            pages.push(page);
            if !has_more {
                return pages;
            }
        }
    }

    /// The pages from this position to the end, as [`shown`].
    pub(crate) async fn shown_pages(
        &self,
        position: Option<FeedPosition>,
        limit: usize,
    ) -> Vec<String> {
        self.pages(position, limit)
            .await
            .iter()
            .map(shown)
            .collect()
    }

    /// Each item with a higher change number, by itself: `1[]` is a conversation, `1[2]` a message
    /// of it, `1[(2)]` one that is dead.
    pub(crate) async fn numbered_above(&self, change_number: u64) -> String {
        let pages = self.pages(since(change_number), 1).await;
        let items: Vec<_> = pages
            .iter()
            .map(|page| shown(page).replace(" ...", ""))
            .collect();
        items.join(" ").trim_end().to_owned()
    }

    /// Asserts that a conversation is stored like this, with these messages in the order of their
    /// ids and no others, whichever way one asks.
    pub(crate) async fn assert_holds(
        &self,
        conversation: &StoredConversation,
        messages: &[StoredMessage],
    ) {
        let named = NamedConversation {
            key: conversation.id.key(),
            messages: messages.iter().map(|message| message.id.key()).collect(),
        };
        let heads = self.heads(vec![named]).await;
        let [head] = heads.conversations.as_slice() else {
            panic!("one conversation is named: {heads:?}");
        };
        assert_eq!(
            head.conversation, *conversation,
            "the head of the conversation"
        );
        let digests: Vec<_> = head.messages.iter().map(|it| (it.key, it.digest)).collect();
        let expected: Vec<_> = messages.iter().map(|it| (it.id.key(), it.digest)).collect();
        assert_eq!(digests, expected, "the heads of the messages");

        let numbers = messages.iter().map(|message| message_number(&message.id));
        let loaded = self
            .messages(conversation_number(&conversation.id), numbers)
            .await;
        assert_same(&loaded, messages, "loaded");

        let page = self.page(since(0), usize::from(u16::MAX)).await;
        let mut changed = page.conversations.into_iter();
        let mut pulled = changed
            .find(|changed| changed.conversation.id == conversation.id)
            .unwrap();
        pulled.messages.sort_by_key(|message| message.id.key());
        assert_eq!(
            pulled.conversation, *conversation,
            "the pulled conversation"
        );
        let shown = if conversation.content.is_some() {
            messages
        } else {
            &[]
        };
        assert_same(&pulled.messages, shown, "pulled");
    }
}

/// Message by message, since a difference in one of many would drown.
fn assert_same(found: &[StoredMessage], expected: &[StoredMessage], how: &str) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{how}");
    }
    assert_eq!(found.len(), expected.len(), "{how}");
}
