use convosync_domain::api_key::{ApiKey, ApiKeyName, Scopes, SecretHash};
use convosync_domain::ports::{MockApiKeyStore, MockClock, MockTokenVerifier, VerifiedToken};
use convosync_domain::timestamp::Timestamp;

use super::*;
use convosync_domain::identity::VisitorId;

const ISSUED: &str = "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcde";
const SECRET: &str = "0123456789-abcdefghijklmnopqrstuvwxyz_ABCDE";

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

/// Access where the token `ada.s.token` is the user ada's, and the key 1 has this scope.
fn access(scope: Scope) -> ProtectedAccess {
    access_of(
        scope,
        AnonymousAccess {
            accepts_client_ids: false,
            anyone_may_register: true,
        },
    )
}

fn access_of(scope: Scope, anonymous: AnonymousAccess) -> ProtectedAccess {
    let mut tokens = MockTokenVerifier::new();
    tokens.expect_verify().returning(|token| match token {
        "ada.s.token" => Ok(VerifiedToken {
            user_id: "ada".to_owned(),
            expires_at: at(9),
        }),
        "no.keys.yet" => Err(TokenRefused::KeysUnavailable),
        _ => Err(TokenRefused::Invalid("the signature is wrong")),
    });
    let mut keys = MockApiKeyStore::new();
    keys.expect_find_key().returning(move |id| {
        let key = ApiKey {
            id,
            name: ApiKeyName::default(),
            secret_hash: SecretHash::of(SECRET),
            scopes: Scopes::from_iter([scope]),
            created_at: at(0),
            expires_at: None,
            revoked_at: None,
        };
        Ok((id == key_id()).then_some(key))
    });
    let mut clock = MockClock::new();
    clock.expect_now().returning(|| at(1));
    let api_keys = VerifyApiKey::new(Arc::new(keys), Arc::new(clock));
    ProtectedAccess::new(Some(Arc::new(tokens)), api_keys, anonymous)
}

fn key_id() -> ApiKeyId {
    ApiKeyId::from_bits(1)
}

fn key(secret: &str) -> String {
    format!("{TOKEN_PREFIX}{}_{secret}", key_id())
}

fn user(user_id: &str) -> Option<VisitorIdentity> {
    Some(VisitorIdentity::registered(user_id).unwrap())
}

fn anonymous(anon_id: &str) -> Option<VisitorIdentity> {
    Some(VisitorIdentity::anonymous(anon_id).unwrap())
}

fn by(identity: Option<VisitorIdentity>, token: &str) -> Claim {
    Claim {
        identity,
        proof: Proof::Bearer(token.to_owned()),
    }
}

fn without_proof(identity: Option<VisitorIdentity>) -> Claim {
    Claim {
        identity,
        proof: Proof::None,
    }
}

