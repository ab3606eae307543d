//! `GET /openapi.json`: the API, described for programs.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::answer::tagged_json;
use crate::etag::{self, KnownTags};
use crate::openapi::content::Answer;
use crate::openapi::headers;
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::schema::{NamedSchema, of_type};
use crate::state::AppState;
use utoipa::openapi::Type;

pub(crate) async fn get(state: web::Data<AppState>, request: HttpRequest) -> HttpResponse {
    let text = state.documents.openapi();
    let tag = etag::of_text(text);
    match KnownTags::of(&request) {
        Some(known) if known.contain(&tag) => etag::not_modified(tag),
        _ => tagged_json(tag, text.clone()),
    }
}

pub(crate) fn describe() -> Operation {
    let schema = of_type(Type::Object).description(Some("An OpenAPI 3.1 document."));
    let schema = NamedSchema::new("OpenApi", schema);
    let answer = Answer::json(StatusCode::OK, "This document.", schema);
    Operation::new(
        "getOpenApi",
        Topic::Server,
        "The API, described for programs",
    )
    .answer(answer.header(headers::ETAG))
    .not_modified()
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::TestRequest;

    use crate::testing::{Ports, get};

    #[actix_web::test]
    async fn the_document_of_this_version() {
        for url in ["/openapi.json", "/openapi.json/"] {
            let answer = Ports::new().send(get(url)).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("Content-Type"), Some("application/json"));
            assert_eq!(answer.body, crate::openapi::openapi("1.2.3"));
        }
        let head = TestRequest::with_uri("/openapi.json").method(Method::HEAD);
        assert_eq!(Ports::new().send(head).await.status, 200);
    }

    #[actix_web::test]
    async fn who_has_it_is_not_sent_it_again() {
        let answer = Ports::new().send(get("/openapi.json")).await;
        let tag = answer.header("ETag").unwrap();
        let again = get("/openapi.json").insert_header(("If-None-Match", tag));
        let again = Ports::new().send(again).await;
        assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
        assert_eq!(again.header("ETag"), Some(tag));
        let other = get("/openapi.json").insert_header(("If-None-Match", "\"other\""));
        assert_eq!(Ports::new().send(other).await.status, 200);
    }
}
