//! Which path leads to which endpoint.

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard::{self, Guard};
use actix_web::{App, Error, Resource, Route, middleware, web};

use crate::endpoints::{changes, conversation_ids, live, ready, sync, version, visitors};
use crate::error::{ApiError, ErrorCode};
use crate::middleware::around_every_request;
use crate::state::AppState;

/// The application that every worker runs.
pub(crate) fn app(
    state: web::Data<AppState>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(state)
        .wrap(middleware::from_fn(around_every_request))
        .configure(|services| {
            let mut serve = |path: &str, methods: fn(Resource) -> Resource| {
                // A path without and with the trailing slash: as one pattern, both would be matched by a
                // regular expression on every request.
                for path in [path, &format!("{path}/")] {
                    services.service(methods(web::resource(path)));
                }
            };
            serve("/api/sync-conversations", |resource| {
                resource
                    .route(web::post().to(sync::post))
                    .route(get_or_head().to(conversation_ids::get))
                    .default_service(method_not_allowed("GET, HEAD, POST"))
            });
            serve("/api/sync-conversations/changes", |resource| {
                resource
                    .route(get_or_head().to(changes::get))
                    .default_service(method_not_allowed("GET, HEAD"))
            });
            serve("/api/visitors", |resource| {
                resource
                    .route(web::post().to(visitors::post))
                    .default_service(method_not_allowed("POST"))
            });
            serve("/livez", |resource| {
                resource
                    .route(get_or_head().to(live::get))
                    .default_service(method_not_allowed("GET, HEAD"))
            });
            serve("/readyz", |resource| {
                resource
                    .route(get_or_head().to(ready::get))
                    .default_service(method_not_allowed("GET, HEAD"))
            });
            serve("/version", |resource| {
                resource
                    .route(get_or_head().to(version::get))
                    .default_service(method_not_allowed("GET, HEAD"))
            });
        })
        .default_service(web::to(not_found))
}

fn get_or_head() -> Route {
    web::route().guard(guard::fn_guard(|context| {
        guard::Get().check(context) || guard::Head().check(context)
    }))
}

fn method_not_allowed(allowed: &'static str) -> Route {
    web::to(move || async move { Err::<String, _>(ApiError::method_not_allowed(allowed)) })
}

async fn not_found() -> Result<String, ApiError> {
    Err(ErrorCode::NotFound.into())
}
