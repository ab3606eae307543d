//! The endpoints, one file each.

pub(crate) mod changes;
pub(crate) mod conversation_ids;
pub(crate) mod live;
pub(crate) mod ready;
pub(crate) mod sync;
pub(crate) mod version;
pub(crate) mod visitors;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ETag;
use actix_web::web::Bytes;

/// An answer whose body is JSON already.
fn json(status: StatusCode, body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("application/json")
        .body(body.into())
}

/// An answer to be asked for again by its tag.
fn tagged_json(tag: ETag, body: impl Into<Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header(tag)
        .body(body.into())
}
