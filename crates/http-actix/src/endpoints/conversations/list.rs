//! `GET /api/conversations/`: a visitor's living conversations page by page, the one that changed last comes first.
//!
//! One that changes while somebody reads on page by page moves to the beginning of the list, so that the pages to come
//! do not have it.

mod openapi;
#[cfg(test)]
mod tests;

use actix_web::{HttpRequest, HttpResponse, web};
use convosync_application::read_conversations::Shown;
use convosync_domain::api_key::Scope;
use convosync_domain::reading::ListPage;

use super::PageQuery;
use crate::access::authorize;
use crate::answer::held_json;
use crate::error::ApiError;
use crate::etag::{self, KnownTags};
use crate::items::push_own_fields;
use crate::json::{ObjectWriter, push, push_array};
use crate::request::{Query, claim_of};
use crate::state::AppState;

pub(crate) use self::openapi::describe;

const MESSAGE_COUNT: &str = "message_count";

pub(crate) async fn get(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let claim = claim_of(&request)?;
    // Everything in the query is judged before it matters who asks.
    let PageQuery { cursor, limit } = PageQuery::of(&Query::new(request.query_string()))?;
    let visitor = authorize(&state, &request, &claim, Scope::SyncAny).await?;
    let cursor = cursor.as_deref();
    let read = &state.services.read;
    let asked = format!("conversations {limit} {}", cursor.unwrap_or_default());
    let tag = |change_counter| etag::of_state(state.epoch, visitor.id(), change_counter, &asked);
    if let Some(known) = KnownTags::of(&request) {
        let current = tag(read.change_counter(&visitor, cursor).await?);
        if known.contain(&current) {
            return Ok(etag::not_modified(current));
        }
    }
    let shown = read.list(&visitor, cursor, limit).await?;
    let tag = tag(shown.page.change_counter);
    held_json(Some(tag), write_list(&shown), shown.memory)
}

/// `{"conversations": [{…, "message_count": …}], "next_cursor": …}`
fn write_list(shown: &Shown<ListPage>) -> Vec<u8> {
    let mut out = Vec::with_capacity(about_bytes(&shown.page));
    let mut answer = ObjectWriter::new(&mut out);
    let listed = &shown.page.conversations;
    push_array(answer.key("conversations"), listed, |out, listed| {
        let mut object = ObjectWriter::new(out);
        push_own_fields(&mut object, &listed.conversation, &[MESSAGE_COUNT]);
        push(object.key(MESSAGE_COUNT), &listed.message_count);
        object.end();
    });
    push(answer.key("next_cursor"), &shown.next_cursor);
    answer.end();
    out
}

/// About how long the answer becomes: its content and, for each conversation, some names of fields.
fn about_bytes(page: &ListPage) -> usize {
    const NAMES: usize = 256;
    let conversations = page.conversations.iter();
    let content = conversations.map(|listed| listed.conversation.content_bytes() + NAMES);
    NAMES + content.sum::<usize>()
}
