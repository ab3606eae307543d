//! `POST /api/visitors/merge/`: makes an anonymous visitor part of a user.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use convosync_application::access::{Claim, Proof};
use convosync_domain::api_key::Scope;
use convosync_domain::identity::VisitorIdentity;

use super::request::read_merge_request;
use crate::access::authorize;
use crate::answer::json;
use crate::audit::{Action, audit};
use crate::endpoints::sync::answer::push_counts;
use crate::error::{ApiError, ErrorCode};
use crate::json::ObjectWriter;
use crate::request::claim_of;
use crate::state::AppState;

pub(crate) async fn merge(
    state: web::Data<AppState>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let claim = claim_of(&request)?;
    if let Some(VisitorIdentity::Anonymous(_)) = claim.identity {
        let text =
            "Name the user by user_id in the URL, and the anonymous visitor by anon_id in the body";
        return Err(ApiError::with_text(ErrorCode::InvalidIdentity, text));
    }
    let user = authorize(&state, &request, &claim, Scope::VisitorsMerge).await?;
    if !state.services.sync.admits(&user).await? {
        return Err(ErrorCode::VisitorNotFound.into());
    }
    let invalid = ErrorCode::InvalidVisitor;
    let body = state.bodies.read(&request, payload, invalid).await?;
    let anonymous =
        read_merge_request(&body).map_err(|refusal| ApiError::refused(invalid, refusal))?;
    // Whoever knows an anon_id is that visitor, so it is its own proof.
    let claim = Claim {
        identity: Some(anonymous),
        proof: Proof::None,
    };
    let anonymous = authorize(&state, &request, &claim, Scope::VisitorsMerge).await?;
    let merged = state.services.merge.run(&user, &anonymous).await;
    let merged = merged.map_err(ApiError::from);
    let action = Action::Merge {
        anonymous: anonymous.id(),
    };
    audit(&request, action, &user, &merged);
    let counts = merged?;
    let mut out = Vec::with_capacity(256);
    let mut answer = ObjectWriter::new(&mut out);
    push_counts(&mut answer, counts);
    answer.end();
    Ok(json(StatusCode::OK, out))
}

#[cfg(test)]
mod tests {
    use convosync_application::sync::RegistrationMode;
    use convosync_domain::identity::VisitorId;
    use convosync_domain::ports::{Heads, StoreError, Visitor};
    use convosync_domain::tombstone::VisitorGone;
    use convosync_domain::usage::Usage;

    use super::*;
    use crate::testing::logged::logged;
    use crate::testing::{Ports, post};

    const URL: &str = "/api/visitors/merge/?user_id=ada";
    const BODY: &str = r#"{"anon_id":"marker"}"#;

    fn ada() -> VisitorId {
        VisitorId::from(&VisitorIdentity::registered("ada").unwrap())
    }

    fn marker() -> VisitorId {
        VisitorId::from(&VisitorIdentity::anonymous("marker").unwrap())
    }

    /// Ports that know the user, and find the anonymous visitor like this.
    fn finding(anonymous: fn() -> Result<Option<u64>, VisitorGone>) -> Ports {
        let mut ports = Ports::new();
        ports.visitors.expect_find().returning(move |id| {
            let content_bytes = match id == ada() {
                true => Some(0),
                false => {
                    assert_eq!(id, marker());
                    anonymous().map_err(StoreError::VisitorGone)?
                }
            };
            Ok(content_bytes.map(|content_bytes| Visitor {
                id,
                change_counter: 3,
                usage: Usage {
                    conversations: 0,
                    content_bytes,
                },
            }))
        });
        ports
    }

    /// Ports by which an anonymous visitor who has nothing can be merged.
    fn merging() -> Ports {
        let mut ports = finding(|| Ok(Some(0)));
        ports.archive.expect_items().returning(|_, _, _| Ok(vec![]));
        ports
            .sync
            .expect_heads()
            .returning(|_, _| Ok(Some(Heads::default())));
        ports
            .merge
            .expect_merge()
            .withf(|into, _, merged| (*into, merged.id) == (ada(), marker()))
            .returning(|_, _, _| Ok(4));
        ports
    }

