//! Of whatever is made of a right token, only the right token passes.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use convosync_domain::ports::TokenRefused;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::signers::{Signer, base64url};
use super::support::*;

/// A key with the stand that knows it, and another key of its algorithm.
struct Case {
    signer: &'static Signer,
    stand: Stand,
    forger: Signer,
    /// The right token.
    token: String,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.signer.algorithm())
    }
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let forgers = [
        Signer::hs256(&[7; 32]),
        Signer::rs256(),
        Signer::es256(),
        Signer::eddsa(),
    ];
    let case = |(signer, forger)| Case {
        signer,
        stand: Stand::of(signer),
        forger,
        token: token_of(signer, "ada"),
    };
    signers().into_iter().zip(forgers).map(case).collect()
});

fn any_case() -> impl Strategy<Value = &'static Case> {
    (0..4_usize).prop_map(|number| &CASES[number])
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,3}", inner, 0..3)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Claims that no right token has, one at a time.
fn bad_claim() -> impl Strategy<Value = (&'static str, Value)> {
    let no_number = any_json().prop_filter("a number", |value| !value.is_number());
    let no_text = any_json().prop_filter("a text", |value| !value.is_string());
    let far = 61..1_000_000_000_i64;
    let no_audience = prop_oneof![
        ".{0,12}".prop_map(Value::from),
        prop::collection::vec(any_json(), 0..3).prop_map(Value::from),
    ];
    prop_oneof![
        (select(vec!["exp", "nbf", "iat"]), no_number),
        (
            select(vec!["exp", "nbf", "iat"]),
            (i64::MIN..0).prop_map(Value::from)
        ),
        far.clone().prop_map(|far| ("exp", json!(NOW - far))),
        (far.clone(), select(vec!["nbf", "iat"])).prop_map(|(far, name)| (name, json!(NOW + far))),
        far.prop_map(|far| ("exp", json!(NOW + 3_600 + far))),
        (Just("sub"), no_text),
        "[a-z]{0,9}[\u{0}-\u{1f}\u{7f}-\u{9f}][a-z]{0,9}".prop_map(|user| ("sub", json!(user))),
        (256..400_usize).prop_map(|length| ("sub", json!("é".repeat(length)))),
        (Just("iss"), any_json()),
        (Just("aud"), no_audience),
    ]
}

fn flipped(token: &str, part: usize, bit: Index) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut bytes = URL_SAFE_NO_PAD.decode(&parts[part]).unwrap();
    let bit = bit.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    parts[part] = base64url(bytes);
    parts.join(".")
}

