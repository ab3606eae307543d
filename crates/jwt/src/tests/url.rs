use std::sync::Arc;
use std::time::Duration;

use convosync_domain::ports::{TokenRefused, TokenVerifier as _};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::server::{KeyServer, wait_until};
use super::signers::Signer;
use super::support::*;
use crate::KeySource;

const NO_KEY: &str = "no key is known for the token";
const HOUR: i64 = 3_600;

fn stand_of(server: &KeyServer) -> Stand {
    Stand::with(&ES256, |settings| {
        settings.keys = KeySource::JwksUrl(server.address.clone());
        settings.max_lifetime = None;
    })
}

/// A token that does not end while the clock is moved.
fn lasting(signer: &Signer, key_id: &str, user: &str) -> String {
    let mut header = header_of(signer);
    header["kid"] = key_id.into();
    let mut claims = claims_of(user);
    claims["exp"] = (NOW + 1_000_000).into();
    signer.token(&header.to_string(), &claims.to_string())
}

#[test]
fn keys_are_fetched_for_the_first_token_and_kept() {
    let server = KeyServer::of(&[ES256.jwk("a"), RS256.jwk("b")]);
    let stand = stand_of(&server);
    assert_eq!(server.asked(), 0);
    for user in ["ada", "grace", "ada"] {
        assert_eq!(stand.user(&lasting(&ES256, "a", user)), user);
        assert_eq!(stand.user(&lasting(&RS256, "b", user)), user);
    }
    assert_eq!(server.asked(), 1);
}

#[test]
fn a_new_key_is_fetched_once_when_a_token_names_it() {
    let server = KeyServer::of(&[ES256.jwk("old")]);
    let stand = stand_of(&server);
    let (old, new) = (lasting(&ES256, "old", "ada"), lasting(&RS256, "new", "ada"));
    assert_eq!(stand.user(&old), "ada");

    server.answer_keys(&[RS256.jwk("new")]);
    stand.clock.move_by(60);
    assert_eq!(stand.user(&old), "ada");
    assert_eq!(server.asked(), 1);
    assert_eq!(stand.user(&new), "ada");
    assert_eq!(server.asked(), 2);
    assert_eq!(stand.refused(&old), NO_KEY);
    assert_eq!(server.asked(), 2);
}

#[test]
fn tokens_of_unknown_keys_make_one_fetch_a_minute() {
    let server = KeyServer::of(&[ES256.jwk("a")]);
    let stand = stand_of(&server);
    for minute in 1..=3 {
        for number in 0..100 {
            let token = lasting(&ES256, &format!("{minute} {number}"), "ada");
            assert_eq!(stand.refused(&token), NO_KEY);
        }
        assert_eq!(server.asked(), minute);
        stand.clock.move_by(59);
        assert_eq!(stand.refused(&lasting(&ES256, "z", "ada")), NO_KEY);
        assert_eq!(server.asked(), minute);
        stand.clock.move_by(1);
    }
    // One of another algorithm names no other key, and a wrong signature none at all.
    let forger = Signer::es256();
    assert_eq!(stand.refused(&lasting(&HS256, "a", "ada")), NO_KEY);
    stand.refused(&lasting(&forger, "a", "ada"));
    assert_eq!(server.asked(), 3);
}

#[test]
fn many_first_tokens_make_one_fetch() {
    let server = KeyServer::of(&[ES256.jwk("a")]);
    server.answer_after(Duration::from_millis(50));
    let stand = stand_of(&server);
    stand.runtime.block_on(async {
        let mut users = JoinSet::new();
        for number in 0..50 {
            let verifier = Arc::clone(&stand.verifier);
            let token = lasting(&ES256, "a", &number.to_string());
            users.spawn(async move { verifier.verify(&token).await.is_ok() });
        }
        assert_eq!(users.join_all().await, [true; 50]);
    });
    assert_eq!(server.asked(), 1);
}

#[test]
fn a_fetch_goes_on_when_the_client_has_gone() {
    let server = KeyServer::of(&[ES256.jwk("a")]);
    server.answer_after(Duration::from_millis(100));
    let stand = stand_of(&server);
    let token = lasting(&ES256, "a", "ada");
    let gone = stand.runtime.block_on(async {
        timeout(Duration::from_millis(10), stand.verifier.verify(&token)).await
    });
    assert!(gone.is_err());
    assert_eq!(stand.user(&token), "ada");
    assert_eq!(server.asked(), 1);
}

