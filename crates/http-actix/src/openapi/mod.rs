//! The OpenAPI document, made from the table of routes and from the fields that the domain declares.
//!
//! Each endpoint describes itself: a `describe` that stands beside its handler and goes into the table with
//! it, so that there is neither a route without a description nor one described that is not served. Here is
//! what the descriptions share.
//!
//! - [`operation`], [`content`]: what an endpoint says of itself, what it takes and answers. [`schema`]: words for the schemas of its bodies.
//! - [`items`]: conversations, messages and parts, from the declared fields; what they share with tombstones.
//! - [`parameters`], [`headers`], [`security`], [`errors`]: what several endpoints have.
//! - [`page`]: the document for people.

mod about;
pub(crate) mod content;
pub(crate) mod errors;
pub(crate) mod headers;
pub(crate) mod items;
pub(crate) mod operation;
pub(crate) mod page;
pub(crate) mod parameters;
pub(crate) mod schema;
mod security;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use actix_web::http::Method;
use actix_web::web::Bytes;
use utoipa::openapi::{Components, HttpMethod, OpenApi, PathItem, Paths};

use self::operation::Operation;
use crate::routes;

/// The document of this version of the server, as indented JSON.
#[must_use]
pub fn openapi(version: &str) -> String {
    let mut json = serde_json::to_string_pretty(&document(version)).unwrap_or_default();
    json.push('\n');
    json
}

/// The document of this version of the server.
pub(crate) fn document(version: &str) -> OpenApi {
    let mut components = Components::new();
    components.schemas.extend(items::schemas());
    components.schemas.extend(errors::schemas());
    components.parameters.extend(parameters::all());
    components.headers.extend(headers::all());
    components.security_schemes.extend(security::schemes());
    let mut paths = Paths::new();
    for (path, method, operation) in operations() {
        components.schemas.extend(operation.schemas());
        let item = PathItem::new(method, operation.into_openapi());
        let described: &mut PathItem = paths.paths.entry(path).or_default();
        described.merge_operations(item);
    }
    let mut document = OpenApi::new(about::info(version), paths);
    document.servers = Some(vec![about::server()]);
    document.components = Some(components);
    document.tags = Some(about::tags());
    document
}

/// The document as it is served, made when somebody first asks.
pub(crate) struct Documents {
    version: String,
    openapi: OnceLock<Bytes>,
    page: OnceLock<Bytes>,
}

impl Documents {
    /// Those of this version of the server.
    pub(crate) fn of(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            openapi: OnceLock::new(),
            page: OnceLock::new(),
        }
    }

    /// The document for programs.
    pub(crate) fn openapi(&self) -> &Bytes {
        self.openapi.get_or_init(|| openapi(&self.version).into())
    }

    /// The document for people.
    pub(crate) fn page(&self) -> &Bytes {
        self.page
            .get_or_init(|| page::page(&document(&self.version)).into())
    }
}

/// What is served, as it describes itself. Whoever may GET may HEAD, which is not described once more.
fn operations() -> impl Iterator<Item = (String, HttpMethod, Operation)> {
    routes::described().filter_map(|(path, method, describe)| {
        Some((path_of(path), http_method(&method)?, describe()))
    })
}

/// A path as clients should use it: those of the API with the slash at the end that it has always had.
fn path_of(path: &str) -> String {
    match path {
        path if path.is_empty() || path.starts_with("/api/") => format!("{path}/"),
        path => path.to_owned(),
    }
}

fn http_method(method: &Method) -> Option<HttpMethod> {
    Some(match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::DELETE => HttpMethod::Delete,
        _ => return None,
    })
}
