//! How a visitor is proved.

use convosync_domain::api_key::Scope;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{RefOr, SecurityRequirement};

use super::parameters;

const ANON_ID: &str = "anonId";
const ANON_HEADER: &str = "anonHeader";
const USER_TOKEN: &str = "userToken";
const API_KEY: &str = "apiKey";
const OPERATOR_TOKEN: &str = "operatorToken";

/// All of them, by name.
pub(super) fn schemes() -> impl Iterator<Item = (String, RefOr<SecurityScheme>)> {
    let anon_id = ApiKeyValue::with_description(
        parameters::ANON_ID,
        "An anonymous visitor's name, which the server made, is its proof.",
    );
    let anon_header = ApiKeyValue::with_description(
        "Authorization",
        "`Anon <anon_id>`: the same, out of the URL.",
    );
    [
        (ANON_ID, SecurityScheme::ApiKey(ApiKey::Query(anon_id))),
        (
            ANON_HEADER,
            SecurityScheme::ApiKey(ApiKey::Header(anon_header)),
        ),
        (
            USER_TOKEN,
            bearer(
                "JWT",
                "A user's token: its `sub`, or the claim that is set, is the `user_id`.",
            ),
        ),
        (
            API_KEY,
            bearer(
                "csk_…",
                "A back end's API key, which acts for visitors within its scopes.",
            ),
        ),
        (
            OPERATOR_TOKEN,
            bearer("metrics.token", "The operator's token, from the settings."),
        ),
    ]
    .into_iter()
    .map(|(name, scheme)| (name.to_owned(), scheme.into()))
}

fn bearer(format: &str, description: &str) -> SecurityScheme {
    let scheme = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format(format)
        .description(Some(description));
    SecurityScheme::Http(scheme.build())
}

/// What proves any visitor, any of it alone; in open mode nothing need.
pub(super) fn of_visitor(scope: Scope) -> Vec<SecurityRequirement> {
    let anonymous = [ANON_ID, ANON_HEADER].map(|name| requirement(name, None));
    anonymous.into_iter().chain(of_user(scope)).collect()
}

/// What proves a user, any of it alone; in open mode nothing need.
pub(super) fn of_user(scope: Scope) -> Vec<SecurityRequirement> {
    vec![
        requirement(USER_TOKEN, None),
        requirement(API_KEY, Some(scope)),
        SecurityRequirement::default(),
    ]
}

/// What proves the operator.
pub(super) fn of_operator() -> SecurityRequirement {
    requirement(OPERATOR_TOKEN, None)
}

fn requirement(name: &str, scope: Option<Scope>) -> SecurityRequirement {
    SecurityRequirement::new(name, scope.map(Scope::as_str))
}