#[test]
fn keys_are_fetched_every_hour_without_anybody_waiting() {
    let server = KeyServer::of(&[ES256.jwk("a"), RS256.jwk("b")]);
    let stand = stand_of(&server);
    let token = lasting(&ES256, "a", "ada");
    assert_eq!(stand.user(&token), "ada");

    server.answer_keys(&[RS256.jwk("b")]);
    stand.clock.move_by(HOUR - 1);
    assert_eq!(stand.user(&token), "ada");
    assert_eq!(server.asked(), 1);
    server.answer_after(Duration::from_millis(200));
    stand.clock.move_by(1);
    assert_eq!(stand.user(&token), "ada");
    // It is refused as soon as its key is known to be gone, though it is kept.
    wait_until(|| stand.verify(&token) == Err(TokenRefused::Invalid(NO_KEY)));
    assert_eq!(server.asked(), 2);
}

#[test]
fn the_last_keys_stay_while_new_ones_cannot_be_had() {
    let server = KeyServer::of(&[ES256.jwk("a")]);
    let stand = stand_of(&server);
    assert_eq!(stand.user(&lasting(&ES256, "a", "ada")), "ada");
    let keys = key_set(&[RS256.jwk("b")]);
    let long = keys.clone() + &" ".repeat(1 << 20);
    let answers = [
        ("500 Oh", keys.as_str()),
        ("404 No", keys.as_str()),
        ("203 Other", keys.as_str()),
        ("302 Found\r\nLocation: /keys", keys.as_str()),
        ("200 OK", "<html>"),
        ("200 OK", "{\"keys\":[]}"),
        ("200 OK", &long),
        ("nonsense", ""),
    ];
    for ((status, body), asked) in answers.into_iter().zip(2..) {
        server.answer(status, body);
        stand.clock.move_by(60);
        assert_eq!(
            stand.refused(&lasting(&RS256, "b", "ada")),
            NO_KEY,
            "{status}"
        );
        assert_eq!(server.asked(), asked, "{status}");
        let new = format!("user {asked}");
        assert_eq!(stand.user(&lasting(&ES256, "a", &new)), new);
    }
    server.answer("200 OK", &keys);
    stand.clock.move_by(60);
    assert_eq!(stand.user(&lasting(&RS256, "b", "ada")), "ada");
}

#[test]
fn without_any_keys_they_are_asked_for_every_second() {
    let server = KeyServer::of(&[]);
    let stand = stand_of(&server);
    let token = lasting(&ES256, "a", "ada");
    for asked in 1..=3 {
        for _ in 0..10 {
            assert_eq!(stand.verify(&token), Err(TokenRefused::KeysUnavailable));
        }
        // What is no token is told so all the same.
        assert_eq!(
            stand.refused("x"),
            "the token is not three parts in base64url"
        );
        assert_eq!(server.asked(), asked);
        stand.clock.move_by(1);
    }
    server.answer_keys(&[ES256.jwk("a")]);
    assert_eq!(stand.user(&token), "ada");
    assert_eq!(server.asked(), 4);
}

#[test]
fn keys_are_fetched_when_that_is_asked_for() {
    let server = KeyServer::of(&[ES256.jwk("a")]);
    let stand = stand_of(&server);
    for asked in 1..=3 {
        stand.runtime.block_on(stand.verifier.reload());
        assert_eq!(server.asked(), asked);
    }
    assert_eq!(stand.user(&lasting(&ES256, "a", "ada")), "ada");
    assert_eq!(server.asked(), 3);
}

#[test]
fn the_same_keys_fetched_again_forget_no_token() {
    let server = KeyServer::of(&[ES256.jwk("a")]);
    let stand = stand_of(&server);
    assert_eq!(stand.user(&lasting(&ES256, "a", "ada")), "ada");
    assert_eq!(stand.kept(), 1);
    stand.runtime.block_on(stand.verifier.reload());
    assert_eq!(stand.kept(), 1);
    server.answer_keys(&[ES256.jwk("a"), RS256.jwk("b")]);
    stand.runtime.block_on(stand.verifier.reload());
    assert_eq!(stand.kept(), 0);
}
