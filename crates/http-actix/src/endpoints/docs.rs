//! `GET /docs`: the API, described for people. Nothing of the page is from elsewhere, and there is no script in it.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::etag::{self, KnownTags};
use crate::openapi::content::Answer;
use crate::openapi::headers;
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::page::CONTENT_SECURITY_POLICY;
use crate::state::AppState;

const HTML: &str = "text/html; charset=utf-8";

pub(crate) async fn get(state: web::Data<AppState>, request: HttpRequest) -> HttpResponse {
    let text = state.documents.page();
    let tag = etag::of_text(text);
    match KnownTags::of(&request) {
        Some(known) if known.contain(&tag) => etag::not_modified(tag),
        _ => HttpResponse::Ok()
            .content_type(HTML)
            .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
            .insert_header(tag)
            .body(text.clone()),
    }
}

pub(crate) fn describe() -> Operation {
    let answer = Answer::new(StatusCode::OK, "This document as a page.").of_type("text/html", None);
    Operation::new("getDocs", Topic::Server, "The API, described for people")
        .answer(answer.header(headers::ETAG))
        .not_modified()
}

#[cfg(test)]
mod tests {
    use crate::testing::{Ports, get};

    #[actix_web::test]
    async fn a_page_that_loads_nothing() {
        for url in ["/docs", "/docs/"] {
            let answer = Ports::new().send(get(url)).await;
            assert_eq!(answer.status, 200);
            let policy = answer.header("Content-Security-Policy").unwrap();
            assert!(
                policy.starts_with("default-src 'none'; style-src 'sha256-"),
                "{policy}"
            );
            assert!(answer.body.starts_with("<!doctype html>"));
            for foreign in ["<script", "<link", "<img", "src=", "@import", "url("] {
                assert!(!answer.body.contains(foreign), "{foreign}");
            }
        }
        let answer = Ports::new().send(get("/docs")).await;
        let tag = answer.header("ETag").unwrap();
        let again = get("/docs").insert_header(("If-None-Match", tag));
        assert_eq!(Ports::new().send(again).await.status, 304);
    }
}