fn is_refused(case: &Case, token: &str) -> Result<(), TestCaseError> {
    let verified = case.stand.verify(token);
    prop_assert!(
        matches!(verified, Err(TokenRefused::Invalid(_))),
        "{token} is taken: {verified:?}"
    );
    // And nothing of this hinders the right one.
    prop_assert!(case.stand.verify(&case.token).is_ok());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn one_bit_makes_another_token(case in any_case(), part in 0..3_usize, bit: Index) {
        is_refused(case, &flipped(&case.token, part, bit))?;
    }

    #[test]
    fn one_character_makes_another_token(
        case in any_case(),
        place: Index,
        character in prop_oneof![any::<char>(), proptest::char::range('-', 'z')],
    ) {
        let place = place.index(case.token.len());
        let (before, after) = case.token.split_at(place);
        prop_assume!(!after.starts_with(character));
        is_refused(case, &format!("{before}{character}{}", &after[1..]))?;
        is_refused(case, &format!("{before}{character}{after}"))?;
    }

    #[test]
    fn a_piece_of_a_token_is_none(case in any_case(), from: Index, to: Index) {
        let length = case.token.len();
        let (one, other) = (from.index(length), to.index(length));
        let (from, to) = (one.min(other), one.max(other));
        is_refused(case, &case.token[from..to])?;
        is_refused(case, &case.token[..to])?;
        is_refused(case, &format!("{}{}", &case.token[..from], &case.token[to + 1..]))?;
    }

    #[test]
    fn anything_before_or_behind_makes_another_token(case in any_case(), more in ".{1,40}") {
        is_refused(case, &format!("{}{more}", case.token))?;
        is_refused(case, &format!("{more}{}", case.token))?;
    }

    #[test]
    fn parts_of_several_right_tokens_make_none(case in any_case(), user in "[a-z]{1,8}") {
        prop_assume!(user != "ada");
        let other = token_of(case.signer, &user);
        prop_assert_eq!(case.stand.user(&other), user);
        let (signed, signature) = case.token.rsplit_once('.').unwrap();
        let (other_signed, other_signature) = other.rsplit_once('.').unwrap();
        is_refused(case, &format!("{signed}.{other_signature}"))?;
        is_refused(case, &format!("{other_signed}.{signature}"))?;
    }

    #[test]
    fn no_other_key_signs(
        case in any_case(),
        forger in any_case(),
        named in any_case(),
        user in "[a-z]{1,8}",
    ) {
        let mut header = header_of(named.signer);
        for id in [json!(KEY_ID), json!("another")] {
            header["kid"] = id;
            let token = forger.forger.token(&header.to_string(), &claims_of(&user).to_string());
            is_refused(case, &token)?;
        }
    }

    #[test]
    fn no_other_algorithm_is_taken(
        case in any_case(),
        name in prop_oneof![
            "[nN][oO][nN][eE]", "(HS|RS|ES|PS)(256|384|512)", "[a-zA-Z0-9]{0,6}", ".{0,6}",
        ],
    ) {
        prop_assume!(name != case.signer.algorithm());
        let token = with_header(case.signer, "alg", name);
        is_refused(case, &token)?;
        let (signed, _) = token.rsplit_once('.').unwrap();
        is_refused(case, &format!("{signed}."))?;
    }

    #[test]
    fn no_extension_is_critical(case in any_case(), crit in any_json()) {
        is_refused(case, &with_header(case.signer, "crit", crit))?;
    }

    #[test]
    fn a_bad_claim_is_refused_however_it_is_signed(
        case in any_case(),
        (name, value) in bad_claim(),
    ) {
        prop_assume!(claims_of("ada")[name] != value);
        is_refused(case, &with_claim(case.signer, name, value))?;
    }

    #[test]
    fn other_members_do_not_matter(
        case in any_case(),
        name in "[a-z0-9]{4,8}",
        value in any_json(),
    ) {
        prop_assume!(name != "crit");
        prop_assert_eq!(case.stand.user(&with_claim(case.signer, &name, value.clone())), "ada");
        prop_assert_eq!(case.stand.user(&with_header(case.signer, &name, value)), "ada");
    }

    #[test]
    fn a_user_comes_out_as_signed(case in any_case(), user in "\\PC{1,60}") {
        prop_assert_eq!(case.stand.user(&token_of(case.signer, &user)), user);
    }

    #[test]
    fn whatever_is_sent_is_answered(
        case in any_case(),
        text in prop_oneof![".{0,200}", "[-_.A-Za-z0-9]{0,200}"],
        header in any_json(),
        claims in any_json(),
    ) {
        is_refused(case, &text)?;
        is_refused(case, &case.signer.token(&header.to_string(), &claims.to_string()))?;
        let header = header_of(case.signer).to_string();
        is_refused(case, &case.signer.token(&header, &claims.to_string()))?;
        is_refused(case, &case.signer.token(&header, &text))?;
    }
}

/// When a token of [`claims_of`] is good, in seconds from [`NOW`].
const GOOD: Range<i64> = -70..660;

proptest! {
    #[test]
    fn a_token_is_good_in_its_time_only(
        number in 0..4_usize,
        moments in prop::collection::vec(prop_oneof![
            -100..-50_i64, 630..690_i64, -2_000_000_000..2_000_000_000_i64,
        ], 1..8),
    ) {
        let signer = signers()[number];
        let stand = Stand::of(signer);
        let token = token_of(signer, "ada");
        for seconds in moments {
            stand.clock.set((NOW + seconds) * 1_000_000);
            prop_assert_eq!(stand.verify(&token).is_ok(), GOOD.contains(&seconds), "{}", seconds);
        }
    }
}
