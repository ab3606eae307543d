use std::time::Duration;

use serde_json::{Value, json};

use super::support::*;

#[test]
fn the_right_token_passes_with_each_algorithm() {
    for signer in signers() {
        let stand = Stand::of(signer);
        let verified = stand.verify(&token_of(signer, "ada")).unwrap();
        assert_eq!(verified.user_id, "ada");
        let end = (NOW + 600 + 60) * 1_000_000;
        assert_eq!(verified.expires_at.as_micros(), end);
    }
}

#[test]
fn a_user_is_taken_byte_for_byte() {
    let stand = Stand::of(&HS256);
    let longest = "\u{1F600}".repeat(255);
    let users = [
        "42",
        "042",
        "42 ",
        " 42",
        "ada",
        "Ada",
        "ADA",
        "é",
        "e\u{301}",
        "ﬁ",
        "fi",
        "\u{feff}a",
        "a\u{200b}",
        "null",
        "{}",
        "a\\b\"c",
        &longest,
    ];
    for user in users {
        assert_eq!(stand.user(&token_of(&HS256, user)), user);
    }
    // However the text is written down.
    let claims = claims_of("ada").to_string().replace("ada", "\\u0061da");
    let token = HS256.token(&header_of(&HS256).to_string(), &claims);
    assert_eq!(stand.user(&token), "ada");
}

#[test]
fn a_user_that_is_no_name_is_refused() {
    let stand = Stand::of(&HS256);
    for user in [
        json!(42),
        json!(4.2),
        json!(null),
        json!(true),
        json!(["a"]),
        json!({"a": "b"}),
    ] {
        assert_eq!(
            stand.refused(&with_claim(&HS256, "sub", user)),
            "the claim of the token that names the user is not a text"
        );
    }
    for user in ["", "a\0", "a\n", "\u{7f}", &"a".repeat(256)] {
        assert_eq!(
            stand.refused(&with_claim(&HS256, "sub", user)),
            "the user of the token is not 1 to 255 characters without control characters"
        );
    }
    assert_eq!(
        stand.refused(&without_claim(&HS256, "sub")),
        "the claim of the token that names the user is not a text"
    );
    let lone_surrogate = claims_of("ada").to_string().replace("ada", "\\ud800");
    let token = HS256.token(&header_of(&HS256).to_string(), &lone_surrogate);
    assert_eq!(
        stand.refused(&token),
        "the claims of the token are not readable"
    );
}

#[test]
fn the_user_is_named_by_the_claim_of_the_settings() {
    let stand = Stand::with(&HS256, |settings| {
        settings.user_claim = "https://app.example/user".to_owned();
    });
    let token = with_claim(&HS256, "https://app.example/user", "grace");
    assert_eq!(stand.user(&token), "grace");
    assert_eq!(
        stand.refused(&token_of(&HS256, "ada")),
        "the claim of the token that names the user is not a text"
    );
}

#[test]
fn the_issuer_is_the_one_of_the_settings() {
    let stand = Stand::of(&HS256);
    let bare = ISSUER.trim_end_matches('/');
    let others = [
        json!(bare),
        json!(""),
        json!(null),
        json!([ISSUER]),
        json!({ISSUER: 1}),
    ];
    for issuer in others {
        let token = with_claim(&HS256, "iss", issuer);
        assert_eq!(stand.refused(&token), "the iss of the token is another");
    }
    let token = without_claim(&HS256, "iss");
    assert_eq!(stand.refused(&token), "the iss of the token is another");

    let any = Stand::with(&HS256, |settings| settings.issuer = None);
    assert_eq!(any.user(&token), "ada");
    assert_eq!(any.user(&with_claim(&HS256, "iss", 1)), "ada");
}

#[test]
fn the_audience_is_one_of_the_settings() {
    let stand = Stand::of(&HS256);
    for audience in [
        json!("another"),
        json!(["x", AUDIENCE]),
        json!([1, AUDIENCE]),
    ] {
        assert_eq!(stand.user(&with_claim(&HS256, "aud", audience)), "ada");
    }
    let others = [
        json!("convosync "),
        json!("Convosync"),
        json!("another,convosync"),
        json!([]),
        json!(["x"]),
        json!([[AUDIENCE]]),
        json!({AUDIENCE: AUDIENCE}),
        json!(null),
    ];
    for audience in others {
        let token = with_claim(&HS256, "aud", audience);
        assert_eq!(stand.refused(&token), "the aud of the token is another");
    }
    let token = without_claim(&HS256, "aud");
    assert_eq!(stand.refused(&token), "the aud of the token is another");

    let any = Stand::with(&HS256, |settings| settings.audience.clear());
    assert_eq!(any.user(&token), "ada");
    assert_eq!(any.user(&with_claim(&HS256, "aud", "x")), "ada");
}

