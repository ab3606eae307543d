//! The keys of back ends, which are the server's.

use std::sync::Arc;

use convosync_domain::api_key::{ApiKey, ApiKeyId, ApiKeyName, Scope, Scopes, SecretHash};
use convosync_domain::ports::StoreIdentity;
use convosync_domain::timestamp::Timestamp;
use uuid::Uuid;

use crate::fixtures::{at, conversation, insert, message, registration};
use crate::owner::Owner;
use crate::support::join;
use crate::{MemoryStore, Store};

/// The key of this id, which somebody created at this moment.
fn key(id: u64, created_at: i64) -> ApiKey {
    ApiKey {
        id: ApiKeyId::from_bits(id),
        name: ApiKeyName::new(format!("key {id}")).unwrap(),
        secret_hash: SecretHash::of(&format!("secret of {id}")),
        scopes: Scopes::from_iter([Scope::SyncAny]),
        created_at: at(created_at),
        expires_at: None,
        revoked_at: None,
    }
}

async fn add(store: &Arc<dyn Store>, keys: &[ApiKey]) {
    for key in keys {
        assert!(store.add_key(key.clone()).await.unwrap(), "{key:?}");
    }
}

async fn found(store: &Arc<dyn Store>, id: u64) -> Option<ApiKey> {
    store.find_key(ApiKeyId::from_bits(id)).await.unwrap()
}

/// A key that nobody added is found nowhere and cannot be revoked.
pub async fn an_unknown_key_is_absent(store: Arc<dyn Store>) {
    assert_eq!(store.list_keys().await.unwrap(), []);
    add(&store, &[key(1, 1)]).await;
    assert_eq!(found(&store, 2).await, None);
    let unknown = ApiKeyId::from_bits(2);
    assert_eq!(store.revoke_key(unknown, at(5)).await.unwrap(), None);
    assert_eq!(store.list_keys().await.unwrap(), [key(1, 1)]);
}

/// Every field of a key comes back as it was, whatever it holds.
pub async fn keys_come_back_whole(store: Arc<dyn Store>) {
    let first = Timestamp::parse("0001-01-01T00:00:00Z").unwrap();
    let last = Timestamp::parse("9999-12-31T23:59:59.999999Z").unwrap();
    let longest = "\u{1f600}".repeat(100);
    let names = ["", " ", "'\"\\", "a,b;c|d", "e\u{301}", &longest];
    let ids = [0, 1, u64::MAX >> 1, 1 << 63, u64::MAX - 1, u64::MAX];
    let mut keys = Vec::new();
    for (id, name) in ids.into_iter().zip(names) {
        let scopes = Scope::ALL.into_iter().take(keys.len());
        keys.push(ApiKey {
            name: ApiKeyName::new(name).unwrap(),
            secret_hash: SecretHash::from_bytes([u8::try_from(id & 0xff).unwrap(); 32]),
            scopes: scopes.collect(),
            created_at: if id == 0 { first } else { at(1) },
            expires_at: (id > 1).then_some(last),
            revoked_at: (id == u64::MAX).then_some(first),
            ..key(id, 0)
        });
    }
    keys.push(ApiKey {
        scopes: Scope::ALL.into_iter().collect(),
        secret_hash: SecretHash::of("another"),
        ..key(2, 2)
    });
    add(&store, &keys).await;
    for key in &keys {
        let found = store.find_key(key.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(key));
    }
    keys.sort_by_key(ApiKey::list_order);
    assert_eq!(store.list_keys().await.unwrap(), keys);
}

/// Whoever adds a key under an id that is taken changes nothing, be it the same key.
pub async fn an_id_that_is_taken_stays(store: Arc<dyn Store>) {
    add(&store, &[key(1, 1)]).await;
    let other = ApiKey {
        secret_hash: SecretHash::of("another's"),
        ..key(1, 2)
    };
    for again in [other, key(1, 1)] {
        assert!(!store.add_key(again).await.unwrap());
        assert_eq!(found(&store, 1).await, Some(key(1, 1)));
    }
    store
        .revoke_key(ApiKeyId::from_bits(1), at(5))
        .await
        .unwrap();
    assert!(!store.add_key(key(1, 1)).await.unwrap());
    assert_eq!(found(&store, 1).await.unwrap().revoked_at, Some(at(5)));
}

