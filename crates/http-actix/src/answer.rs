//! Answers whose body is JSON already.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ETag;
use actix_web::web::Bytes;

/// An answer of this status.
pub(crate) fn json(status: StatusCode, body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("application/json")
        .body(body.into())
}

/// An answer to be asked for again by its tag.
pub(crate) fn tagged_json(tag: ETag, body: impl Into<Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header(tag)
        .body(body.into())
}
