use std::time::Duration;

use convosync_domain::identity::VisitorIdentity;
use governor::clock::FakeRelativeClock;

use super::limit::Key;
use super::*;
use crate::request::RequestId;

const NONE: RateLimitSettings = RateLimitSettings {
    address_requests_per_second: 0,
    visitor_requests_per_second: 0,
    failed_proofs_per_minute: 0,
};

fn limits(settings: RateLimitSettings) -> (RateLimits<FakeRelativeClock>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    (RateLimits::with_clock(settings, &clock), clock)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn visitor(name: &str) -> VisitorId {
    VisitorId::from(&VisitorIdentity::registered(name.to_owned()).unwrap())
}

/// What an error tells: its text and its headers.
async fn told(error: ApiError) -> String {
    let headers = actix_web::http::header::HeaderMap::new();
    let answer = error.render(&RequestId::of(&headers));
    assert_eq!(answer.status(), 429);
    let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap();
    let (retry, policy, left) = (
        header("retry-after"),
        header("ratelimit-policy"),
        header("ratelimit"),
    );
    format!("{error} | {retry} | {policy} | {left}")
}

fn left(taken: Result<Option<HeaderValue>, ApiError>) -> String {
    let left = taken.unwrap().expect("it is counted");
    left.to_str().unwrap().to_owned()
}

#[actix_web::test]
async fn an_address_may_ask_ten_seconds_worth_at_once_and_then_as_often_as_it_comes_back() {
    let (limits, clock) = limits(RateLimitSettings {
        address_requests_per_second: 2,
        ..NONE
    });
    let address = ip("203.0.113.9");
    for left_then in (0..20).rev() {
        let expected = format!("\"address\";r={left_then}");
        assert_eq!(left(limits.check_address(address)), expected);
    }
    let refused = limits.check_address(address).unwrap_err();
    insta::assert_snapshot!(told(refused).await, @r#"More than 2 requests a second from one address (limits.address_requests_per_second) | 1 | "address";q=20;w=10 | "address";r=0;t=1"#);
    clock.advance(Duration::from_millis(499));
    assert!(limits.check_address(address).is_err());
    clock.advance(Duration::from_millis(1));
    assert!(limits.check_address(address).is_ok());
    assert!(limits.check_address(address).is_err());
    assert!(
        limits.check_address(ip("203.0.113.10")).is_ok(),
        "another address"
    );
    clock.advance(Duration::from_secs(100));
    assert_eq!(left(limits.check_address(address)), "\"address\";r=19");
}

#[test]
fn a_network_of_ipv6_is_one_address() {
    for (one, other, is_same) in [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("::ffff:203.0.113.9", "203.0.113.9", true),
        ("203.0.113.9", "203.0.113.10", false),
    ] {
        assert_eq!(
            network(ip(one)) == network(ip(other)),
            is_same,
            "{one} {other}"
        );
    }
}

#[actix_web::test]
async fn a_visitor_is_limited_by_itself() {
    let (limits, clock) = limits(RateLimitSettings {
        visitor_requests_per_second: 1,
        ..NONE
    });
    let (ada, bob) = (visitor("ada"), visitor("bob"));
    for _ in 0..10 {
        limits.check_visitor(ada).unwrap();
    }
    let refused = limits.check_visitor(ada).unwrap_err();
    insta::assert_snapshot!(told(refused).await, @r#"More than 1 requests a second of one visitor (limits.visitor_requests_per_second) | 1 | "visitor";q=10;w=10 | "visitor";r=0;t=1"#);
    limits.check_visitor(bob).unwrap();
    clock.advance(Duration::from_secs(1));
    limits.check_visitor(ada).unwrap();
}

#[actix_web::test]
async fn after_twenty_failures_no_proof_is_looked_at_until_one_is_regained() {
    let (limits, clock) = limits(RateLimitSettings {
        failed_proofs_per_minute: 20,
        ..NONE
    });
    let guesser = ip("2001:db8::1");
    for _ in 0..20 {
        limits.refuse_if_blocked(guesser).unwrap();
        limits.note_failed_proof(guesser).unwrap();
    }
    let neighbour = ip("2001:db8::2");
    let refused = limits.refuse_if_blocked(neighbour).unwrap_err();
    insta::assert_snapshot!(told(refused).await, @r#"More than 20 failed proofs of identity a minute from one address (limits.failed_proofs_per_minute) | 3 | "failed-proofs";q=20;w=60 | "failed-proofs";r=0;t=3"#);
    limits.refuse_if_blocked(ip("203.0.113.9")).unwrap();

    clock.advance(Duration::from_millis(2_999));
    assert!(limits.refuse_if_blocked(guesser).is_err());
    clock.advance(Duration::from_millis(1));
    limits.refuse_if_blocked(guesser).unwrap();
    limits.note_failed_proof(guesser).unwrap();
    assert!(
        limits.refuse_if_blocked(guesser).is_err(),
        "one was regained, and is used up"
    );

    clock.advance(Duration::from_secs(60));
    for _ in 0..20 {
        limits.refuse_if_blocked(guesser).unwrap();
        limits.note_failed_proof(guesser).unwrap();
    }
    assert!(limits.refuse_if_blocked(guesser).is_err());
}

#[actix_web::test]
async fn of_failures_at_the_same_time_those_too_many_are_answered_429() {
    let (limits, clock) = limits(RateLimitSettings {
        failed_proofs_per_minute: 20,
        ..NONE
    });
    let guesser = ip("203.0.113.9");
    for _ in 0..20 {
        limits.note_failed_proof(guesser).unwrap();
    }
    clock.advance(Duration::from_millis(1_500));
    let refused = limits.note_failed_proof(guesser).unwrap_err();
    assert!(
        told(refused)
            .await
            .ends_with("| 2 | \"failed-proofs\";q=20;w=60 | \"failed-proofs\";r=0;t=2")
    );
}

#[test]
fn right_proofs_are_not_counted() {
    let (limits, _) = limits(RateLimitSettings {
        failed_proofs_per_minute: 1,
        ..NONE
    });
    for _ in 0..100 {
        limits.refuse_if_blocked(ip("203.0.113.9")).unwrap();
    }
}

#[test]
fn nothing_is_limited_where_every_limit_is_0() {
    let (limits, _) = limits(NONE);
    let address = ip("203.0.113.9");
    for _ in 0..1_000 {
        assert_eq!(limits.check_address(address).unwrap(), None);
        limits.check_visitor(visitor("ada")).unwrap();
        limits.note_failed_proof(address).unwrap();
        limits.refuse_if_blocked(address).unwrap();
    }
}

fn keys<K: Key>(limit: &Option<Limit<K, FakeRelativeClock>>) -> usize {
    limit.as_ref().unwrap().keys()
}

#[test]
fn keys_that_are_not_used_are_forgotten() {
    let (limits, clock) = limits(RateLimitSettings {
        address_requests_per_second: 200,
        ..NONE
    });
    let mut most = 0;
    for number in 0..400_000_u32 {
        let address = IpAddr::from(number.to_be_bytes());
        assert!(limits.check_address(address).is_ok());
        clock.advance(Duration::from_micros(10));
        most = most.max(keys(&limits.addresses));
    }
    // In the 10 ms after its request an address is not forgotten: 1,000 of them.
    assert!(most <= (1 << 16) + 1_001, "{most}");
}

#[test]
fn the_clock_of_the_machine_is_the_default() {
    let limits = RateLimits::new(RateLimitSettings {
        address_requests_per_second: 1,
        ..NONE
    });
    let address = ip("203.0.113.9");
    let taken = (0..10).filter(|_| limits.check_address(address).is_ok());
    assert_eq!(taken.count(), 10);
    assert!(limits.check_address(address).is_err());
}
