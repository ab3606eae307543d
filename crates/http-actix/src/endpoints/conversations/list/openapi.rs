//! How the list is described.

use actix_web::http::StatusCode;
use convosync_domain::api_key::Scope;
use serde_json::json;

use crate::error::ErrorCode;
use crate::openapi::content::Answer;
use crate::openapi::headers;
use crate::openapi::items::conversation_alone;
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::parameters::{CURSOR, PAGE_LIMIT};
use crate::openapi::schema::{Has as _, NamedSchema, array, count, next_cursor, object};

const DESCRIPTION: &str = "\
The living conversations with their own fields and the numbers of their messages, without the messages; the one that \
changed last comes first. One that changes meanwhile moves to the beginning, so the pages to come do not have it.";

pub(crate) fn describe() -> Operation {
    let listed = conversation_alone("A conversation without its messages.")
        .has("message_count", count("How many messages of it live."));
    let schema = object("A page of conversations.")
        .has(
            "conversations",
            array("The one that changed last comes first.", listed),
        )
        .has("next_cursor", next_cursor());
    let answer = Answer::json(
        StatusCode::OK,
        "A page of conversations.",
        NamedSchema::new("ConversationList", schema),
    );
    let example = json!({
        "conversations": [{
            "id": "0198b2a4-7c1e-7000-8000-000000000001",
            "title": "Tides",
            "created_at": "2025-07-27T12:34:56Z",
            "updated_at": "2025-07-27T12:35:10Z",
            "message_count": 1,
        }],
        "next_cursor": null,
    });
    Operation::new(
        "listConversations",
        Topic::Conversations,
        "A visitor's conversations, page by page",
    )
    .description(DESCRIPTION)
    .of_visitor(Scope::SyncAny)
    .parameters([CURSOR, PAGE_LIMIT])
    .answer(answer.header(headers::ETAG).example("page", example))
    .not_modified()
    .errors([
        ErrorCode::CursorExpired,
        ErrorCode::InvalidCursor,
        ErrorCode::InvalidLimit,
    ])
}
