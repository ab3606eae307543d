//! `GET /readyz`: whether requests should be sent here.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use serde_json::json;

use crate::error::{ApiError, ErrorCode};
use crate::openapi::content::Answer;
use crate::openapi::operation::{Operation, Topic};
use crate::openapi::schema::{Has as _, NamedSchema, object, text};
use crate::operations;
use crate::state::AppState;

pub(crate) async fn get(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    operations::ready(&state.services.drain, state.services.status.as_ref()).await
}

pub(crate) fn describe() -> Operation {
    let schema = object("A server that can serve.").has("status", text("`ready`."));
    let answer = Answer::json(
        StatusCode::OK,
        "They should.",
        NamedSchema::new("Ready", schema),
    );
    Operation::new(
        "getReadiness",
        Topic::Server,
        "Whether requests should be sent here",
    )
    .description("For load balancers: it can reach its store and is not about to stop.")
    .of_probe()
    .answer(answer.example("ready", json!({"status": "ready"})))
    .errors([ErrorCode::StorageUnavailable])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use convosync_domain::ports::StoreError;

    use crate::testing::{Ports, get};

    fn checking(check: impl Fn() -> Result<(), StoreError> + Send + 'static) -> Ports {
        let mut ports = Ports::new();
        ports.status.expect_check().returning(check);
        ports
    }

    #[actix_web::test]
    async fn ready_while_the_store_is() {
        let answer = checking(|| Ok(())).send(get("/readyz")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, r#"{"status":"ready"}"#);
    }

    #[actix_web::test]
    async fn not_ready_when_the_store_fails_in_any_way() {
        let away = checking(|| {
            Err(StoreError::Unavailable {
                retry_after: Duration::ZERO,
                source: None,
            })
        });
        let broken = checking(|| {
            Err(StoreError::Internal {
                source: "marker".into(),
            })
        });
        for ports in [away, broken] {
            let answer = ports.send(get("/readyz/")).await;
            assert_eq!(answer.status, 503);
            insta::allow_duplicates! {
                insta::assert_snapshot!(answer.body, @r#"{"error":"Storage is unavailable","code":"storage_unavailable","request_id":"r"}"#);
            }
        }
    }

    #[actix_web::test]
    async fn not_ready_once_the_server_is_about_to_stop() {
        let ports = Ports::new();
        ports.drain.clone().begin();
        assert!(ports.drain.has_begun());
        let answer = ports.send(get("/readyz")).await;
        assert_eq!(answer.status, 503);
        insta::assert_snapshot!(answer.body, @r#"{"error":"Server is stopping","code":"draining","request_id":"r"}"#);
    }
}
