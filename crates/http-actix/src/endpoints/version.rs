//! `GET /version`: which Convosync this is.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use serde_json::json;

use crate::answer;
use crate::json::push;
use crate::openapi::content::Answer;
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::schema::{Has as _, NamedSchema, object, text};
use crate::state::AppState;

/// `{"version": "…", "commit": "…", "schema": "…"}`
pub(crate) async fn get(state: web::Data<AppState>) -> HttpResponse {
    let mut body = Vec::with_capacity(128);
    push(&mut body, &state.version);
    answer::json(StatusCode::OK, body)
}

pub(crate) fn describe() -> Operation {
    let schema = object("A version of Convosync.")
        .has("version", text("The version of the server."))
        .has("commit", text("The commit it was built from."))
        .has("schema", text("The version of the store's schema."));
    let answer = Answer::json(
        StatusCode::OK,
        "This one.",
        NamedSchema::new("Version", schema),
    );
    let example = json!({"version": "0.1.0", "commit": "0123abc", "schema": "20260101000000"});
    Operation::new("getVersion", Topic::Server, "Which Convosync this is")
        .answer(answer.example("version", example))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Ports, get};

    #[actix_web::test]
    async fn the_version() {
        let answer = Ports::new().send(get("/version")).await;
        assert_eq!(answer.status, 200);
        insta::assert_snapshot!(answer.body, @r#"{"version":"1.2.3","commit":"abc","schema":"4"}"#);
    }
}
