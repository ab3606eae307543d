//! `GET /api/sync-conversations/`: which conversations a visitor has.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::json;
use crate::error::ApiError;
use crate::identity::Identity;
use crate::state::AppState;
use crate::wire::write_ids;

pub(crate) async fn get(
    state: web::Data<AppState>,
    Identity(identity): Identity,
) -> Result<HttpResponse, ApiError> {
    let ids = state.services.list.run(&identity).await?;
    Ok(json(StatusCode::OK, write_ids(&ids)))
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::TestRequest;
    use convosync_domain::identity::{ConversationId, VisitorId, VisitorIdentity};
    use convosync_domain::ports::StoreError;
    use mockall::predicate::eq;

    use crate::testing::{Ports, get, named};

    fn listing(ids: &'static [&'static str]) -> Ports {
        let visitor = VisitorId::from(&VisitorIdentity::registered("u").unwrap());
        let mut ports = Ports::new();
        ports
            .list
            .expect_living_ids()
            .with(eq(visitor))
            .once()
            .returning(|_| {
                Ok(Some(
                    ids.iter()
                        .map(|id| ConversationId::parse(id).unwrap())
                        .collect(),
                ))
            });
        ports
    }

    #[actix_web::test]
    async fn the_ids_of_the_visitor() {
        let ports = listing(&[
            "1518856D-63AE-5696-B190-8593EF95598B",
            "6518856d-63ae-5696-b190-8593ef95598b",
        ]);
        let answer = ports
            .send(get("/api/sync-conversations/?user_id=u&x=1"))
            .await;
        assert_eq!(answer.status, 200);
        insta::assert_snapshot!(answer.body, @r#"{"conversations":["1518856d-63ae-5696-b190-8593ef95598b","6518856d-63ae-5696-b190-8593ef95598b"]}"#);

        let answer = listing(&[])
            .send(get("/api/sync-conversations?user_id=u"))
            .await;
        assert_eq!(answer.body, r#"{"conversations":[]}"#);
    }

    #[actix_web::test]
    async fn head_is_like_get() {
        let request = TestRequest::with_uri("/api/sync-conversations/?user_id=u");
        let answer = listing(&[]).send(request.method(Method::HEAD)).await;
        assert_eq!(answer.status, 200);
    }

    #[actix_web::test]
    async fn nobody_is_not_found() {
        let mut unknown = Ports::new();
        unknown.list.expect_living_ids().returning(|_| Ok(None));
        for (ports, url) in [
            (unknown, "/api/sync-conversations/?anon_id=x"),
            (Ports::new(), "/api/sync-conversations/"),
        ] {
            let answer = ports.send(get(url)).await;
            assert_eq!(answer.status, 404);
            insta::allow_duplicates! {
                insta::assert_snapshot!(answer.body, @r#"{"error":"Visitor not found","code":"visitor_not_found","request_id":"r"}"#);
            }
        }
    }

    #[actix_web::test]
    async fn two_identities_are_one_too_many() {
        let url = "/api/sync-conversations/?anon_id=x&user_id=y";
        let answer = Ports::new().send(get(url)).await;
        assert_eq!(answer.status, 400);
        insta::assert_snapshot!(answer.body, @r#"{"error":"Give anon_id or user_id, not both","code":"conflicting_identity","request_id":"r"}"#);
    }

    #[actix_web::test]
    async fn a_store_that_fails_is_an_internal_error() {
        let mut ports = Ports::new();
        ports
            .list
            .expect_living_ids()
            .returning(|_| Err(StoreError::Conflict));
        let answer = ports.send(get("/api/sync-conversations/?anon_id=x")).await;
        assert_eq!(answer.status, 500);
    }

    #[actix_web::test]
    async fn other_methods_are_told_which_there_are() {
        for method in [
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::TRACE,
            Method::OPTIONS,
        ] {
            for url in [
                "/api/sync-conversations/?anon_id=",
                "/api/sync-conversations",
            ] {
                let request = named(TestRequest::with_uri(url).method(method.clone()));
                let answer = Ports::new().send(request).await;
                assert_eq!(answer.status, 405, "{method}");
                assert_eq!(answer.header("Allow"), Some("GET, HEAD, POST"));
                insta::allow_duplicates! {
                    insta::assert_snapshot!(answer.body, @r#"{"error":"Method not allowed","code":"method_not_allowed","request_id":"r"}"#);
                }
            }
        }
    }
}
