//! How a pull is described.

use actix_web::http::StatusCode;
use convosync_domain::api_key::Scope;
use serde_json::json;
use utoipa::openapi::{RefOr, Schema};

use crate::error::ErrorCode;
use crate::openapi::content::Answer;
use crate::openapi::headers;
use crate::openapi::items::{CONVERSATION, CONVERSATION_TOMBSTONE};
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::parameters::{LIMIT, SINCE, WAIT};
use crate::openapi::schema::{Has as _, NamedSchema, any_of, array, boolean, object, shared, text};

const DESCRIPTION: &str = "\
What has changed since the cursor, oldest change first, in the shape that a post takes: a conversation comes with \
all its own fields and with those of its messages that changed; what was deleted comes as a tombstone. Without \
`since` it begins at the start. Pull on with `cursor` until `has_more` is false, and keep the last one. Items may \
come twice, none is missing.

`limit` counts changed conversations and messages.";

pub(crate) fn describe() -> Operation {
    let answer = Answer::json(StatusCode::OK, "A page of changes.", page());
    let example = json!({
        "conversations": [
            {
                "id": "0198b2a4-7c1e-7000-8000-000000000001",
                "title": "Tides",
                "created_at": "2025-07-27T12:34:56Z",
                "updated_at": "2025-07-27T12:35:10Z",
                "messages": [
                    {"message_id": "0198b2a4-7c1e-7000-8000-000000000002", "timestamp": "2025-07-27T12:35:00Z", "vote": true},
                    {"message_id": "draft-1", "deleted_at": "2025-07-27T12:36:00Z"},
                ],
            },
            {"id": "chat-2", "deleted_at": "2025-07-27T12:40:00Z"},
        ],
        "cursor": "AQAAAAAAAAAF.x7Qd",
        "has_more": false,
    });
    Operation::new(
        "pullChanges",
        Topic::Sync,
        "What others have changed, page by page",
    )
    .description(DESCRIPTION)
    .of_visitor(Scope::SyncAny)
    .parameters([SINCE, LIMIT, WAIT])
    .answer(answer.header(headers::ETAG).example("page", example))
    .not_modified()
    .errors([
        ErrorCode::CursorExpired,
        ErrorCode::InvalidCursor,
        ErrorCode::InvalidLimit,
        ErrorCode::InvalidWait,
        ErrorCode::TooManyStreams,
    ])
}

/// A page of changes.
pub(crate) fn page() -> NamedSchema {
    let page = object("A page of changes.");
    let page = page_fields()
        .into_iter()
        .fold(page, |page, (name, schema)| page.has(name, schema));
    NamedSchema::new("Changes", page)
}

/// The fields of a page of changes.
pub(crate) fn page_fields() -> [(&'static str, RefOr<Schema>); 3] {
    let changed = any_of(
        "A conversation, or what stays of one.",
        [
            shared(CONVERSATION).into(),
            shared(CONVERSATION_TOMBSTONE).into(),
        ],
    );
    [
        (
            "conversations",
            array("What has changed, oldest change first.", changed).into(),
        ),
        ("cursor", text("Where to go on from.").into()),
        ("has_more", boolean("Whether there is more now.").into()),
    ]
}
