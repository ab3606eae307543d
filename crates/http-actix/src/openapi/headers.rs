//! The headers of answers.

use utoipa::openapi::HeaderBuilder;
use utoipa::openapi::{Header, ObjectBuilder, Ref, RefOr, Response, Type};

use super::schema::of_type;

pub(crate) const ETAG: &str = "ETag";
pub(crate) const PREFERENCE_APPLIED: &str = "Preference-Applied";
pub(crate) const RATE_LIMIT: &str = "RateLimit";
const ACCEPT: &str = "Accept";
const ACCEPT_ENCODING: &str = "Accept-Encoding";
pub(crate) const CONTENT_DISPOSITION: &str = "Content-Disposition";
const CONVOSYNC_VERSION: &str = "Convosync-Version";
const RATE_LIMIT_POLICY: &str = "RateLimit-Policy";
const REQUEST_ID: &str = "X-Request-Id";
const RETRY_AFTER: &str = "Retry-After";
const WWW_AUTHENTICATE: &str = "WWW-Authenticate";

/// On every answer.
pub(super) const OF_EVERY_ANSWER: [&str; 2] = [CONVOSYNC_VERSION, REQUEST_ID];

/// On errors of this status.
pub(super) fn of_error(status: u16) -> &'static [&'static str] {
    match status {
        401 => &[WWW_AUTHENTICATE],
        415 => &[ACCEPT, ACCEPT_ENCODING],
        429 => &[RATE_LIMIT_POLICY, RETRY_AFTER],
        503 => &[RETRY_AFTER],
        _ => &[],
    }
}

/// All of them, by name.
pub(crate) fn all() -> impl Iterator<Item = (String, RefOr<Header>)> {
    [
        (ACCEPT, "The type of body that is taken, where that was wrong.", word()),
        (ACCEPT_ENCODING, "The encoding that is taken, where that was wrong.", word()),
        (CONTENT_DISPOSITION, "Has browsers save the answer as a file.", word()),
        (CONVOSYNC_VERSION, "The version of the server.", word()),
        (ETAG, "Stands for the state that the answer shows; weak.", word()),
        (PREFERENCE_APPLIED, "The preference that was followed.", word()),
        (
            RATE_LIMIT,
            "How many requests are left of the limit, where they are counted: `\"address\";r=<requests>`; \
             where none is, also in how many seconds there is one: `;t=<seconds>`.",
            word(),
        ),
        (RATE_LIMIT_POLICY, "The limit that was met: `\"<name>\";q=<requests>;w=<seconds>`.", word()),
        (REQUEST_ID, "Names the request: the client's own name for it, or a new one.", word()),
        (
            RETRY_AFTER,
            "When to come again, in seconds.",
            of_type(Type::Integer).minimum(Some(1)),
        ),
        (WWW_AUTHENTICATE, "What is wrong with the proof, as RFC 6750 has it.", word()),
    ]
    .into_iter()
    .map(|(name, description, schema)| {
        let header = HeaderBuilder::new()
            .description(Some(description))
            .schema(Some(schema));
        (name.to_owned(), header.build().into())
    })
}

/// Tells that an answer has this header.
pub(super) fn add_header(response: &mut Response, name: &str) {
    let header = Ref::new(format!("#/components/headers/{name}"));
    response.headers.insert(name.to_owned(), RefOr::Ref(header));
}

fn word() -> ObjectBuilder {
    of_type(Type::String)
}
