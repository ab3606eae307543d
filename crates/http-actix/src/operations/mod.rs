//! What operators ask: metrics, and how the server is in detail. Nothing here names a visitor.
//!
//! It has a listener of its own ([`serve_operations`]), or its metrics are among the routes of the server, for whoever
//! shows the token.

mod health;
mod token;

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, web};
use convosync_domain::ports::StoreStatus;

pub use health::{PoolHealth, StoreHealth};
pub use token::MetricsToken;

use crate::answer;
use crate::error::{ApiError, ErrorCode};
use crate::middleware::is_for_this_server;
use crate::request::RequestId;
use crate::server::HEAD_TIMEOUT;
use crate::settings::{LoopbackOnly, Version};
use crate::state::Drain;

/// Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Tells what is measured.
pub trait Measured: Send + Sync {
    /// Every metric, in Prometheus' text format.
    fn metrics(&self) -> String;

    /// How busy the store is.
    fn store(&self) -> StoreHealth;
}

/// The metrics on the listener of the server, for whoever shows the token.
#[derive(Clone)]
pub struct GuardedMetrics {
    /// What is measured.
    pub measured: Arc<dyn Measured>,
    /// What is asked for.
    pub token: MetricsToken,
}

impl fmt::Debug for GuardedMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedMetrics").finish_non_exhaustive()
    }
}

/// What the listener for operators answers with.
pub struct Operations {
    /// What is measured.
    pub measured: Arc<dyn Measured>,
    /// Tells whether the store can serve.
    pub status: Arc<dyn StoreStatus>,
    /// Tells whether the server is about to stop.
    pub drain: Drain,
    /// Which Convosync this is.
    pub version: Version,
    /// What is asked for the metrics and the details; `None` lets everybody see them who reaches the listener.
    pub token: Option<MetricsToken>,
    /// By which names the listener is reached, where only this machine reaches it: web pages of other sites may
    /// send others.
    pub loopback_only: Option<LoopbackOnly>,
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations").finish_non_exhaustive()
    }
}

/// What the handlers share.
struct State {
    operations: Operations,
    started: Instant,
}

/// Serves operators at this listener, by one thread: `/metrics`, `/healthz`, `/livez` and `/readyz`. The caller awaits
/// the server and stops it through its handle.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve_operations(listener: TcpListener, operations: Operations) -> io::Result<Server> {
    let state = web::Data::new(State {
        operations,
        started: Instant::now(),
    });
    let server = HttpServer::new(move || {
        let app = App::new().app_data(state.clone()).wrap(from_fn(around));
        let app = app
            .service(resource("/metrics").to(metrics))
            .service(resource("/healthz").to(healthz))
            .service(resource("/livez").to(livez))
            .service(resource("/readyz").to(readyz));
        app.default_service(web::to(not_found))
    })
    .workers(1)
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}

fn resource(path: &str) -> actix_web::Resource {
    web::resource([path.to_owned(), format!("{path}/")])
}

/// Refuses what is not asked by an operator, and makes errors answers.
async fn around(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::of(request.headers());
    let refused = match (&state.operations.loopback_only, request.method()) {
        (Some(settings), _) if !is_for_this_server(request.uri(), request.headers(), settings) => {
            Some(ErrorCode::ForeignHost.into())
        }
        (_, &Method::GET | &Method::HEAD) => None,
        _ => Some(ApiError::method_not_allowed("GET, HEAD")),
    };
    let mut response = match refused {
        Some(error) => request.into_response(error.render(&id)),
        None => {
            let response = next.call(request).await?.map_into_boxed_body();
            let error = response.response().error();
            match error.and_then(|error| error.as_error::<ApiError>()) {
                Some(error) => {
                    let rendered = error.render(&id);
                    response.into_response(rendered)
                }
                None => response,
            }
        }
    };
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

async fn metrics(state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let operations = &state.operations;
    admit(operations, &request)?;
    Ok(text(operations.measured.as_ref()))
}

async fn healthz(state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    admit(&state.operations, &request)?;
    Ok(health::answer(&state.operations, state.started.elapsed()).await)
}

async fn livez() -> HttpResponse {
    answer::json(StatusCode::OK, r#"{"status":"alive"}"#)
}

async fn readyz(state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    ready(&state.operations.drain, state.operations.status.as_ref()).await
}

async fn not_found() -> Result<String, ApiError> {
    Err(ErrorCode::NotFound.into())
}

fn admit(operations: &Operations, request: &HttpRequest) -> Result<(), ApiError> {
    match &operations.token {
        Some(token) => token.check(request.headers()),
        None => Ok(()),
    }
}

/// Every metric.
pub(crate) fn text(measured: &dyn Measured) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(TEXT_FORMAT)
        .body(measured.metrics())
}

/// Whether requests should be sent here.
///
/// # Errors
/// 503 where they should not.
pub(crate) async fn ready(
    drain: &Drain,
    status: &dyn StoreStatus,
) -> Result<HttpResponse, ApiError> {
    if drain.has_begun() {
        return Err(ErrorCode::Draining.into());
    }
    match status.check().await {
        Ok(()) => Ok(answer::json(StatusCode::OK, r#"{"status":"ready"}"#)),
        Err(error) => Err(ApiError::caused_by(ErrorCode::StorageUnavailable, error)),
    }
}