#[test]
fn times_are_numbers_of_seconds() {
    let stand = Stand::of(&HS256);
    for (name, reason) in [
        (
            "exp",
            "the exp of the token is not a number of seconds since 1970",
        ),
        (
            "nbf",
            "the nbf of the token is not a number of seconds since 1970",
        ),
        (
            "iat",
            "the iat of the token is not a number of seconds since 1970",
        ),
    ] {
        let text = (NOW + 5).to_string();
        let others = [
            json!(text),
            json!(null),
            json!(true),
            json!([NOW]),
            json!(-1),
            json!(-0.5),
        ];
        for time in others {
            assert_eq!(stand.refused(&with_claim(&HS256, name, time)), reason);
        }
        let fractional: Value = serde_json::from_str("1800000000.25").unwrap();
        assert_eq!(stand.user(&with_claim(&HS256, name, fractional)), "ada");
    }
    assert_eq!(
        stand.refused(&without_claim(&HS256, "exp")),
        "the token has no exp"
    );
    assert_eq!(stand.user(&without_claim(&HS256, "nbf")), "ada");
    assert_eq!(stand.user(&without_claim(&HS256, "iat")), "ada");
}

#[test]
fn a_minute_is_allowed_for_clocks_that_differ() {
    let stand = Stand::of(&HS256);
    for (name, good, bad, reason) in [
        ("exp", NOW - 59, NOW - 60, "the token has expired"),
        ("nbf", NOW + 60, NOW + 61, "the token is not good yet"),
        (
            "iat",
            NOW + 60,
            NOW + 61,
            "the token was issued in the future",
        ),
    ] {
        assert_eq!(stand.user(&with_claim(&HS256, name, good)), "ada", "{name}");
        assert_eq!(stand.refused(&with_claim(&HS256, name, bad)), reason);
    }
}

#[test]
fn a_token_is_good_for_no_longer_than_the_settings_allow() {
    let stand = Stand::of(&HS256);
    let of = |issued: Option<i64>, expires: i64| {
        let mut claims = claims_of("ada");
        let claims = claims.as_object_mut().unwrap();
        claims.remove("iat");
        claims.extend(issued.map(|issued| ("iat".to_owned(), json!(issued))));
        claims.insert("exp".to_owned(), json!(expires));
        let claims = Value::Object(claims.clone()).to_string();
        HS256.token(&header_of(&HS256).to_string(), &claims)
    };
    let too_long = "the token is good for too long";
    assert_eq!(stand.user(&of(Some(NOW - 1_000), NOW + 2_600)), "ada");
    assert_eq!(stand.refused(&of(Some(NOW - 1_000), NOW + 2_601)), too_long);
    assert_eq!(stand.user(&of(None, NOW + 3_660)), "ada");
    assert_eq!(stand.refused(&of(None, NOW + 3_661)), too_long);
    // Milliseconds, by mistake.
    assert_eq!(stand.refused(&of(Some(NOW), NOW * 1_000)), too_long);

    let day = Stand::with(&HS256, |settings| {
        settings.max_lifetime = Some(Duration::from_secs(24 * 3_600));
    });
    assert_eq!(day.user(&of(Some(NOW), NOW + 24 * 3_600)), "ada");

    let any = Stand::with(&HS256, |settings| settings.max_lifetime = None);
    for expires in [NOW + 1_000_000_000, NOW * 1_000, i64::MAX] {
        assert_eq!(any.user(&of(Some(NOW), expires)), "ada");
    }
    assert_eq!(any.user(&with_claim(&HS256, "exp", 1e18)), "ada");
}

#[test]
fn a_token_ends_though_it_is_kept() {
    let stand = Stand::of(&ES256);
    let token = token_of(&ES256, "ada");
    assert_eq!(stand.user(&token), "ada");
    stand.clock.move_by(659);
    assert_eq!(stand.user(&token), "ada");
    stand.clock.move_by(1);
    assert_eq!(stand.refused(&token), "the token has expired");
    // A clock that is set back.
    stand.clock.move_by(-660 - 71);
    assert_eq!(stand.refused(&token), "the token is not good yet");
    stand.clock.move_by(71);
    assert_eq!(stand.user(&token), "ada");
}