    #[actix_web::test]
    async fn a_merge_is_answered_like_a_post() {
        for url in [URL, "/api/visitors/merge?user_id=ada"] {
            let answer = merging().send(post(url, BODY)).await;
            assert_eq!(answer.status, 200);
            insta::allow_duplicates! {
                insta::assert_snapshot!(answer.body, @r#"{"message":"0 conversations created, 0 updated. 0 messages created, 0 updated.","created":0,"updated":0,"messages_created":0,"messages_updated":0}"#);
            }
        }
        // Again.
        let again = finding(|| Err(VisitorGone::Merged { into: ada() }));
        let answer = again.send(post(URL, BODY)).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains(r#""created":0"#));
    }

    #[actix_web::test]
    async fn who_cannot_be_merged() {
        let elsewhere = || Err(VisitorGone::Merged { into: marker() });
        let mut refusals = Vec::new();
        for ports in [
            finding(|| Ok(None)),
            finding(|| Err(VisitorGone::Erased)),
            finding(elsewhere),
            finding(|| Ok(Some(1 << 40))),
        ] {
            let answer = ports.send(post(URL, BODY)).await;
            refusals.push(format!("{} {}", answer.status.as_u16(), answer.body));
        }
        insta::assert_snapshot!(refusals.join("\n"), @r#"
        404 {"error":"Visitor not found","code":"visitor_not_found","request_id":"r"}
        410 {"error":"Visitor was erased","code":"visitor_erased","request_id":"r"}
        409 {"error":"Visitor was merged into another user","code":"visitor_merged_elsewhere","request_id":"r"}
        413 {"error":"Merges more than 134,217,728 bytes of what is stored (limits.reads_in_flight_bytes); the command convosync visitor merge takes any number","code":"too_much_stored","request_id":"r"}
        "#);
    }

    #[actix_web::test]
    async fn the_user_is_judged_before_the_body() {
        let mut ports = Ports::new();
        ports.visitors.expect_find().returning(|_| Ok(None));
        assert_eq!(ports.send(post(URL, "")).await.status, 404);
        let mut ports = Ports::new();
        let gone = |_| Err(StoreError::VisitorGone(VisitorGone::Erased));
        ports.visitors.expect_find().returning(gone);
        assert_eq!(ports.send(post(URL, "")).await.status, 410);
        let mut ports = Ports::new();
        ports.registration = RegistrationMode::OnFirstSync;
        assert_eq!(ports.send(post(URL, "")).await.status, 400);
        let url = "/api/visitors/merge/";
        assert_eq!(Ports::new().send(post(url, "")).await.status, 404);
        let answer = Ports::new()
            .send(post("/api/visitors/merge/?anon_id=marker", BODY))
            .await;
        assert_eq!(answer.status, 400);
        insta::assert_snapshot!(answer.body, @r#"{"error":"Name the user by user_id in the URL, and the anonymous visitor by anon_id in the body","code":"invalid_identity","request_id":"r"}"#);
    }

    #[actix_web::test]
    async fn bodies_that_name_no_anonymous_visitor() {
        let mut refusals = Vec::new();
        for body in [
            "",
            "[]",
            "{}",
            r#"{"user_id":"bob"}"#,
            r#"{"anon_id":"a","user_id":"bob"}"#,
            r#"{"anon_id":""}"#,
            r#"{"anon_id":null}"#,
            r#"{"anon_id":"a","anon_id":"b"}"#,
        ] {
            let answer = Ports::with_known_visitor().send(post(URL, body)).await;
            assert_eq!(answer.status, 400, "{body}");
            let (_, details) = answer.body.split_once(r#""details":"#).unwrap();
            refusals.push(details.replace(r#","request_id":"r"}"#, ""));
        }
        insta::assert_snapshot!(refusals.join("\n"), @r#"
        [{"path":"body","message":"empty"}]
        [{"path":"body","message":"must be an object"}]
        [{"path":"anon_id","message":"must be a string"}]
        [{"path":"user_id","message":"give anon_id: the user is named in the URL"}]
        [{"path":"user_id","message":"give anon_id or user_id, not both"}]
        [{"path":"anon_id","message":"must be 1 to 255 characters with no control character"}]
        [{"path":"anon_id","message":"must be a string"}]
        [{"path":"anon_id","message":"duplicate key"}]
        "#);
    }

    #[actix_web::test]
    async fn the_log_tells_of_it_without_identities() {
        let log = logged(merging(), post(URL, BODY)).await;
        let line = log.lines().find(|line| line.contains("audit")).unwrap();
        for part in [
            r#""action":"merge""#.to_owned(),
            format!(r#""visitor":"{}""#, ada().as_uuid()),
            format!(r#""anonymous":"{}""#, marker().as_uuid()),
        ] {
            assert!(line.contains(&part), "{line}");
        }
        assert!(!log.contains("marker") && !log.contains("\"ada\""), "{log}");
    }
}
