//! Tokens that are not good.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{AUDIENCE, Ask, Protected, SECRET, SYNC, claims, now, token, token_of, user};

/// Generous, for a slow machine that does other things besides.
const AT_ONCE: Duration = Duration::from_secs(5);

fn ask(token: &str) -> Ask {
    Ask::get(format!("{SYNC}{}", user("ada"))).by(token)
}

fn expect_refused(server: &Protected, ask: &Ask, what: &str) {
    let started = Instant::now();
    let answer = server.send(ask);
    assert_eq!(answer.status, 401, "{what}: {answer:?}");
    assert!(
        answer.body.contains(r#""code":"invalid_token""#),
        "{what}: {answer:?}"
    );
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.starts_with(r#"Bearer error="invalid_token""#),
        "{what}: {challenge}"
    );
    assert!(started.elapsed() < AT_ONCE, "{what}");
}

#[test]
fn claims_that_do_not_hold() {
    let server = Protected::start();
    // Good, but of somebody who is not there.
    assert_eq!(server.send(&ask(&token("ada"))).status, 404);
    for (name, value) in [
        ("exp", json!(now() - 61)),
        ("exp", json!((now() + 3_600).to_string())),
        ("exp", Value::Null),
        ("exp", json!(now() + 25 * 3_600)),
        ("nbf", json!(now() + 120)),
        ("nbf", json!((now() - 10).to_string())),
        ("iat", json!(now() + 120)),
        ("aud", json!("another")),
        ("aud", json!(["another", 5])),
        ("aud", Value::Null),
        ("sub", json!(42)),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("sub", json!(["ada"])),
        ("sub", json!("ada\n")),
    ] {
        let mut claims = claims("ada");
        let set = claims.as_object_mut().unwrap();
        match value {
            Value::Null => set.remove(name),
            _ => set.insert(name.to_owned(), value.clone()),
        };
        expect_refused(
            &server,
            &ask(&token_of(&claims)),
            &format!("{name} {value}"),
        );
    }
    let mut claims = claims("ada");
    claims["nbf"] = json!(now() + 30);
    claims["exp"] = json!(now() - 30);
    claims["iat"] = json!(now() - 60);
    assert_eq!(
        server.send(&ask(&token_of(&claims))).status,
        404,
        "within the leeway"
    );
    claims["aud"] = json!(["another", AUDIENCE]);
    assert_eq!(
        server.send(&ask(&token_of(&claims))).status,
        404,
        "one of the audiences"
    );
}

#[test]
fn the_issuer_has_to_be_the_one_of_the_settings() {
    let server = Protected::start_with(&[
        ("CONVOSYNC__AUTH__JWT__SECRET", SECRET),
        ("CONVOSYNC__AUTH__JWT__ISSUER", "https://issuer.example/"),
        ("CONVOSYNC__AUTH__JWT__USER_CLAIM", "uid"),
    ]);
    let mut good = json!({ "uid": "ada", "iss": "https://issuer.example/", "exp": now() + 60 });
    assert_eq!(server.send(&ask(&token_of(&good))).status, 404);
    for issuer in [
        json!("https://issuer.example"),
        json!("x"),
        json!(5),
        Value::Null,
    ] {
        good["iss"] = issuer;
        expect_refused(&server, &ask(&token_of(&good)), &good.to_string());
    }
    let without = json!({ "sub": "ada", "iss": "https://issuer.example/", "exp": now() + 60 });
    expect_refused(&server, &ask(&token_of(&without)), "without the claim");
}

#[test]
fn signatures_and_headers_that_do_not_hold() {
    let server = Protected::start();
    let good = token("ada");
    let parts: Vec<_> = good.split('.').collect();
    let [_, payload, signature] = parts.as_slice() else {
        panic!("a token has three parts")
    };
    let encoded = |header: &str| URL_SAFE_NO_PAD.encode(header);
    let sign = |algorithm, key: &[u8]| {
        let key = EncodingKey::from_secret(key).unwrap();
        jsonwebtoken::encode(&Header::new(algorithm), &claims("ada"), &key).unwrap()
    };
    for (what, token) in [
        (
            "none",
            format!("{}.{payload}.", encoded(r#"{"alg":"none"}"#)),
        ),
        (
            "None",
            format!("{}.{payload}.{signature}", encoded(r#"{"alg":"None"}"#)),
        ),
        (
            "other claims",
            format!(
                "{}.{}.{signature}",
                parts[0],
                encoded(&claims("bob").to_string())
            ),
        ),
        (
            "another secret",
            sign(Algorithm::HS256, b"another secret of thirty-two bytes"),
        ),
        (
            "another algorithm",
            sign(Algorithm::HS512, SECRET.as_bytes()),
        ),
        ("two parts", format!("{}.{payload}", parts[0])),
        ("four parts", format!("{good}.{signature}")),
        ("padding", format!("{good}=")),
        ("a space before", format!(" {good}")),
        (
            "longer than 8 KiB",
            format!("{}.{}.{signature}", parts[0], "A".repeat(9_000)),
        ),
        ("nothing", String::new()),
    ] {
        expect_refused(&server, &ask(&token), what);
    }
    let twice = ask(&good).with("Authorization", format!("Bearer {good}"));
    expect_refused(&server, &twice, "two headers");
    let mut cut = good.clone();
    cut.pop();
    expect_refused(&server, &ask(&cut), "cut");
}
