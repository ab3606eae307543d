//! `GET /api/visitors/export/`: everything that a visitor has, line by line.
//!
//! Each line is a body that a post takes. Posted one after the other for a visitor who has nothing, they give the same
//! living state. They are not of one moment: what nobody touches during the export is in them, and what changes
//! meanwhile as it was before or after the change. An export that is not whole breaks off without the end that HTTP
//! gives a body of unknown length.

use std::convert::Infallible;
use std::vec;

use actix_web::body::BodyStream;
use actix_web::http::Method;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use convosync_application::access::AuthorizedVisitor;
use convosync_application::byte_budget::Reservation;
use convosync_application::visitors::{ExportedPage, VisitorError, VisitorExport};
use convosync_domain::api_key::Scope;
use convosync_domain::feed::ChangedConversation;
use futures_util::stream;

use crate::access::authorize;
use crate::answer::HeldBytes;
use crate::archive::write_posted;
use crate::audit::{Action, audit};
use crate::error::{ApiError, Chain};
use crate::request::{RequestId, claim_of};
use crate::state::AppState;

const FILE_NAME: &str = "convosync-export.ndjson";

pub(crate) async fn export(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let claim = claim_of(&request)?;
    let visitor = authorize(&state, &request, &claim, Scope::VisitorsExport).await?;
    if request.method() == Method::HEAD {
        state.services.export.check(visitor.at_rest()).await?;
        // Without a length, as the answer to GET is.
        let nothing = stream::empty::<Result<Bytes, Infallible>>();
        return Ok(answer().body(BodyStream::new(nothing)));
    }
    let begun = begin(&state, &request, &visitor).await;
    audit(&request, Action::Export, &visitor, &begun);
    let lines = stream::try_unfold(begun?, Lines::next_piece);
    Ok(answer().body(BodyStream::new(lines)))
}

fn answer() -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer.content_type("application/x-ndjson");
    let file_name = DispositionParam::Filename(FILE_NAME.to_owned());
    answer.insert_header((
        header::CONTENT_DISPOSITION,
        ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![file_name],
        },
    ));
    answer
}

async fn begin(
    state: &AppState,
    request: &HttpRequest,
    visitor: &AuthorizedVisitor,
) -> Result<Lines, ApiError> {
    let export = state.services.export.begin(visitor.at_rest()).await?;
    Ok(Lines {
        export,
        request: RequestId::given(request),
        unwritten: Vec::new().into_iter(),
        left: HeldBytes::uncounted(Vec::new()),
        memory: None,
    })
}

/// The lines of an export on their way: the connection asks for a piece when it has taken the one before, so no more
/// than one page is in memory.
struct Lines {
    export: VisitorExport,
    request: RequestId,
    /// The lines of the page that are not written yet.
    unwritten: vec::IntoIter<Vec<ChangedConversation>>,
    /// What is left of the line that was written last.
    left: HeldBytes,
    /// The memory of the page.
    memory: Option<Reservation>,
}

impl Lines {
    async fn next_piece(mut self) -> Result<Option<(Bytes, Self)>, VisitorError> {
        loop {
            if let Some(piece) = self.left.next_piece() {
                return Ok(Some((piece, self)));
            }
            if let Some(line) = self.unwritten.next() {
                self.left = HeldBytes::uncounted(write_posted(&line));
                continue;
            }
            self.memory = None;
            match self.export.next().await {
                Ok(Some(ExportedPage { lines, memory })) => {
                    self.unwritten = lines.into_iter();
                    self.memory = Some(memory);
                }
                Ok(None) => return Ok(None),
                Err(error) => {
                    let chain = Chain(&error);
                    tracing::error!(request_id = %self.request, "an export broke off: {chain}");
                    return Err(error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
