//! The errors that several operations may answer with, and how all are described.

use std::collections::{BTreeMap, BTreeSet};

use utoipa::openapi::{AllOfBuilder, Content, Object, RefOr, Response, Schema, Type};

use super::headers::{self, add_header};
use super::schema::{Has as _, array, object, of_type, shared, text};
use crate::error::ErrorCode;

/// Whatever is asked for.
pub(super) const OF_EVERY_OPERATION: [ErrorCode; 8] = [
    ErrorCode::Draining,
    ErrorCode::ForeignHost,
    ErrorCode::HeadersTooLarge,
    ErrorCode::Internal,
    ErrorCode::ProxiedInOpenMode,
    ErrorCode::TooManyInFlight,
    ErrorCode::TooManyRequests,
    ErrorCode::UrlTooLong,
];

/// Where the operation is on a visitor's data.
pub(super) const OF_VISITOR: [ErrorCode; 13] = [
    ErrorCode::ConflictingIdentity,
    ErrorCode::InvalidApiKey,
    ErrorCode::InvalidIdentity,
    ErrorCode::InvalidToken,
    ErrorCode::KeysUnavailable,
    ErrorCode::MissingScope,
    ErrorCode::OtherUser,
    ErrorCode::ProofMissing,
    ErrorCode::RepeatedParameter,
    ErrorCode::StorageUnavailable,
    ErrorCode::VisitorErased,
    ErrorCode::VisitorMerged,
    ErrorCode::VisitorNotFound,
];

/// Where a visitor is made.
pub(super) const OF_NEW_VISITOR: [ErrorCode; 12] = [
    ErrorCode::InvalidApiKey,
    ErrorCode::InvalidIdentity,
    ErrorCode::InvalidToken,
    ErrorCode::KeysUnavailable,
    ErrorCode::MissingScope,
    ErrorCode::OtherUser,
    ErrorCode::ProofMissing,
    ErrorCode::RegistrationForbidden,
    ErrorCode::StorageFull,
    ErrorCode::StorageUnavailable,
    ErrorCode::VisitorErased,
    ErrorCode::VisitorMerged,
];

/// Where the request has a body.
pub(super) const OF_BODY: [ErrorCode; 5] = [
    ErrorCode::BodyIncomplete,
    ErrorCode::BodyTimeout,
    ErrorCode::BodyTooLarge,
    ErrorCode::UnsupportedContentEncoding,
    ErrorCode::UnsupportedContentType,
];

/// What no operation answers with, but the server where there is none.
#[cfg(test)]
pub(super) const OF_NO_OPERATION: [ErrorCode; 4] = [
    ErrorCode::MethodNotAllowed,
    ErrorCode::OriginNotAllowed,
    ErrorCode::PreflightRefused,
    ErrorCode::RangeNotSatisfiable,
];

const ERROR: &str = "Error";

/// The one shape that all errors have.
pub(super) fn schemas() -> impl Iterator<Item = (String, RefOr<Schema>)> {
    let detail = object("What is wrong in one place of a body.")
        .has(
            "path",
            text("The place, as `conversations[3].messages[0].timestamp`."),
        )
        .has("message", text("What is wrong there."));
    let error = object("An error.")
        .has("error", text("What is wrong, for people."))
        .has("code", text("What is wrong, for programs."))
        .property(
            "details",
            array("The places of the body that are wrong, up to 100.", detail),
        )
        .has(
            "request_id",
            text("Names the request, as `X-Request-Id` does."),
        );
    [(ERROR.to_owned(), error.into())].into_iter()
}

/// The answers that have these codes, by their status.
pub(super) fn responses(codes: &BTreeSet<ErrorCode>) -> BTreeMap<String, Response> {
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes {
        by_status
            .entry(code.status().as_u16())
            .or_default()
            .push(*code);
    }
    let responses = by_status.into_iter();
    responses
        .map(|(status, codes)| (status.to_string(), response(status, &codes)))
        .collect()
}

fn response(status: u16, codes: &[ErrorCode]) -> Response {
    let lines = codes
        .iter()
        .map(|code| format!("- `{}`: {}", code.as_str(), code.text()));
    let mut response = Response::new(lines.collect::<Vec<_>>().join("\n"));
    let words = codes.iter().map(|code| code.as_str());
    let code = of_type(Type::String).enum_values(Some(words));
    let schema = AllOfBuilder::new()
        .item(shared(ERROR))
        .item(Object::builder().property("code", code));
    let content = Content::new(Some(schema));
    response
        .content
        .insert("application/json".to_owned(), content.into());
    for name in headers::of_error(status) {
        add_header(&mut response, name);
    }
    response
}
