use std::fs;

use super::support::*;
use crate::{JwtSetupError, JwtVerifier, KeySource};

const NO_KEY: &str = "no key is known for the token";

#[test]
fn a_file_has_to_be_there_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none"), folder.path().to_owned()] {
        let settings = strict(KeySource::JwksFile(path));
        let error = JwtVerifier::new(settings, TestClock::new()).err().unwrap();
        assert!(
            matches!(error, JwtSetupError::Unreadable { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn a_changed_file_is_read_within_a_second() {
    let stand = Stand::of(&ES256);
    let (old, new) = (token_of(&ES256, "ada"), with_header(&RS256, "kid", "new"));
    assert_eq!(stand.user(&old), "ada");
    stand.write_keys(&[RS256.jwk("new")]);
    assert_eq!(stand.refused(&new), NO_KEY);
    assert_eq!(stand.user(&old), "ada");

    stand.clock.move_by(1);
    assert_eq!(stand.user(&new), "ada");
    // Good as it was, it is forgotten with its key.
    assert_eq!(stand.refused(&old), NO_KEY);
}

#[test]
fn a_file_is_read_when_that_is_asked_for() {
    let stand = Stand::of(&ES256);
    stand.write_keys(&[RS256.jwk(KEY_ID)]);
    stand.runtime.block_on(stand.verifier.reload());
    assert_eq!(stand.user(&token_of(&RS256, "ada")), "ada");
    assert_eq!(stand.refused(&token_of(&ES256, "ada")), NO_KEY);
}

#[test]
fn a_file_of_the_same_length_is_seen_by_its_time() {
    let stand = Stand::of(&ES256);
    let before = fs::metadata(stand.keys()).unwrap();
    stand.write_keys(&[ES256.jwk("2026-12")]);
    let file = fs::File::options().append(true).open(stand.keys()).unwrap();
    let later = before.modified().unwrap() + std::time::Duration::from_secs(2);
    file.set_modified(later).unwrap();
    assert_eq!(file.metadata().unwrap().len(), before.len());
    stand.clock.move_by(1);
    assert_eq!(stand.user(&with_header(&ES256, "kid", "2026-12")), "ada");
}

#[test]
fn a_file_that_breaks_leaves_the_last_keys() {
    let stand = Stand::of(&ES256);
    let token = token_of(&ES256, "ada");
    for broken in ["", "{", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct"}]}"#] {
        fs::write(stand.keys(), broken).unwrap();
        stand.clock.move_by(1);
        assert_eq!(stand.user(&token), "ada", "{broken}");
        // One that is not kept yet.
        let new = with_claim(&ES256, "jti", broken);
        assert_eq!(stand.user(&new), "ada", "{broken}");
    }
}

#[test]
fn a_file_that_comes_back_is_read() {
    let stand = Stand::of(&ES256);
    fs::remove_file(stand.keys()).unwrap();
    stand.clock.move_by(1);
    assert_eq!(stand.user(&token_of(&ES256, "grace")), "grace");
    stand.runtime.block_on(stand.verifier.reload());
    assert_eq!(stand.user(&token_of(&ES256, "joan")), "joan");

    stand.write_keys(&[RS256.jwk(KEY_ID)]);
    stand.clock.move_by(1);
    assert_eq!(stand.refused(&token_of(&ES256, "ada")), NO_KEY);
    assert_eq!(stand.user(&token_of(&RS256, "ada")), "ada");
}

#[test]
fn a_clock_that_is_set_back_is_no_reason_not_to_look() {
    let stand = Stand::of(&ES256);
    stand.clock.move_by(-3);
    stand.write_keys(&[RS256.jwk(KEY_ID)]);
    assert_eq!(stand.user(&token_of(&RS256, "ada")), "ada");
}
