use std::collections::BTreeSet;
use std::sync::Mutex;

use convosync_domain::api_key::{ApiKey, ApiKeyName, Scopes, SecretHash};
use convosync_domain::ports::{
    MockApiKeyStore, MockChangeNotifier, MockClock, MockMergeStore, MockStoreArchive,
    MockSyncStore, MockVisitorStore, Restoration, Visitor,
};
use convosync_domain::usage::{Quota, Usage};
use uuid::Uuid;

use super::*;
use crate::byte_budget::ByteBudget;
use crate::sync::{RegistrationMode, RegistrationPolicy, SyncConversations, SyncSettings};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn visitor(number: u128) -> VisitorId {
    VisitorId::from_uuid(Uuid::from_u128(number))
}

fn erased(number: u128) -> VisitorTombstone {
    VisitorTombstone {
        id: visitor(number),
        gone: VisitorGone::Erased,
        at: at(10),
    }
}

fn merged(number: u128, into: u128) -> VisitorTombstone {
    VisitorTombstone {
        gone: VisitorGone::Merged {
            into: visitor(into),
        },
        ..erased(number)
    }
}

/// What the ports were told, in words.
type Told = Arc<Mutex<Vec<String>>>;

fn visitors(living: &[u128], gone: &[u128], told: &Told) -> MockVisitorStore {
    let (living, gone): (BTreeSet<_>, BTreeSet<_>) = (
        living.iter().map(|number| visitor(*number)).collect(),
        gone.iter().map(|number| visitor(*number)).collect(),
    );
    let mut visitors = MockVisitorStore::new();
    visitors.expect_find().returning(move |id| {
        if gone.contains(&id) {
            return Err(StoreError::VisitorGone(VisitorGone::Erased));
        }
        Ok(living.contains(&id).then_some(Visitor {
            id,
            change_counter: 0,
            usage: Usage::default(),
        }))
    });
    let told = Arc::clone(told);
    visitors.expect_erase().returning(move |id, moment| {
        assert_eq!(moment, at(10));
        let line = format!("erased {}", id.as_uuid().as_u128());
        told.lock().unwrap().push(line);
        Ok(true)
    });
    visitors
}

async fn reapplied(
    departures: &Departures,
    living: &[u128],
    gone: &[u128],
) -> (Reapplied, Vec<String>) {
    let told = Told::default();
    let mut archive = MockStoreArchive::new();
    let tombstones = Arc::clone(&told);
    archive
        .expect_restore_tombstone()
        .returning(move |tombstone| {
            let line = format!("remembered {}", tombstone.id.as_uuid().as_u128());
            tombstones.lock().unwrap().push(line);
            Ok(Restoration::Stored)
        });
    let renewed = Arc::clone(&told);
    archive.expect_renew_epoch().times(1).returning(move || {
        renewed.lock().unwrap().push("renewed".to_owned());
        Ok(())
    });
    let mut keys = MockApiKeyStore::new();
    // Key 1 is good, key 2 was revoked before, and no other is there.
    keys.expect_find_key().returning(|id| {
        let revoked_at = (id.as_bits() == 2).then(|| at(5));
        Ok((id.as_bits() < 3).then(|| key(id, revoked_at)))
    });
    let revoked = Arc::clone(&told);
    keys.expect_revoke_key().returning(move |id, moment| {
        let line = format!("revoked {}", id.as_bits());
        revoked.lock().unwrap().push(line);
        Ok(Some(key(id, Some(moment))))
    });
    let settings = SyncSettings {
        max_clock_skew_seconds: 300,
        registration: RegistrationPolicy::of_all(RegistrationMode::Explicit),
        quota: Quota::default(),
    };
    let sync = SyncConversations::new(
        Arc::new(MockSyncStore::new()),
        Arc::new(MockVisitorStore::new()),
        Arc::new(MockChangeNotifier::new()),
        Arc::new(MockClock::new()),
        settings,
        ByteBudget::unbounded(),
    );
    let merge = MergeVisitors::new(
        Arc::new(sync),
        Arc::new(MockMergeStore::new()),
        Arc::new(MockStoreArchive::new()),
    );
    let reapply = ReapplyDepartures::new(
        Arc::new(visitors(living, gone, &told)),
        Arc::new(archive),
        Arc::new(keys),
        merge,
    );
    let done = reapply.run(departures).await.unwrap();
    let told = told.lock().unwrap().clone();
    (done, told)
}

fn key(id: ApiKeyId, revoked_at: Option<Timestamp>) -> ApiKey {
    ApiKey {
        id,
        name: ApiKeyName::new("").unwrap(),
        secret_hash: SecretHash::of("secret"),
        scopes: Scopes::default(),
        created_at: at(1),
        expires_at: None,
        revoked_at,
    }
}

fn departures(tombstones: &[VisitorTombstone]) -> Departures {
    let mut departures = Departures::default();
    for tombstone in tombstones {
        departures.add_visitor(*tombstone);
    }
    departures
}

#[tokio::test]
async fn whoever_is_gone_goes_and_the_store_begins_another_life() {
    let departures = departures(&[erased(1), erased(2), erased(3)]);
    let (done, told) = reapplied(&departures, &[1], &[2]).await;
    assert_eq!(told, ["erased 1", "remembered 3", "renewed"]);
    let expected = Reapplied {
        erased: 1,
        ..Reapplied::default()
    };
    assert_eq!(done, expected);
}

#[tokio::test]
async fn a_merged_visitor_whose_user_is_not_there_is_erased() {
    for tombstones in [
        // Unknown, gone in the store, erased since, merged in a circle.
        vec![merged(1, 7)],
        vec![merged(1, 6)],
        vec![merged(1, 8), merged(8, 9), erased(9)],
        vec![merged(1, 8), merged(8, 1)],
    ] {
        let (done, told) = reapplied(&departures(&tombstones), &[1], &[6]).await;
        assert_eq!(told.first().unwrap(), "erased 1", "{tombstones:?}");
        assert_eq!((done.erased, done.merged), (1, 0));
    }
}

#[tokio::test]
async fn a_revoked_key_is_revoked_again() {
    let mut departures = Departures::default();
    for id in 1..4 {
        departures.add_revoked_key(ApiKeyId::from_bits(id), at(7));
    }
    let (done, told) = reapplied(&departures, &[], &[]).await;
    assert_eq!(told, ["revoked 1", "renewed"]);
    assert_eq!(done.revoked_keys, 1);
}
