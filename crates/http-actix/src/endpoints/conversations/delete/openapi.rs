//! How deletions by URL are described.

use actix_web::http::StatusCode;
use convosync_domain::api_key::Scope;

use crate::error::ErrorCode;
use crate::openapi::content::Answer;
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::parameters::{CONVERSATION_ID, IF_MATCH, MESSAGE_ID};

pub(crate) fn describe_conversation() -> Operation {
    let operation = Operation::new(
        "deleteConversation",
        Topic::Conversations,
        "Delete a conversation with its messages",
    );
    deletion(operation.parameters([CONVERSATION_ID]))
}

pub(crate) fn describe_message() -> Operation {
    let operation = Operation::new("deleteMessage", Topic::Conversations, "Delete a message");
    deletion(operation.parameters([CONVERSATION_ID, MESSAGE_ID]))
        .errors([ErrorCode::MessageNotFound])
}

fn deletion(operation: Operation) -> Operation {
    let done = Answer::new(StatusCode::NO_CONTENT, "It is deleted, or was before.");
    operation
        .description("A deletion at the moment of the request, as a post of `deleted_at` would be; devices pull it as a tombstone.")
        .of_visitor(Scope::SyncAny)
        .parameters([IF_MATCH])
        .answer(done)
        .errors([
            ErrorCode::ConversationNotFound,
            ErrorCode::InvalidId,
            ErrorCode::PreconditionFailed,
            ErrorCode::StorageFull,
            ErrorCode::TooMuchStored,
        ])
}
