//! `DELETE /api/visitors/`: erases a visitor with everything of theirs.

use actix_web::{HttpRequest, HttpResponse, web};
use convosync_domain::api_key::Scope;

use crate::access::authorize;
use crate::audit::{Action, audit};
use crate::error::ApiError;
use crate::request::claim_of;
use crate::state::AppState;

pub(crate) async fn delete(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let claim = claim_of(&request)?;
    let visitor = authorize(&state, &request, &claim, Scope::VisitorsErase).await?;
    let erased = state.services.erase.run(visitor.at_rest()).await;
    let erased = erased.map_err(ApiError::from);
    audit(&request, Action::Erase, &visitor, &erased);
    erased.map(|()| HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use convosync_domain::identity::{VisitorId, VisitorIdentity};
    use convosync_domain::ports::StoreError;
    use convosync_domain::timestamp::Timestamp;
    use convosync_domain::tombstone::VisitorGone;
    use mockall::predicate::eq;

    use crate::testing::logged::logged;
    use crate::testing::{Ports, named};

    type Erased = Result<bool, StoreError>;

    /// Ports whose store answers the erasure of the anonymous visitor `marker` like this.
    fn erasing(answer: fn() -> Erased) -> Ports {
        let marker = VisitorIdentity::anonymous("marker").unwrap();
        let now = Timestamp::from_micros(1_000_000).unwrap();
        let mut ports = Ports::new();
        ports
            .visitors
            .expect_erase()
            .with(eq(VisitorId::from(&marker)), eq(now))
            .returning(move |_, _| answer());
        ports
    }

    fn delete() -> TestRequest {
        named(TestRequest::delete().uri("/api/visitors/?anon_id=marker"))
    }

    #[actix_web::test]
    async fn a_visitor_is_erased_once() {
        let erased: fn() -> Erased = || Ok(true);
        let gone = || Err(StoreError::VisitorGone(VisitorGone::Erased));
        for (answer, status, body) in [
            (erased, 204, ""),
            (
                || Ok(false),
                404,
                r#"{"error":"Visitor not found","code":"visitor_not_found","request_id":"r"}"#,
            ),
            (
                gone,
                410,
                r#"{"error":"Visitor was erased","code":"visitor_erased","request_id":"r"}"#,
            ),
        ] {
            let answer = erasing(answer).send(delete()).await;
            assert_eq!(
                (answer.status.as_u16(), answer.body.as_str()),
                (status, body)
            );
        }
        let nobody = TestRequest::delete().uri("/api/visitors");
        assert_eq!(Ports::new().send(nobody).await.status, 404);
    }

    #[actix_web::test]
    async fn the_log_tells_of_it_without_the_identity() {
        let id = VisitorId::from(&VisitorIdentity::anonymous("marker").unwrap());
        let erased: fn() -> Erased = || Ok(true);
        for (answer, result) in [(erased, "done"), (|| Ok(false), "visitor_not_found")] {
            let log = logged(erasing(answer), delete()).await;
            let line = log.lines().find(|line| line.contains("audit")).unwrap();
            for part in [
                r#""action":"erase""#.to_owned(),
                format!(r#""visitor":"{}""#, id.as_uuid()),
                format!(r#""result":"{result}""#),
                r#""request_id":"r""#.to_owned(),
            ] {
                assert!(line.contains(&part), "{line}");
            }
            assert!(!log.contains("marker"), "{log}");
        }
    }
}