/// Who may sync by this claim: the user or anonymous visitor and the key, or why nobody may.
async fn syncing(access: &ProtectedAccess, claim: &Claim) -> String {
    match access.authenticate(claim, Scope::SyncAny).await {
        Ok(visitor) => {
            let identity = visitor.identity();
            assert_eq!(Some(identity), claim.identity.as_ref());
            assert_eq!(visitor.id(), VisitorId::from(identity));
            match visitor.api_key() {
                Some(key) => format!("by {key}"),
                None => "in person".to_owned(),
            }
        }
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn an_anonymous_visitor_is_whoever_knows_an_id_of_the_server() {
    let access = access(Scope::SyncAny);
    assert_eq!(
        syncing(&access, &without_proof(anonymous(ISSUED))).await,
        "in person"
    );
    for (anon_id, end) in [(ISSUED, "!"), (ISSUED, "a"), ("", "a"), ("", "anon-1")] {
        let claim = without_proof(anonymous(&format!("{anon_id}{end}")));
        assert_eq!(syncing(&access, &claim).await, "no such anonymous visitor");
    }
    // A token beside it is for a proxy, or of a user that this visitor may become.
    let claim = by(anonymous(ISSUED), "ada.s.token");
    assert_eq!(syncing(&access, &claim).await, "in person");
}

#[tokio::test]
async fn ids_that_apps_chose_count_where_the_settings_say_so() {
    let anonymous_access = AnonymousAccess {
        accepts_client_ids: true,
        anyone_may_register: true,
    };
    let access = access_of(Scope::SyncAny, anonymous_access);
    let many = "\u{e4}".repeat(22);
    for (anon_id, expected) in [
        ("6518856d-63ae-5696-b190-8593ef95598b", "in person"),
        (many.as_str(), "in person"),
        ("0123456789012345678901", "in person"),
        ("012345678901234567890", "no such anonymous visitor"),
    ] {
        let claim = without_proof(anonymous(anon_id));
        assert_eq!(syncing(&access, &claim).await, expected, "{anon_id}");
    }
}

#[tokio::test]
async fn a_user_is_whose_token_it_is_byte_for_byte() {
    let access = access(Scope::SyncAny);
    assert_eq!(
        syncing(&access, &by(user("ada"), "ada.s.token")).await,
        "in person"
    );
    for other in ["Ada", "ada ", " ada", "ad\u{e1}", "adaa", "42"] {
        let claim = by(user(other), "ada.s.token");
        assert_eq!(
            syncing(&access, &claim).await,
            "the token is for another user"
        );
    }
    for (claim, expected) in [
        (
            without_proof(user("ada")),
            "the proof of identity is missing",
        ),
        (
            without_proof(user("nobody")),
            "the proof of identity is missing",
        ),
        (
            by(user("ada"), "x"),
            "the token is not accepted: the signature is wrong",
        ),
        (
            by(user("ada"), ""),
            "the token is not accepted: the signature is wrong",
        ),
        (
            by(user("ada"), "no.keys.yet"),
            "the keys for tokens are not available",
        ),
        (by(None, "ada.s.token"), "no visitor is named"),
        (
            Claim {
                identity: user("ada"),
                proof: Proof::Malformed("it stands twice"),
            },
            "the token is not accepted: it stands twice",
        ),
    ] {
        assert_eq!(syncing(&access, &claim).await, expected, "{claim:?}");
    }
}

#[tokio::test]
async fn an_api_key_acts_for_every_visitor_within_its_scope() {
    let good = key(SECRET);
    let of_nobody = good.replace("1_", "2_");
    for (scope, token, expected) in [
        (Scope::SyncAny, good.as_str(), "by 0000000000000001"),
        (
            Scope::VisitorsErase,
            &good,
            "the API key lacks the scope sync:any",
        ),
        (Scope::SyncAny, &key(ISSUED), "the API key is not accepted"),
        (Scope::SyncAny, &of_nobody, "the API key is not accepted"),
        (Scope::SyncAny, TOKEN_PREFIX, "the API key is not accepted"),
        (
            Scope::SyncAny,
            &format!("{good} "),
            "the API key is not accepted",
        ),
    ] {
        let access = access(scope);
        let claim = by(user("anybody"), token);
        assert_eq!(syncing(&access, &claim).await, expected, "{scope} {token}");
    }
}

#[tokio::test]
async fn without_keys_for_tokens_no_token_is_good() {
    let mut access = access(Scope::SyncAny);
    access.tokens = None;
    assert_eq!(
        syncing(&access, &by(user("ada"), "ada.s.token")).await,
        "the token is not accepted: no tokens of users are accepted"
    );
}

/// Whom a claim may register, or why nobody.
async fn registering(access: &ProtectedAccess, claim: &Claim) -> String {
    match access.authorize_registration(claim).await {
        Ok(NewVisitor::Anonymous) => "somebody".to_owned(),
        Ok(NewVisitor::Named(visitor)) => {
            assert_eq!(Some(visitor.identity()), claim.identity.as_ref());
            format!("{:?}", visitor.api_key())
        }
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn who_may_register_whom() {
    let forbidden = "nobody may register this visitor without an API key";
    let by_key = "Some(ApiKeyId(0000000000000001))";
    let client = "6518856d-63ae-5696-b190-8593ef95598b";
    let [closed, usual, lenient] = [(false, false), (false, true), (true, true)].map(
        |(accepts_client_ids, anyone_may_register)| {
            let anonymous = AnonymousAccess {
                accepts_client_ids,
                anyone_may_register,
            };
            access_of(Scope::VisitorsCreate, anonymous)
        },
    );
    for (access, claim, expected) in [
        (&usual, without_proof(None), "somebody"),
        (&closed, without_proof(None), forbidden),
        (&closed, by(None, &key(SECRET)), "somebody"),
        (&closed, by(None, "ada.s.token"), forbidden),
        (&usual, without_proof(anonymous(ISSUED)), forbidden),
        (&usual, by(anonymous(ISSUED), &key(SECRET)), by_key),
        (&usual, by(anonymous(client), &key(SECRET)), forbidden),
        (&lenient, by(anonymous(client), &key(SECRET)), by_key),
        (&lenient, without_proof(anonymous(client)), "None"),
        (&lenient, without_proof(anonymous("short")), forbidden),
        (
            &usual,
            without_proof(user("ada")),
            "the proof of identity is missing",
        ),
        (&usual, by(user("ada"), "ada.s.token"), "None"),
        (
            &usual,
            by(user("bob"), "ada.s.token"),
            "the token is for another user",
        ),
        (&usual, by(user("bob"), &key(SECRET)), by_key),
        (
            &usual,
            by(user("bob"), &key(ISSUED)),
            "the API key is not accepted",
        ),
    ] {
        assert_eq!(registering(access, &claim).await, expected, "{claim:?}");
    }
    let claim = by(user("bob"), &key(SECRET));
    let other_scope = access(Scope::SyncAny);
    assert_eq!(
        registering(&other_scope, &claim).await,
        "the API key lacks the scope visitors:create"
    );
}
