//! `GET /`: what answers here, and where to go; or the start page of the app that is beside the API.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::AdditionalProperties;

use crate::answer;
use crate::error::ApiError;
use crate::json::{ObjectWriter, push_string};
use crate::openapi::content::Answer;
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::schema::{Has as _, NamedSchema, object, text};
use crate::state::AppState;

const DOCUMENTATION: &str = env!("CARGO_PKG_REPOSITORY");

const LINKS: [(&str, &str); 7] = [
    ("sync", "/api/sync-conversations/"),
    ("changes", "/api/sync-conversations/changes/"),
    ("visitors", "/api/visitors/"),
    ("ready", "/readyz"),
    ("version", "/version"),
    ("docs", "/docs"),
    ("openapi", "/openapi.json"),
];

/// `{"name": "Convosync", "version": "…", "documentation": "…", "links": {"sync": "…", …}}`
pub(crate) async fn get(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    if let Some(files) = &state.static_files
        && let Some(page) = files.answer(&request).await?
    {
        return Ok(page);
    }
    let mut out = Vec::with_capacity(512);
    let mut answer = ObjectWriter::new(&mut out);
    push_string(answer.key("name"), "Convosync");
    push_string(answer.key("version"), &state.version.version);
    push_string(answer.key("documentation"), DOCUMENTATION);
    let mut links = ObjectWriter::new(answer.key("links"));
    for (name, path) in LINKS {
        push_string(links.key(name), path);
    }
    links.end();
    answer.end();
    Ok(answer::json(StatusCode::OK, out))
}

pub(crate) fn describe() -> Operation {
    let path = AdditionalProperties::RefOr(RefOr::from(text("A path.").build()));
    let links = object("Paths, by what is there.").additional_properties(Some(path));
    let schema = object("What answers here.")
        .has("name", text("`Convosync`."))
        .has("version", text("The version of the server."))
        .has("documentation", text("Where more is written."))
        .has("links", links);
    let answer = Answer::json(StatusCode::OK, "This.", NamedSchema::new("Root", schema));
    let example = json!({
        "name": "Convosync",
        "version": "0.1.0",
        "documentation": DOCUMENTATION,
        "links": LINKS.into_iter().collect::<BTreeMap<_, _>>(),
    });
    Operation::new(
        "getRoot",
        Topic::Server,
        "What answers here, and where to go",
    )
    .description("Where an app is beside the API, its start page is here instead.")
    .answer(answer.example("root", example))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Ports, get};

    #[actix_web::test]
    async fn who_comes_by_is_told_where_to_go() {
        let answer = Ports::new().send(get("/")).await;
        assert_eq!(answer.status, 200);
        insta::assert_snapshot!(answer.body, @r#"{"name":"Convosync","version":"1.2.3","documentation":"https://github.com/convosync/convosync","links":{"sync":"/api/sync-conversations/","changes":"/api/sync-conversations/changes/","visitors":"/api/visitors/","ready":"/readyz","version":"/version","docs":"/docs","openapi":"/openapi.json"}}"#);
    }

    #[actix_web::test]
    async fn every_link_leads_somewhere() {
        for (_, path) in super::LINKS {
            let mut ports = Ports::new();
            ports.status.expect_check().returning(|| Ok(()));
            let answer = ports.send(get(path)).await;
            let nowhere = answer.body.contains(r#""code":"not_found""#);
            assert!(!nowhere, "{path}");
        }
    }
}
