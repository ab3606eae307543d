//! How a conversation by its URL is described.

use actix_web::http::StatusCode;
use convosync_domain::api_key::Scope;
use serde_json::json;

use crate::error::ErrorCode;
use crate::openapi::content::Answer;
use crate::openapi::headers;
use crate::openapi::items::{MESSAGE, conversation_alone};
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::parameters::{CONVERSATION_ID, CURSOR, ORDER, PAGE_LIMIT};
use crate::openapi::schema::{Has as _, NamedSchema, array, next_cursor, shared};

const DESCRIPTION: &str = "\
A living conversation with a page of its living messages, by their `timestamp`. The conversation's own fields are on \
every page.";

pub(crate) fn describe() -> Operation {
    let schema = conversation_alone("A conversation with a page of its messages.")
        .has(
            "messages",
            array("Messages in the order that was asked for.", shared(MESSAGE)),
        )
        .has("next_cursor", next_cursor());
    let answer = Answer::json(
        StatusCode::OK,
        "The conversation.",
        NamedSchema::new("ConversationPage", schema),
    );
    let example = json!({
        "id": "0198b2a4-7c1e-7000-8000-000000000001",
        "title": "Tides",
        "created_at": "2025-07-27T12:34:56Z",
        "updated_at": "2025-07-27T12:35:10Z",
        "messages": [{
            "message_id": "0198b2a4-7c1e-7000-8000-000000000002",
            "timestamp": "2025-07-27T12:35:00Z",
            "vote": true,
            "output": {"id": 1, "output_type": "text", "output_content_text": "Because of the moon."},
        }],
        "next_cursor": null,
    });
    Operation::new(
        "getConversation",
        Topic::Conversations,
        "One conversation with its messages, page by page",
    )
    .description(DESCRIPTION)
    .parameters([CONVERSATION_ID])
    .of_visitor(Scope::SyncAny)
    .parameters([ORDER, CURSOR, PAGE_LIMIT])
    .answer(answer.header(headers::ETAG).example("page", example))
    .not_modified()
    .errors([
        ErrorCode::ConversationNotFound,
        ErrorCode::CursorExpired,
        ErrorCode::InvalidCursor,
        ErrorCode::InvalidId,
        ErrorCode::InvalidLimit,
        ErrorCode::InvalidOrder,
    ])
}
