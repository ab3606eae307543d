//! `GET /livez`: whether the process answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use serde_json::json;

use crate::answer;
use crate::openapi::content::Answer;
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::schema::{Has as _, NamedSchema, object, text};

pub(crate) async fn get() -> HttpResponse {
    answer::json(StatusCode::OK, r#"{"status":"alive"}"#)
}

pub(crate) fn describe() -> Operation {
    let schema = object("A process that answers.").has("status", text("`alive`."));
    let answer = Answer::json(
        StatusCode::OK,
        "It does.",
        NamedSchema::new("Alive", schema),
    );
    Operation::new("getLiveness", Topic::Server, "Whether the process answers")
        .description("For whatever restarts a process that does not.")
        .of_probe()
        .answer(answer.example("alive", json!({"status": "alive"})))
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::TestRequest;

    use crate::testing::{Ports, get};

    #[actix_web::test]
    async fn a_process_answers() {
        for url in ["/livez", "/livez/"] {
            let answer = Ports::new().send(get(url)).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.body, r#"{"status":"alive"}"#);
        }
        let head = TestRequest::with_uri("/livez").method(Method::HEAD);
        assert_eq!(Ports::new().send(head).await.status, 200);
    }
}
