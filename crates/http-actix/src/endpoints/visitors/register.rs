//! `POST /api/visitors/`: registers a visitor.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use convosync_application::access::Claim;
use convosync_domain::ports::Registration;

use super::request::{read_visitor_request, write_identity};
use crate::access::authorize_registration;
use crate::answer::json;
use crate::error::{ApiError, ErrorCode};
use crate::request::proof_of;
use crate::state::AppState;

pub(crate) async fn post(
    state: web::Data<AppState>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let invalid = ErrorCode::InvalidVisitor;
    let body = state.bodies.read(&request, payload, invalid).await?;
    let identity =
        read_visitor_request(&body).map_err(|refusal| ApiError::refused(invalid, refusal))?;
    let proof = proof_of(request.headers())?;
    let visitor = authorize_registration(&state, &request, &Claim { identity, proof }).await?;
    let registered = state.services.register.run(visitor).await?;
    let status = match registered.registration {
        Registration::Created => StatusCode::CREATED,
        Registration::AlreadyKnown => StatusCode::OK,
    };
    Ok(json(status, write_identity(&registered.identity)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Ports, post};
    use convosync_domain::identity::VisitorIdentity;

    const URL: &str = "/api/visitors/";

    fn registering(identity: VisitorIdentity, registration: Registration) -> Ports {
        let mut ports = Ports::new();
        ports
            .anon_ids
            .expect_generate()
            .returning(|| "generated".into());
        ports
            .visitors
            .expect_register()
            .withf(move |visitor| visitor.identity == identity)
            .once()
            .returning(move |_| Ok(registration));
        ports
    }

    #[actix_web::test]
    async fn a_visitor_is_made_or_known() {
        let anonymous = |text: &str| VisitorIdentity::anonymous(text).unwrap();
        let registered = |text: &str| VisitorIdentity::registered(text).unwrap();
        for (body, identity, answered) in [
            ("{}", anonymous("generated"), r#"{"anon_id":"generated"}"#),
            (
                r#" {"x":{"anon_id":1},"visitor_id":null} "#,
                anonymous("generated"),
                r#"{"anon_id":"generated"}"#,
            ),
            (
                r#"{"anon_id":"a\u0041"}"#,
                anonymous("aA"),
                r#"{"anon_id":"aA"}"#,
            ),
            (
                r#"{"user_id":"\"é"}"#,
                registered("\"é"),
                r#"{"user_id":"\"é"}"#,
            ),
        ] {
            for (registration, status) in [
                (Registration::Created, 201),
                (Registration::AlreadyKnown, 200),
            ] {
                let answer = registering(identity.clone(), registration)
                    .send(post(URL, body))
                    .await;
                assert_eq!(answer.status, status, "{body}");
                assert_eq!(answer.body, answered);
            }
        }
    }

    #[actix_web::test]
    async fn bodies_that_name_no_visitor() {
        let unsound = "must be 1 to 255 characters with no control character";
        let too_long = format!("{{\"user_id\":\"{}\"}}", "u".repeat(256));
        for (body, path, message) in [
            ("", "body", "empty"),
            ("[]", "body", "must be an object"),
            ("null", "body", "must be an object"),
            (
                "{",
                "body",
                "not JSON: EOF while parsing an object at line 1 column 1",
            ),
            ("{}{}", "body", "trailing characters at line 1 column 3"),
            (
                r#"{"anon_id":"a","user_id":"b"}"#,
                "user_id",
                "give anon_id or user_id, not both",
            ),
            (
                r#"{"user_id":"b","anon_id":"b"}"#,
                "anon_id",
                "give anon_id or user_id, not both",
            ),
            (
                r#"{"anon_id":"a","anon_id":"a"}"#,
                "anon_id",
                "duplicate key",
            ),
            (r#"{"anon_id":null}"#, "anon_id", "must be a string"),
            (r#"{"anon_id":5}"#, "anon_id", "must be a string"),
            (r#"{"user_id":["b"]}"#, "user_id", "must be a string"),
            (r#"{"user_id":""}"#, "user_id", unsound),
            (r#"{"user_id":"a\n"}"#, "user_id", unsound),
            (&too_long, "user_id", unsound),
            (r#"{"user_id":"\u0000"}"#, "user_id", "contains U+0000"),
            (r#"{"user_id":"\ud83d"}"#, "user_id", "unpaired surrogate"),
        ] {
            let answer = Ports::new().send(post(URL, body)).await;
            assert_eq!(answer.status, 400, "{body}");
            assert_eq!(
                answer.body,
                format!(
                    r#"{{"error":"Invalid visitor format","code":"invalid_visitor","details":[{{"path":"{path}","message":"{message}"}}],"request_id":"r"}}"#
                ),
            );
        }
    }

    #[actix_web::test]
    async fn only_posts_of_json_are_taken() {
        let plain = post("/api/visitors", "{}").insert_header(("Content-Type", "text/plain"));
        assert_eq!(Ports::new().send(plain).await.status, 415);
        let put = actix_web::test::TestRequest::put().uri(URL);
        let answer = Ports::new().send(put).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("Allow"), Some("GET, HEAD, POST, DELETE"));
    }
}