/// The list is by age, and of one moment by id, whatever the order in which keys were added.
pub async fn keys_are_listed_oldest_first(store: Arc<dyn Store>) {
    let added = [
        key(u64::MAX, 2),
        key(4, 3),
        key(1 << 63, 2),
        key(9, 1),
        key(0, 2),
        key(5, -1),
    ];
    add(&store, &added).await;
    let listed = store.list_keys().await.unwrap();
    let ids: Vec<_> = listed.iter().map(|key| key.id.as_bits()).collect();
    assert_eq!(ids, [5, 9, 0, 1 << 63, u64::MAX, 4]);
}

/// A revoked key is still there, and keeps the moment of its first revocation, even beside an earlier one.
pub async fn a_key_is_revoked_once(store: Arc<dyn Store>) {
    add(&store, &[key(1, 1), key(2, 1)]).await;
    let revoked = ApiKey {
        revoked_at: Some(at(5)),
        ..key(1, 1)
    };
    for moment in [5, 9, 1] {
        let id = ApiKeyId::from_bits(1);
        let after = store.revoke_key(id, at(moment)).await.unwrap();
        assert_eq!(after.as_ref(), Some(&revoked));
        assert_eq!(found(&store, 1).await.as_ref(), Some(&revoked));
    }
    assert_eq!(store.list_keys().await.unwrap(), [revoked, key(2, 1)]);
}

/// Of many who add a key under one id at the same moment, one does, and that key is stored.
pub async fn one_key_of_an_id_is_added_among_many(store: Arc<dyn Store>) {
    let tasks = (0..8).map(|moment| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let added = store.add_key(key(1, moment)).await.unwrap();
            added.then_some(moment)
        })
    });
    let added: Vec<_> = join(tasks.collect()).await.into_iter().flatten().collect();
    let [moment] = *added else {
        panic!("one is added: {added:?}");
    };
    assert_eq!(store.list_keys().await.unwrap(), [key(1, moment)]);
}

/// Of many who revoke a key at the same moment, all are told the one moment that is stored.
pub async fn a_key_is_revoked_once_among_many(store: Arc<dyn Store>) {
    add(&store, &[key(1, 1)]).await;
    let tasks = (0..8).map(|moment| {
        let store = Arc::clone(&store);
        let id = ApiKeyId::from_bits(1);
        tokio::spawn(async move { store.revoke_key(id, at(moment)).await.unwrap() })
    });
    let told = join(tasks.collect()).await;
    let stored = found(&store, 1).await;
    assert!(stored.as_ref().unwrap().revoked_at.is_some());
    assert!(told.iter().all(|told| *told == stored), "{told:?}");
}

/// Keys are there beside visitors, and neither is seen through the other's ports.
pub async fn keys_and_visitors_share_nothing(store: Arc<dyn Store>) {
    add(&store, &[key(1, 1)]).await;
    assert_eq!(store.count_visitors().await.unwrap(), 0);
    assert_eq!(store.visitors(None, 10).await.unwrap(), []);
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [message(1, 1)])])
        .await;
    add(&store, &[key(2, 2)]).await;
    store
        .revoke_key(ApiKeyId::from_bits(1), at(9))
        .await
        .unwrap();
    assert_eq!(ada.counter().await, 1);
    ada.assert_holds(&conversation(1, 1), &[message(1, 1)])
        .await;
    assert_eq!(store.count_visitors().await.unwrap(), 1);
    let revoked = ApiKey {
        revoked_at: Some(at(9)),
        ..key(1, 1)
    };
    assert_eq!(store.list_keys().await.unwrap(), [revoked, key(2, 2)]);
    store.check().await.unwrap();
}

/// What is carried to another store leaves the keys of both where they are.
pub async fn keys_are_not_carried_away(store: Arc<dyn Store>) {
    let other: Arc<dyn Store> = Arc::new(MemoryStore::new(StoreIdentity {
        epoch: Uuid::from_u128(7),
        digest_seed: 7,
    }));
    other.register(registration("ada")).await.unwrap();
    add(&other, &[key(1, 1)]).await;
    add(&store, &[key(2, 1)]).await;
    // There are no digests yet, though there is a key.
    assert!(store.adopt_digest_seed(7).await.unwrap());
    for visitor in other.visitors(None, 10).await.unwrap() {
        store.restore(visitor, Vec::new()).await.unwrap();
    }
    store.renew_epoch().await.unwrap();
    assert_eq!(store.count_visitors().await.unwrap(), 1);
    assert_eq!(store.list_keys().await.unwrap(), [key(2, 1)]);
    assert_eq!(other.list_keys().await.unwrap(), [key(1, 1)]);
}
