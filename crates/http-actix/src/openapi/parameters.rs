//! The parameters of requests.

use convosync_application::pull_changes::{LIMIT_DEFAULT, LIMIT_MAX};
use convosync_application::read_conversations;
use convosync_domain::identity::IDENTITY_MAX_CHARACTERS;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, RefOr, Required, Type};

use super::items::id;
use super::schema::of_type;
use crate::endpoints::WAIT_MAX;

pub(crate) const ANON_ID: &str = "anon_id";
pub(crate) const USER_ID: &str = "user_id";
/// Who asks.
pub(crate) const VISITOR: [&str; 2] = [ANON_ID, USER_ID];
pub(crate) const SINCE: &str = "since";
pub(crate) const LIMIT: &str = "limit";
pub(crate) const WAIT: &str = "wait";
pub(crate) const LAST_EVENT_ID: &str = "Last-Event-ID";
pub(crate) const CURSOR: &str = "cursor";
/// `limit` where conversations are read.
pub(crate) const PAGE_LIMIT: &str = "page_limit";
pub(crate) const ORDER: &str = "order";
pub(crate) const CONVERSATION_ID: &str = "conversation_id";
pub(crate) const MESSAGE_ID: &str = "message_id";
/// The user who goes on.
pub(crate) const INTO_USER: &str = "into_user";
pub(crate) const IF_MATCH: &str = "If-Match";
pub(crate) const PREFER: &str = "Prefer";
pub(crate) const IF_NONE_MATCH: &str = "If-None-Match";

/// No control character, as in all names.
pub(super) const NAME_PATTERN: &str = r"^[^\u0000-\u001f\u007f-\u009f]+$";
const CURSOR_PATTERN: &str = "^[A-Za-z0-9._~-]*$";

/// All of them, by the names by which operations refer to them.
pub(crate) fn all() -> impl Iterator<Item = (String, RefOr<Parameter>)> {
    let names_and_pages = [
        (
            ANON_ID,
            query(
                ANON_ID,
                "The visitor, where it is anonymous; also taken as `Authorization: Anon <anon_id>`. \
                 Give this or `user_id`.",
                identity(),
            ),
        ),
        (
            USER_ID,
            query(
                USER_ID,
                "The visitor, where it is a user. Give this or `anon_id`.",
                identity(),
            )
            .example(Some("ada".into())),
        ),
        (
            INTO_USER,
            query(USER_ID, "The user who goes on.", identity())
                .required(Required::True)
                .example(Some("ada".into())),
        ),
        (
            SINCE,
            query(
                SINCE,
                "The cursor to go on from, as the answer before told it.",
                cursor(),
            ),
        ),
        (
            CURSOR,
            query(CURSOR, "The `next_cursor` of the page before.", cursor()),
        ),
        (
            LIMIT,
            query(
                LIMIT,
                "How many items to answer at most. A page may end earlier, by its size.",
                within(1, LIMIT_MAX, LIMIT_DEFAULT),
            ),
        ),
        (
            PAGE_LIMIT,
            query(
                LIMIT,
                "How many items to answer at most. A page may end earlier, by its size.",
                within(1, LIMIT_MAX, read_conversations::LIMIT_DEFAULT),
            ),
        ),
        (
            ORDER,
            query(
                ORDER,
                "Which messages come first.",
                of_type(Type::String)
                    .enum_values(Some(["oldest", "newest"]))
                    .default(Some("oldest".into())),
            ),
        ),
        (
            WAIT,
            query(
                WAIT,
                "Where nothing has changed, for how many seconds to wait for a change (long polling).",
                within(0, usize::try_from(WAIT_MAX).unwrap_or(usize::MAX), 0),
            ),
        ),
    ];
    names_and_pages
        .into_iter()
        .chain(ids())
        .chain(headers())
        .map(|(name, parameter)| (name.to_owned(), parameter.build().into()))
}

/// Those in paths.
fn ids() -> [(&'static str, ParameterBuilder); 2] {
    let in_path = |name: &str, description: &str, example: &str| {
        parameter(name, ParameterIn::Path, description, id())
            .required(Required::True)
            .example(Some(example.into()))
    };
    [
        (
            CONVERSATION_ID,
            in_path(
                CONVERSATION_ID,
                "The conversation, percent-encoded.",
                "0198b2a4-7c1e-7000-8000-000000000001",
            ),
        ),
        (
            MESSAGE_ID,
            in_path(
                MESSAGE_ID,
                "The message of that conversation, percent-encoded.",
                "0198b2a4-7c1e-7000-8000-000000000002",
            ),
        ),
    ]
}

fn headers() -> [(&'static str, ParameterBuilder); 4] {
    let header = |name: &'static str, description: &str| {
        let schema = of_type(Type::String);
        (
            name,
            parameter(name, ParameterIn::Header, description, schema),
        )
    };
    [
        header(
            PREFER,
            "`handling=strict` refuses what is mended otherwise: unknown fields, U+0000 and unpaired \
             surrogates in texts, numbers for moments. `handling=lenient` takes the good items and tells \
             which were `rejected`. Other preferences are ignored.",
        ),
        header(
            IF_NONE_MATCH,
            "The `ETag` of what the client has, or several: 304 where one is of what there is.",
        ),
        header(
            IF_MATCH,
            "An `ETag` of the conversation, or several, or `*`: 412 where none is of what there is.",
        ),
        header(
            LAST_EVENT_ID,
            "The `id` of the last event that came, as browsers send it by themselves; it counts before `since`.",
        ),
    ]
}

/// The name of a visitor.
pub(crate) fn identity() -> ObjectBuilder {
    of_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(IDENTITY_MAX_CHARACTERS))
        .pattern(Some(NAME_PATTERN))
}

/// A cursor, which is opaque.
fn cursor() -> ObjectBuilder {
    of_type(Type::String).pattern(Some(CURSOR_PATTERN))
}

fn within(least: usize, most: usize, default: usize) -> ObjectBuilder {
    of_type(Type::Integer)
        .minimum(Some(least))
        .maximum(Some(most))
        .default(Some(default.into()))
}

fn query(name: &str, description: &str, schema: ObjectBuilder) -> ParameterBuilder {
    parameter(name, ParameterIn::Query, description, schema)
}

/// A parameter that need not be given.
fn parameter(
    name: &str,
    place: ParameterIn,
    description: &str,
    schema: ObjectBuilder,
) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
}
