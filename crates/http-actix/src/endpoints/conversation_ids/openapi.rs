//! How listing the ids is described.

use actix_web::http::StatusCode;
use convosync_domain::api_key::Scope;
use serde_json::json;

use crate::openapi::content::Answer;
use crate::openapi::headers;
use crate::openapi::items::id;
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::schema::{Has as _, NamedSchema, array, object};

pub(crate) fn describe() -> Operation {
    let ids = array(
        "Ids in the form of UUIDs in ascending order, then the others by their bytes.",
        id(),
    );
    let schema = object("The ids of a visitor's conversations.").has("conversations", ids);
    let schema = NamedSchema::new("ConversationIds", schema);
    let example = json!({"conversations": ["0198b2a4-7c1e-7000-8000-000000000001", "chat-2"]});
    let answer = Answer::json(
        StatusCode::OK,
        "The ids of all living conversations.",
        schema,
    );
    Operation::new(
        "listConversationIds",
        Topic::Sync,
        "The ids of a visitor's conversations",
    )
    .of_visitor(Scope::SyncAny)
    .answer(answer.header(headers::ETAG).example("ids", example))
    .not_modified()
}
