//! `GET /api/visitors/`: how much a visitor has, and since when.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use convosync_domain::api_key::Scope;
use convosync_domain::ports::VisitorSummary;

use crate::access::authorize;
use crate::answer::json;
use crate::error::ApiError;
use crate::json::{ObjectWriter, push, push_plain, push_string};
use crate::request::claim_of;
use crate::state::AppState;

pub(crate) async fn get(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let claim = claim_of(&request)?;
    let visitor = authorize(&state, &request, &claim, Scope::SyncAny).await?;
    let summary = state.services.summarize.run(visitor.at_rest()).await?;
    Ok(json(StatusCode::OK, write_summary(&summary)))
}

/// An `anon_id` is a secret that no answer repeats.
fn write_summary(summary: &VisitorSummary) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut answer = ObjectWriter::new(&mut out);
    if let Some(user_id) = &summary.user_id {
        push_string(answer.key("user_id"), user_id);
    }
    push(answer.key("conversations"), &summary.usage.conversations);
    push(answer.key("messages"), &summary.messages);
    push(answer.key("content_bytes"), &summary.usage.content_bytes);
    push(answer.key("change_counter"), &summary.change_counter);
    push_plain(answer.key("registered_at"), summary.registered_at);
    let last_changed_at = answer.key("last_changed_at");
    match summary.last_changed_at {
        Some(moment) => push_plain(last_changed_at, moment),
        None => push(last_changed_at, &()),
    }
    answer.end();
    out
}

#[cfg(test)]
mod tests {
    use convosync_domain::identity::{VisitorId, VisitorIdentity};
    use convosync_domain::ports::StoreError;
    use convosync_domain::timestamp::Timestamp;
    use convosync_domain::tombstone::VisitorGone;
    use convosync_domain::usage::Usage;

    use super::*;
    use crate::testing::{Ports, get};

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    /// Ports that know this visitor.
    fn knowing(identity: &VisitorIdentity, last_changed_at: Option<Timestamp>) -> Ports {
        let known = VisitorId::from(identity);
        let user_id = identity.user_id().map(str::to_owned);
        let mut ports = Ports::new();
        ports.visitors.expect_summarize().returning(move |id| {
            Ok((id == known).then(|| VisitorSummary {
                id,
                user_id: user_id.clone(),
                registered_at: at(1),
                last_changed_at,
                change_counter: 4,
                usage: Usage {
                    conversations: 2,
                    content_bytes: 300,
                },
                messages: 5,
            }))
        });
        ports
    }

    #[actix_web::test]
    async fn what_there_is_to_tell() {
        let ada = VisitorIdentity::registered("ada \"é\"").unwrap();
        let ports = knowing(&ada, Some(at(2_000_000)));
        let url = "/api/visitors/?user_id=ada+%22%C3%A9%22";
        let answer = ports.send(get(url)).await;
        assert_eq!(answer.status, 200);
        insta::assert_snapshot!(answer.body, @r#"{"user_id":"ada \"é\"","conversations":2,"messages":5,"content_bytes":300,"change_counter":4,"registered_at":"1970-01-01T00:00:00.000001Z","last_changed_at":"1970-01-01T00:00:02Z"}"#);

        let anonymous = VisitorIdentity::anonymous("secret").unwrap();
        let ports = knowing(&anonymous, None);
        let answer = ports.send(get("/api/visitors?anon_id=secret")).await;
        assert_eq!(answer.status, 200);
        insta::assert_snapshot!(answer.body, @r#"{"conversations":2,"messages":5,"content_bytes":300,"change_counter":4,"registered_at":"1970-01-01T00:00:00.000001Z","last_changed_at":null}"#);
    }

    #[actix_web::test]
    async fn whoever_is_not_there() {
        let ada = VisitorIdentity::registered("ada").unwrap();
        let answer = knowing(&ada, None)
            .send(get("/api/visitors/?user_id=bob"))
            .await;
        assert_eq!(answer.status, 404);
        let answer = Ports::new().send(get("/api/visitors/")).await;
        insta::assert_snapshot!(answer.body, @r#"{"error":"Visitor not found","code":"visitor_not_found","request_id":"r"}"#);
        for (gone, code) in [
            (VisitorGone::Erased, "visitor_erased"),
            (
                VisitorGone::Merged {
                    into: VisitorId::from(&ada),
                },
                "visitor_merged",
            ),
        ] {
            let mut ports = Ports::new();
            let answer = move |_| Err(StoreError::VisitorGone(gone));
            ports.visitors.expect_summarize().returning(answer);
            let answer = ports.send(get("/api/visitors/?user_id=ada")).await;
            assert_eq!(answer.status, 410);
            assert!(answer.body.contains(code), "{}", answer.body);
        }
    }
}
