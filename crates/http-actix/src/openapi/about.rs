//! What is said of the API as a whole.

use utoipa::openapi::{Info, License, Server, Tag};

use super::operation::Topic;

const DESCRIPTION: &str = "\
Keeps the conversations of an AI-chat app in sync between devices.

**Visitors.** Everything belongs to a visitor, named in the URL by `anon_id` or `user_id`. In open mode the \
URL is believed; in protected mode a visitor is proved: an anonymous one by its `anon_id`, a user by a token, \
and an API key speaks for any within its scopes.

**Paths** are served with and without the slash at their end, and whatever answers GET answers HEAD. Another \
path gets 404 `not_found`, another method 405 `method_not_allowed` with `Allow`.

**Errors** are JSON of one shape, `Error`; its `code` never changes its meaning. Only malformed HTTP may get \
an answer without a body.

**Names of requests.** An `X-Request-Id` of up to 128 letters, digits, `.`, `_` and `-` is taken; every answer \
carries the request's.

**Pages of other origins** (CORS) may ask where `server.cors_origins` lists them. Others get no \
`Access-Control-Allow-Origin`, and their preflights 403 `origin_not_allowed` or `preflight_refused`.

**Sizes.** A URL has up to 2 KiB, a body up to 64 MiB, gzip or not, unless the server's `limits` say otherwise.";

pub(super) fn info(version: &str) -> Info {
    let mut info = Info::new("Convosync", version);
    info.description = Some(DESCRIPTION.to_owned());
    let mut license = License::new(env!("CARGO_PKG_LICENSE"));
    license.identifier = Some(env!("CARGO_PKG_LICENSE").to_owned());
    info.license = Some(license);
    info
}

/// The server that the document came from.
pub(super) fn server() -> Server {
    Server::new("/")
}

pub(super) fn tags() -> Vec<Tag> {
    let topics = Topic::ALL.map(|topic| {
        let mut tag = Tag::new(topic.name());
        tag.description = Some(topic.description().to_owned());
        tag
    });
    topics.into()
}
