//! Which path and method lead to which endpoint.

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard::{self, Guard};
use actix_web::http::Method;
use actix_web::{App, Error, FromRequest, Handler, Resource, Responder, Route, middleware, web};

use crate::endpoints::{
    changes, conversation_ids, conversations, docs, events, live, metrics, openapi, ready, root,
    sync, version, visitors,
};
use crate::error::ApiError;
use crate::middleware::{around_every_request, cors, inside_cors};
use crate::openapi::operation::Operation;
use crate::state::AppState;
use crate::static_files;

/// The table of routes. Each path is served without and with a slash at its end; whoever may GET may
/// HEAD; any other method is answered 405, with those that there are in `Allow`. Beside each handler stands
/// what describes it in the OpenAPI document.
fn table() -> Vec<Path> {
    vec![
        Path::at("/api/sync-conversations")
            .get(conversation_ids::get, conversation_ids::describe)
            .post(sync::post, sync::describe),
        Path::at("/api/sync-conversations/changes").get(changes::get, changes::describe),
        Path::at("/api/sync-conversations/events").get(events::get, events::describe),
        Path::at("/api/conversations").get(conversations::list::get, conversations::list::describe),
        Path::at("/api/conversations/{conversation_id}")
            .get(conversations::one::get, conversations::one::describe)
            .delete(
                conversations::delete::conversation,
                conversations::delete::describe_conversation,
            ),
        Path::at("/api/conversations/{conversation_id}/messages/{message_id}").delete(
            conversations::delete::message,
            conversations::delete::describe_message,
        ),
        Path::at("/api/visitors")
            .get(visitors::get, visitors::describe_get)
            .post(visitors::post, visitors::describe_post)
            .delete(visitors::delete, visitors::describe_delete),
        Path::at("/api/visitors/export").get(visitors::export, visitors::describe_export),
        Path::at("/api/visitors/merge").post(visitors::merge, visitors::describe_merge),
        Path::at("").get(root::get, root::describe),
        Path::at("/livez").get(live::get, live::describe),
        Path::at("/readyz").get(ready::get, ready::describe),
        Path::at("/version").get(version::get, version::describe),
        Path::at(metrics::PATH).get(metrics::get, metrics::describe),
        Path::at("/openapi.json").get(openapi::get, openapi::describe),
        Path::at("/docs").get(docs::get, docs::describe),
    ]
}

/// What an endpoint says of itself.
type Describe = fn() -> Operation;

/// The routes as they describe themselves: path, method and description.
pub(crate) fn described() -> impl Iterator<Item = (&'static str, Method, Describe)> {
    table().into_iter().flat_map(|path| {
        let described = path.described.into_iter();
        described.map(move |(method, describe)| (path.path, method, describe))
    })
}

/// The paths of all routes.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    table().into_iter().map(|path| path.path)
}

/// The routes that a server has with this state.
fn served(state: &AppState) -> impl Iterator<Item = Path> {
    let has_metrics = state.metrics.is_some();
    let all = table().into_iter();
    all.filter(move |path| has_metrics || path.path != metrics::PATH)
}

/// A path, with its methods and their handlers.
struct Path {
    path: &'static str,
    methods: Vec<Method>,
    routes: Vec<Route>,
    described: Vec<(Method, Describe)>,
}

impl Path {
    fn at(path: &'static str) -> Self {
        Self {
            path,
            methods: Vec::new(),
            routes: Vec::new(),
            described: Vec::new(),
        }
    }

    fn get<H: Handler<A>, A: FromRequest + 'static>(self, handler: H, describe: Describe) -> Self
    where
        H::Output: Responder + 'static,
    {
        let get_or_head = guard::Any(guard::Get()).or(guard::Head());
        let mut path = self.on(Method::GET, get_or_head, handler, describe);
        path.methods.push(Method::HEAD);
        path
    }

    fn post<H: Handler<A>, A: FromRequest + 'static>(self, handler: H, describe: Describe) -> Self
    where
        H::Output: Responder + 'static,
    {
        self.on(Method::POST, guard::Post(), handler, describe)
    }

    fn delete<H: Handler<A>, A: FromRequest + 'static>(self, handler: H, describe: Describe) -> Self
    where
        H::Output: Responder + 'static,
    {
        self.on(Method::DELETE, guard::Delete(), handler, describe)
    }

    fn on<H: Handler<A>, A: FromRequest + 'static>(
        mut self,
        method: Method,
        guard: impl Guard + 'static,
        handler: H,
        describe: Describe,
    ) -> Self
    where
        H::Output: Responder + 'static,
    {
        self.methods.push(method.clone());
        self.routes.push(web::route().guard(guard).to(handler));
        self.described.push((method, describe));
        self
    }

    /// This path, with what follows it.
    fn resource(self, end: &str) -> Resource {
        let methods: Vec<_> = self.methods.iter().map(Method::as_str).collect();
        let allowed = methods.join(", ");
        let resource = web::resource(format!("{}{end}", self.path));
        let resource = self.routes.into_iter().fold(resource, Resource::route);
        resource.default_service(web::to(move || {
            let error = ApiError::method_not_allowed(&allowed);
            async move { Err::<String, _>(error) }
        }))
    }
}

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
    let methods = served(&state).flat_map(|path| path.methods);
    let cors = cors(state.cors.clone(), methods);
    let served_by = state.clone();
    App::new()
        .app_data(state)
        .wrap(middleware::from_fn(inside_cors))
        .wrap(cors)
        // What is wrapped last is the outermost.
        .wrap(middleware::from_fn(around_every_request))
        .configure(move |services| {
            // As one pattern, a path without and with the slash would be matched by a regular expression
            // on every request.
            for end in ["", "/"] {
                for path in served(&served_by) {
                    services.service(path.resource(end));
                }
            }
        })
        .default_service(web::to(static_files::get))
}
