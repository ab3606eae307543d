//! `GET /api/conversations/{conversation_id}/`: a living conversation with a page of its living messages.

mod openapi;
#[cfg(test)]
mod tests;

use actix_web::{HttpRequest, HttpResponse, web};
use convosync_application::read_conversations::{PageOfConversation, Shown};
use convosync_domain::api_key::Scope;
use convosync_domain::reading::{ConversationPage, MessageOrder};
use convosync_domain::stored::StoredMessage;

use super::PageQuery;
use crate::access::authorize;
use crate::answer::held_json;
use crate::error::{ApiError, ErrorCode};
use crate::etag::{self, ConversationState, KnownTags};
use crate::items::{push_message, push_own_fields};
use crate::json::{ObjectWriter, push, push_array};
use crate::request::{Query, claim_of, conversation_of};
use crate::state::AppState;

pub(crate) use self::openapi::describe;

const ORDER: &str = "order";
const NEXT_CURSOR: &str = "next_cursor";

pub(crate) async fn get(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let claim = claim_of(&request)?;
    // Everything in the URL is judged before it matters who asks.
    let asked = page_of(&request)?;
    let visitor = authorize(&state, &request, &claim, Scope::SyncAny).await?;
    let read = &state.services.read;
    let tag = |latest_change| {
        let PageOfConversation {
            id,
            order,
            cursor,
            limit,
        } = &asked;
        let cursor = cursor.as_deref().unwrap_or_default();
        ConversationState::new(state.epoch, visitor.id(), id.key(), latest_change)
            .tag(&format!("{order:?} {limit} {cursor}"))
    };
    if let Some(known) = KnownTags::of(&request) {
        let current = tag(read.latest_change(&visitor, &asked).await?);
        if known.contain(&current) {
            return Ok(etag::not_modified(current));
        }
    }
    let shown = read.read(&visitor, &asked).await?;
    let tag = tag(shown.page.latest_change);
    held_json(Some(tag), write_conversation(&shown), shown.memory)
}

/// What the URL asks for.
fn page_of(request: &HttpRequest) -> Result<PageOfConversation, ApiError> {
    let query = Query::new(request.query_string());
    let PageQuery { cursor, limit } = PageQuery::of(&query)?;
    Ok(PageOfConversation {
        id: conversation_of(request)?,
        order: order(&query)?,
        cursor,
        limit,
    })
}

fn order(query: &Query<'_>) -> Result<MessageOrder, ApiError> {
    let Some(sent) = query.parameter(ORDER)? else {
        return Ok(MessageOrder::default());
    };
    match sent.decode().as_deref() {
        Some("oldest") => Ok(MessageOrder::OldestFirst),
        Some("newest") => Ok(MessageOrder::NewestFirst),
        _ => Err(ErrorCode::InvalidOrder.into()),
    }
}

/// `{"id": …, …, "messages": […], "next_cursor": …}`
fn write_conversation(shown: &Shown<ConversationPage>) -> Vec<u8> {
    let page = &shown.page;
    let mut out = Vec::with_capacity(about_bytes(page));
    let mut answer = ObjectWriter::new(&mut out);
    push_own_fields(&mut answer, &page.conversation, &[NEXT_CURSOR]);
    push_array(answer.key("messages"), &page.messages, |out, message| {
        push_message(out, message, &page.conversation.history);
    });
    push(answer.key(NEXT_CURSOR), &shown.next_cursor);
    answer.end();
    out
}

/// About how long the answer becomes: its content and, for each item, some names of fields.
fn about_bytes(page: &ConversationPage) -> usize {
    const NAMES: usize = 512;
    let messages = page.messages.iter().map(StoredMessage::content_bytes);
    let messages: usize = messages.map(|bytes| bytes + NAMES).sum();
    page.conversation.content_bytes() + NAMES + messages
}
