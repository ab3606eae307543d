//! Who is known.

use std::sync::Arc;

use convosync_domain::change_set::{ChangeSet, VisitorRegistration};
use convosync_domain::feed::{ChangesPage, PageRead};
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use convosync_domain::ports::{Heads, LivingIds, Registration, StoreError, Visitor};
use convosync_domain::usage::Usage;

use crate::Store;
use crate::fixtures::{
    admit_all, at, change_set, conversation, insert, message, page_request, registration,
    visitor_id,
};
use crate::owner::Owner;
use crate::support::{join, named, since};

/// A change set that registers somebody beside a first conversation.
fn first_post(name: &str) -> ChangeSet {
    ChangeSet {
        registers: Some(registration(name)),
        ..change_set(0, [insert(conversation(1, 1), [message(1, 1)])])
    }
}

/// Whoever is not registered is `None` to every port, and has nothing to load.
pub async fn an_unknown_visitor_is_absent_everywhere(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [message(1, 1)])])
        .await;
    let nobody = visitor_id("nobody");
    let asked = vec![named(1, [1])];
    assert_eq!(store.find(nobody).await.unwrap(), None);
    assert_eq!(store.heads(nobody, asked.clone()).await.unwrap(), None);
    assert_eq!(store.load(nobody, asked).await.unwrap(), []);
    assert_eq!(store.living_ids(nobody).await.unwrap(), None);
    assert_eq!(
        store
            .changes(nobody, page_request(None, 1), admit_all())
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store
            .changes(nobody, page_request(since(1), 1), admit_all())
            .await
            .unwrap(),
        None
    );
}

/// A registered visitor has nothing yet, and a counter of zero.
pub async fn a_registered_visitor_begins_with_nothing(store: Arc<dyn Store>) {
    let registered = store.register(registration("ada")).await.unwrap();
    assert_eq!(registered, Registration::Created);
    let ada = visitor_id("ada");
    let visitor = Visitor {
        id: ada,
        change_counter: 0,
        usage: Usage::default(),
    };
    assert_eq!(store.find(ada).await.unwrap(), Some(visitor));
    let heads = store.heads(ada, vec![named(1, [1])]).await.unwrap();
    assert_eq!(heads, Some(Heads::default()));
    let nothing = LivingIds::default();
    assert_eq!(store.living_ids(ada).await.unwrap(), Some(nothing));
    let page = store
        .changes(ada, page_request(None, 1), admit_all())
        .await
        .unwrap();
    let empty = ChangesPage {
        conversations: Vec::new(),
        next: since(0).unwrap(),
        has_more: false,
        change_counter: 0,
    };
    assert_eq!(page, Some(PageRead::Page(empty)));
}

/// A visitor who is known stays as registered first, with what is stored.
pub async fn registering_again_changes_nothing(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [])]).await;
    let again = VisitorRegistration {
        registered_at: at(5),
        ..registration("ada")
    };
    let registered = store.register(again).await.unwrap();
    assert_eq!(registered, Registration::AlreadyKnown);
    assert_eq!(ada.counter().await, 1);
    assert_eq!(ada.living().await, [1]);
}

/// Every identity can be registered, and both kinds of one name are two visitors.
pub async fn identities_of_every_form_are_visitors(store: Arc<dyn Store>) {
    let longest = "\u{1f600}".repeat(255);
    for name in ["42", " ", "'\"\\", "e\u{301}", "\u{e9}", &longest] {
        for identity in [
            VisitorIdentity::anonymous(name),
            VisitorIdentity::registered(name),
        ] {
            let identity = identity.unwrap();
            let id = VisitorId::from(&identity);
            assert_eq!(store.find(id).await.unwrap(), None, "{name}");
            let registration = VisitorRegistration {
                identity,
                registered_at: at(0),
            };
            let registered = store.register(registration).await.unwrap();
            assert_eq!(registered, Registration::Created, "{name}");
            assert_eq!(store.find(id).await.unwrap().unwrap().id, id, "{name}");
        }
    }
}

/// A change set that registers makes the visitor and writes its changes in one.
pub async fn a_first_post_registers_its_visitor(store: Arc<dyn Store>) {
    let ada = Owner::new(&store, "ada");
    let counter = store.commit(ada.id, first_post("ada")).await.unwrap();
    assert_eq!(counter, 1);
    assert_eq!(ada.counter().await, 1);
    ada.assert_holds(&conversation(1, 1), &[message(1, 1)])
        .await;
    let registered = store.register(registration("ada")).await.unwrap();
    assert_eq!(registered, Registration::AlreadyKnown);
}

/// A first post that stores nothing registers its visitor all the same.
pub async fn a_first_post_without_changes_registers_its_visitor(store: Arc<dyn Store>) {
    let changes = ChangeSet {
        conversations: Vec::new(),
        ..first_post("ada")
    };
    assert_eq!(store.commit(visitor_id("ada"), changes).await.unwrap(), 0);
    assert_eq!(Owner::new(&store, "ada").counter().await, 0);
}

/// A change set that registers is computed on the visitor's absence: it conflicts with one who is
/// known, even at a counter of zero.
pub async fn a_first_post_of_a_known_visitor_conflicts(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let result = store.commit(ada.id, first_post("ada")).await;
    assert!(matches!(result, Err(StoreError::Conflict)), "{result:?}");
    assert_eq!(ada.counter().await, 0);
    assert_eq!(ada.conversation(1).await, None);
}

/// Without a registration, a post of an unknown visitor is a lost race with somebody who erased it.
pub async fn a_post_of_an_unknown_visitor_conflicts(store: Arc<dyn Store>) {
    let nobody = Owner::new(&store, "nobody");
    for conversations in [vec![], vec![insert(conversation(1, 1), [])]] {
        let result = nobody.commit_on(0, conversations).await;
        assert!(matches!(result, Err(StoreError::Conflict)), "{result:?}");
    }
    assert_eq!(store.find(nobody.id).await.unwrap(), None);
}

/// A first post that cannot be written registers nobody.
pub async fn a_first_post_that_fails_registers_nobody(store: Arc<dyn Store>) {
    let mut changes = first_post("ada");
    changes.conversations.push(insert(conversation(1, 2), []));
    store.commit(visitor_id("ada"), changes).await.unwrap_err();
    assert_eq!(store.find(visitor_id("ada")).await.unwrap(), None);
    store
        .commit(visitor_id("ada"), first_post("ada"))
        .await
        .unwrap();
}

/// Of many who register one visitor at the same moment, one does.
pub async fn a_visitor_is_registered_once_among_many(store: Arc<dyn Store>) {
    let tasks = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.register(registration("ada")).await.unwrap() })
    });
    let registered = join(tasks.collect()).await;
    let created = registered.iter().filter(|it| **it == Registration::Created);
    assert_eq!(created.count(), 1);
}

/// Of many first posts at the same moment one is taken, and the others are lost races.
pub async fn one_first_post_is_taken_among_many(store: Arc<dyn Store>) {
    let tasks = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.commit(visitor_id("ada"), first_post("ada")).await })
    });
    let results = join(tasks.collect()).await;
    let taken = results.iter().filter(|result| matches!(result, Ok(1)));
    assert_eq!(taken.count(), 1, "{results:?}");
    let lost = results
        .iter()
        .filter(|result| matches!(result, Err(StoreError::Conflict)));
    assert_eq!(lost.count(), 7, "{results:?}");
    let ada = Owner::new(&store, "ada");
    ada.assert_holds(&conversation(1, 1), &[message(1, 1)])
        .await;
}
