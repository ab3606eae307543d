//! Files beside the API: the pages of an app, from a folder of the operator's, on the origin of the server.
//!
//! - [`folder`] opens what is in the folder, and nothing else,
//! - [`wanted`] is what a path asks for,
//! - [`open_file_body`] is an answer that has its file open.

mod folder;
mod open_file_body;
#[cfg(test)]
mod tests;
mod wanted;

use std::sync::Arc;

use actix_files::NamedFile;
use actix_web::http::header::{self, Accept, HeaderValue, Quality};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use folder::StaticFolder;

use crate::error::{ApiError, ErrorCode};
use crate::measures::AnsweredByFile;
use crate::state::AppState;
use folder::Found;
use open_file_body::OpenFileBody;
use wanted::Wanted;

/// The most files that are open at once. Nobody who asks for one says who they are.
const OPEN_MAX: usize = 1_024;

/// To be asked for each time, and answered 304: names of files do not tell whether what is in them may change.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("no-cache");

/// The files of a folder, as they are served.
pub(crate) struct StaticFiles {
    folder: StaticFolder,
    places: Arc<Semaphore>,
}

/// Answers what no route does.
pub(crate) async fn get(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let answer = match &state.static_files {
        Some(files) => files.answer(&request).await?,
        None => None,
    };
    answer.ok_or(ErrorCode::NotFound.into())
}

impl StaticFiles {
    pub(crate) fn of(folder: StaticFolder) -> Self {
        Self {
            folder,
            places: Arc::new(Semaphore::new(OPEN_MAX)),
        }
    }

    /// The file that the request asks for; `None` where there is none.
    pub(crate) async fn answer(
        &self,
        request: &HttpRequest,
    ) -> Result<Option<HttpResponse>, ApiError> {
        let Some(wanted) = Wanted::by(request.uri().path()) else {
            return Ok(None);
        };
        let is_navigation = is_navigation(request);
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_all_are_taken| ApiError::too_many_in_flight("static_files"))?;
        let folder = self.folder.clone();
        let found = web::block(move || match folder.find(&wanted) {
            Ok(None) if is_navigation => folder.find(&Wanted::start_page()),
            found => found,
        });
        let found = found.await.map_err(unreadable)?.map_err(unreadable)?;
        let Some(found) = found else {
            return Ok(None);
        };
        request.extensions_mut().insert(AnsweredByFile);
        if !is_get_or_head(request) {
            return Err(ApiError::method_not_allowed("GET, HEAD"));
        }
        match found {
            Found::File(file) => file_answer(request, *file, place).map(Some),
            Found::Folder => Ok(redirect_to_folder(request)),
        }
    }
}

fn unreadable(error: impl std::error::Error + 'static) -> ApiError {
    ApiError::caused_by(ErrorCode::Internal, error)
}

fn is_get_or_head(request: &HttpRequest) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Whether a browser goes to a page: it names HTML, which nothing does that loads a script, an image or data.
fn is_navigation(request: &HttpRequest) -> bool {
    let takes_html = request.get_header::<Accept>().is_some_and(|Accept(items)| {
        let mut items = items.iter();
        items.any(|item| item.quality > Quality::ZERO && item.item.essence_str() == "text/html")
    });
    takes_html && is_get_or_head(request)
}

fn file_answer(
    request: &HttpRequest,
    file: NamedFile,
    place: OwnedSemaphorePermit,
) -> Result<HttpResponse, ApiError> {
    let length = file.metadata().len();
    // It would have browsers store what they can show.
    let file = file.disable_content_disposition();
    let mut answer = file.into_response(request);
    match answer.status() {
        StatusCode::PRECONDITION_FAILED => {
            let text = "File is not what the conditions of the request say";
            return Err(ApiError::with_text(ErrorCode::PreconditionFailed, text));
        }
        status if status.is_client_error() => {
            let error = ApiError::from(ErrorCode::RangeNotSatisfiable);
            let all = format!("bytes */{length}");
            return Err(error.with_text_header(header::CONTENT_RANGE, &all));
        }
        _ => {}
    }
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    Ok(answer.map_body(|_, body| OpenFileBody::boxed(body, place)))
}

/// To the same path with the slash that links in a folder's page start from. The place is told from where the request
/// was: neither a proxy's prefix is lost nor can a path of two slashes lead to another host.
fn redirect_to_folder(request: &HttpRequest) -> Option<HttpResponse> {
    let uri = request.uri();
    let (_, name) = uri.path().rsplit_once('/')?;
    let query = uri.query().map(|query| format!("?{query}"));
    let place = format!("./{name}/{}", query.unwrap_or_default());
    let place = HeaderValue::from_str(&place).ok()?;
    let answer = HttpResponse::TemporaryRedirect()
        .insert_header((header::LOCATION, place))
        .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
        .finish();
    Some(answer)
}
