//! `DELETE /api/conversations/{conversation_id}/` and `…/messages/{message_id}/`: a deletion at the moment of the
//! request, if the conversation is what `If-Match` says.

mod openapi;
#[cfg(test)]
mod tests;

use actix_web::{HttpRequest, HttpResponse, web};
use convosync_application::access::Claim;
use convosync_application::sync::deletion::{NamedItem, Precondition};
use convosync_domain::api_key::Scope;

use crate::access::authorize;
use crate::error::ApiError;
use crate::etag::{ConversationState, ExpectedTags};
use crate::request::{claim_of, conversation_of, message_of};
use crate::state::AppState;

pub(crate) use self::openapi::{describe_conversation, describe_message};

pub(crate) async fn conversation(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let claim = claim_of(&request)?;
    let item = NamedItem {
        conversation: conversation_of(&request)?,
        message: None,
    };
    delete(&state, &request, &claim, &item).await
}

pub(crate) async fn message(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let claim = claim_of(&request)?;
    let item = NamedItem {
        conversation: conversation_of(&request)?,
        message: Some(message_of(&request)?),
    };
    delete(&state, &request, &claim, &item).await
}

async fn delete(
    state: &AppState,
    request: &HttpRequest,
    claim: &Claim,
    item: &NamedItem,
) -> Result<HttpResponse, ApiError> {
    let visitor = authorize(state, request, claim, Scope::SyncAny).await?;
    let expected = ExpectedTags::of(request);
    let key = item.conversation.key();
    let is_as_expected = |latest_change| {
        let current = ConversationState::new(state.epoch, visitor.id(), key, latest_change);
        expected.as_ref().is_some_and(|tags| tags.contain(&current))
    };
    let precondition = match &expected {
        None => Precondition::None,
        Some(expected) if expected.are_any() => Precondition::Lives,
        Some(_) => Precondition::LatestChange(&is_as_expected),
    };
    let deleting = &state.services.delete;
    deleting.run(&visitor, item, precondition).await?;
    Ok(HttpResponse::NoContent().finish())
}
