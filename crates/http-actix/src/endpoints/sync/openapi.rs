//! How a post is described.

use actix_web::http::StatusCode;
use convosync_domain::api_key::Scope;
use serde_json::{Value, json};
use utoipa::openapi::ObjectBuilder;

use crate::endpoints::changes;
use crate::error::ErrorCode;
use crate::openapi::content::{Answer, Body};
use crate::openapi::headers;
use crate::openapi::items::{POSTED_CONVERSATION, id};
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::parameters::{LIMIT, PREFER, SINCE};
use crate::openapi::schema::{
    Has as _, NamedSchema, any_of, array, count, null, object, shared, text,
};

const DESCRIPTION: &str = "\
Takes what a device has of conversations and messages: all of it or, where anything is wrong, nothing. \
An item is merged by its stamp, which is its `updated_at`, of a message else that of its conversation: newer \
fields replace older ones, and what is not sent stays as it is. `deleted_at` deletes. The same post twice \
changes nothing the second time.

With `since` it is a turn: the answer also tells what the device does not have, first what of this post was not \
taken because something newer is stored, then the page of changes after the cursor. An empty `since` begins at \
the start.";

pub(crate) fn describe() -> Operation {
    let conversations = array("What the device has.", shared(POSTED_CONVERSATION));
    let posted = object("A post.").has("conversations", conversations);
    let body = Body::json(
        NamedSchema::new("Post", posted),
        "Conversations with messages; up to 10,000 and 100,000, unless the server's `limits` say otherwise.",
    );
    let answer = Answer::json(
        StatusCode::OK,
        "What was taken.",
        NamedSchema::new("Posted", answered()),
    );
    Operation::new("sync", Topic::Sync, "Post conversations and messages")
        .description(DESCRIPTION)
        .of_visitor(Scope::SyncAny)
        .parameters([SINCE, LIMIT, PREFER])
        .body(
            body.example("conversation", conversation())
                .example("deletion", deletion()),
        )
        .answer(
            answer
                .header(headers::PREFERENCE_APPLIED)
                .example("conversation", counts(1, 0, 1, 0))
                .example("deletion", counts(0, 1, 1, 0)),
        )
        .errors([
            ErrorCode::CursorExpired,
            ErrorCode::InvalidConversations,
            ErrorCode::InvalidCursor,
            ErrorCode::InvalidLimit,
            ErrorCode::QuotaExceeded,
            ErrorCode::StorageFull,
            ErrorCode::TooManyItems,
            ErrorCode::TooMuchStored,
        ])
}

fn answered() -> ObjectBuilder {
    let rejected = object("An item that was not taken.")
        .has("path", text("Where it stands in the body."))
        .has(
            "id",
            any_of("Its id, null if it has no good one.", [id().into(), null()]),
        )
        .has("message", text("What is wrong with it first."));
    let counts = counted("What was taken of a post.");
    let with_rejected = counts.property(
        "rejected",
        array(
            "With `handling=lenient`: what was not taken, in the order of the body.",
            rejected,
        ),
    );
    changes::page_fields()
        .into_iter()
        .fold(with_rejected, |answer, (name, schema)| {
            answer.property(name, schema)
        })
}

/// The five fields of the API.
pub(crate) fn counted(description: &str) -> ObjectBuilder {
    object(description)
        .has("message", text("The same in words."))
        .has(
            "created",
            count("Conversations that were not stored before."),
        )
        .has(
            "updated",
            count("Other conversations that were posted, changed or not."),
        )
        .has(
            "messages_created",
            count("Messages that were not stored before."),
        )
        .has(
            "messages_updated",
            count("Other messages that were posted, changed or not."),
        )
}

/// An example of them.
pub(crate) fn counts(
    created: u64,
    updated: u64,
    messages_created: u64,
    messages_updated: u64,
) -> Value {
    json!({
        "message": format!(
            "{created} conversations created, {updated} updated. \
             {messages_created} messages created, {messages_updated} updated."
        ),
        "created": created,
        "updated": updated,
        "messages_created": messages_created,
        "messages_updated": messages_updated,
    })
}

fn conversation() -> Value {
    json!({"conversations": [{
        "id": "0198b2a4-7c1e-7000-8000-000000000001",
        "title": "Tides",
        "created_at": "2025-07-27T12:34:56Z",
        "updated_at": "2025-07-27T12:35:10Z",
        "messages": [{
            "message_id": "0198b2a4-7c1e-7000-8000-000000000002",
            "timestamp": "2025-07-27T12:35:00Z",
            "vote": true,
            "metadata": {"client": "web"},
            "request": {
                "id": 1,
                "request_model": "gpt-4",
                "request_messages_role": "user",
                "request_messages_content": "Why are there tides?",
            },
            "response": {"id": 1, "response_id": "resp_123", "model": "gpt-4", "usage_total_tokens": 42},
            "output": {"id": 1, "output_type": "text", "output_content_text": "Because of the moon."},
        }],
    }]})
}

fn deletion() -> Value {
    json!({"conversations": [{
        "id": "0198b2a4-7c1e-7000-8000-000000000001",
        "messages": [{"message_id": "draft-1", "deleted_at": "2025-07-27T12:36:00Z"}],
    }]})
}
