//! What there is to tell of a visitor.

use std::sync::Arc;

use convosync_domain::change_set::{ChangeSet, Erasure, VisitorRegistration};
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use convosync_domain::ports::VisitorSummary;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::Usage;

use super::archive::visitors;
use super::usage::usage;
use crate::Store;
use crate::fixtures::{
    at, change_set, conversation, dead_conversation, dead_message, erase, insert, insert_messages,
    message, registration, update_messages, visitor_id,
};
use crate::owner::Owner;

async fn summary(owner: &Owner) -> VisitorSummary {
    owner.store.summarize(owner.id).await.unwrap().unwrap()
}

/// Of a new visitor there is the registration, and the `user_id` of a registered one.
pub async fn a_summary_begins_with_the_registration(store: Arc<dyn Store>) {
    for (identity, user_id) in [
        (VisitorIdentity::anonymous("ada"), None),
        (VisitorIdentity::registered("ada"), Some("ada".to_owned())),
    ] {
        let identity = identity.unwrap();
        let id = VisitorId::from(&identity);
        assert_eq!(store.summarize(id).await.unwrap(), None);
        let registration = VisitorRegistration {
            identity,
            registered_at: at(7),
        };
        store.register(registration).await.unwrap();
        let expected = VisitorSummary {
            id,
            user_id,
            registered_at: at(7),
            last_changed_at: None,
            change_counter: 0,
            usage: Usage::default(),
            messages: 0,
        };
        assert_eq!(store.summarize(id).await.unwrap(), Some(expected));
    }
}

/// The messages that live are counted, in whichever conversation, and no other visitor's.
pub async fn a_summary_counts_what_lives(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let bob = Owner::registered(&store, "bob").await;
    bob.commit([insert(conversation(1, 1), [message(1, 1)])])
        .await;
    let of_first = [message(1, 1), message(2, 1), dead_message(3, 1, 1)];
    ada.commit([
        insert(conversation(1, 1), of_first.clone()),
        insert(conversation(2, 1), [message(1, 1)]),
        insert(conversation(3, 1), []),
        insert(dead_conversation(4, 1), []),
    ])
    .await;
    let told = summary(&ada).await;
    assert_eq!((told.messages, told.change_counter), (3, 1));
    let conversations = [conversation(1, 1), conversation(2, 1), conversation(3, 1)];
    let messages = [message(1, 1), message(2, 1), message(1, 1)];
    assert_eq!(told.usage, usage(&conversations, &messages));

    ada.commit([
        update_messages(1, [dead_message(2, 2, 2), message(3, 2)]),
        erase(dead_conversation(2, 2), Erasure::Everything),
    ])
    .await;
    assert_eq!(summary(&ada).await.messages, 2);
    assert_eq!(summary(&bob).await.messages, 1);
}

/// Something has changed when a post was received that changed something, whatever moment it had.
pub async fn a_visitor_last_changed_when_something_did(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let commit = async |received_at, change_counter, conversations: Vec<_>| {
        let changes = ChangeSet {
            received_at: at(received_at),
            ..change_set(change_counter, conversations)
        };
        store.commit(ada.id, changes).await
    };
    let new = |number| vec![insert(conversation(number, 1), [message(1, 1)])];
    commit(60, 0, vec![]).await.unwrap();
    assert_last_changed(&ada, None).await;
    commit(70, 0, new(1)).await.unwrap();
    assert_last_changed(&ada, Some(at(70))).await;
    // Nothing changes by these.
    commit(80, 1, vec![]).await.unwrap();
    commit(81, 0, new(2)).await.unwrap_err();
    commit(82, 1, new(1)).await.unwrap_err();
    assert_last_changed(&ada, Some(at(70))).await;
    let message = insert_messages(1, [message(2, 1)]);
    commit(65, 1, vec![message]).await.unwrap();
    assert_last_changed(&ada, Some(at(65))).await;
}

/// A first post is a change when it was received, which is not the moment of the registration.
pub async fn a_first_post_may_be_the_first_change(store: Arc<dyn Store>) {
    for (name, conversations, expected) in [
        ("ada", vec![insert(conversation(1, 1), [])], Some(at(9))),
        ("bob", vec![], None),
    ] {
        let first_post = ChangeSet {
            received_at: at(9),
            registers: Some(registration(name)),
            ..change_set(0, conversations)
        };
        store.commit(visitor_id(name), first_post).await.unwrap();
        assert_last_changed(&Owner::new(&store, name), expected).await;
    }
}

/// Asserts it by the summary and by what is carried away.
async fn assert_last_changed(owner: &Owner, expected: Option<Timestamp>) {
    assert_eq!(summary(owner).await.last_changed_at, expected);
    let archived = visitors(&owner.store).await;
    let archived = archived.iter().find(|it| it.id == owner.id);
    assert_eq!(archived.unwrap().last_changed_at, expected);
}
