//! `GET /api/sync-conversations/changes/`: what others have changed, page by page; with `wait=` as soon as there is
//! something.

mod openapi;
pub(crate) mod page;
#[cfg(test)]
mod wait_tests;
mod waiting;

use actix_web::{HttpRequest, HttpResponse, web};
use convosync_domain::api_key::Scope;

use super::pull_query::{PullQuery, wait};
use crate::access::authorize;
use crate::answer::held_json;
use crate::error::ApiError;
use crate::etag::{self, KnownTags};
use crate::request::{Query, claim_of};
use crate::state::AppState;
use page::write_page;
use waiting::Waiting;

pub(crate) use self::openapi::{describe, page_fields};

pub(crate) async fn get(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let claim = claim_of(&request)?;
    // Everything in the query is judged before it matters who asks.
    let query = Query::new(request.query_string());
    let PullQuery { since, limit } = PullQuery::of(&query)?;
    let wait = wait(&query)?;
    let visitor = authorize(&state, &request, &claim, Scope::SyncAny).await?;
    let since = since.as_deref();
    let mut waiting = Waiting::begin(&state, &request, &visitor, wait)?;
    let asked = format!("changes {limit} {}", since.unwrap_or_default());
    let tag = |change_counter| etag::of_state(state.epoch, visitor.id(), change_counter, &asked);
    if let Some(known) = KnownTags::of(&request) {
        let is_known = |change_counter| known.contain(&tag(change_counter));
        let change_counter = match &mut waiting {
            Some(waiting) => {
                let follow = &state.services.follow;
                let counter = follow.wait_for_counter(&visitor, since, is_known, waiting.end());
                counter.await?
            }
            None => state.services.pull.change_counter(&visitor, since).await?,
        };
        let current = tag(change_counter);
        if known.contain(&current) {
            return Ok(etag::not_modified(current));
        }
    }
    let pulled = match &mut waiting {
        Some(waiting) => {
            let follow = &state.services.follow;
            let page = follow.wait_for_page(&visitor, since, limit, waiting.end());
            page.await?
        }
        None => state.services.pull.run(&visitor, since, limit).await?,
    };
    let tag = tag(pulled.page.change_counter);
    held_json(Some(tag), write_page(&pulled), pulled.memory)
}

#[cfg(test)]
mod tests {
    use convosync_application::cursor::Cursor;
    use convosync_domain::feed::{ChangesPage, FeedPosition, PageRead};
    use convosync_domain::identity::{VisitorId, VisitorIdentity};
    use uuid::Uuid;

    use crate::testing::{Answer, Ports, get};

    fn position(since: u64) -> FeedPosition {
        FeedPosition {
            since,
            dead_left_out_through: None,
            last: None,
        }
    }

    /// A cursor of the visitor `u` in the epoch of the test ports.
    fn cursor(since: u64, epoch: u128) -> String {
        let visitor = VisitorId::from(&VisitorIdentity::registered("u").unwrap());
        let epoch = Uuid::from_u128(epoch);
        let position = position(since);
        Cursor { epoch, position }.encode(visitor)
    }

    /// Ports whose feed is empty at change 3.
    fn feeding(expected: Option<FeedPosition>, limit: usize) -> Ports {
        also_feeding(Ports::new(), expected, limit)
    }

    fn also_feeding(mut ports: Ports, expected: Option<FeedPosition>, limit: usize) -> Ports {
        ports
            .feed
            .expect_changes()
            .withf(move |_, request, _| (request.position, request.limit) == (expected, limit))
            .once()
            .returning(|_, _, _| {
                Ok(Some(PageRead::Page(ChangesPage {
                    conversations: Vec::new(),
                    next: position(3),
                    has_more: false,
                    change_counter: 3,
                })))
            });
        ports
    }

    fn changes(parameters: &str) -> actix_web::test::TestRequest {
        get(&format!(
            "/api/sync-conversations/changes/?user_id=u{parameters}"
        ))
    }

    #[actix_web::test]
    async fn a_page_with_the_cursor_to_go_on_from() {
        let expected = format!(
            r#"{{"conversations":[],"cursor":"{}","has_more":false}}"#,
            cursor(3, 5)
        );
        let answer = feeding(None, 500).send(changes("")).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &expected));

        let next = changes(&format!("&since={}&limit=1000", cursor(2, 5)));
        let answer = feeding(Some(position(2)), 1_000).send(next).await;
        assert_eq!(answer.body, expected);

        let url = "/api/sync-conversations/changes?user_id=u&limit=1";
        assert_eq!(feeding(None, 1).send(get(url)).await.status, 200);
    }

    #[actix_web::test]
    async fn a_query_that_is_wrong() {
        let twice = format!("&since={0}&since={0}", cursor(1, 5));
        for (parameters, expected) in [
            ("&limit=0", "limit must be 1 to 1000"),
            ("&limit=-1", "limit must be 1 to 1000"),
            ("&limit=1e9", "limit must be 1 to 1000"),
            ("&limit=x", "limit must be 1 to 1000"),
            ("&limit=1001", "limit must be 1 to 1000"),
            ("&limit=1&limit=1", "limit given twice"),
            ("&since=", "Invalid cursor"),
            ("&since=x", "Invalid cursor"),
            (&twice, "since given twice"),
            ("&anon_id=x", "Give anon_id or user_id, not both"),
        ] {
            let answer = Ports::new().send(changes(parameters)).await;
            assert_eq!(answer.status, 400, "{parameters}");
            assert!(
                answer
                    .body
                    .starts_with(&format!("{{\"error\":\"{expected}\",\"code\":")),
                "{}",
                answer.body
            );
        }
        let nobody = get("/api/sync-conversations/changes/?limit=0");
        assert_eq!(Ports::new().send(nobody).await.status, 400);
    }

    #[actix_web::test]
    async fn a_cursor_of_another_visitor_is_invalid() {
        let url = format!(
            "/api/sync-conversations/changes/?anon_id=u&since={}",
            cursor(1, 5)
        );
        let answer = Ports::new().send(get(&url)).await;
        assert_eq!(answer.status, 400);
        insta::assert_snapshot!(answer.body, @r#"{"error":"Invalid cursor","code":"invalid_cursor","request_id":"r"}"#);
    }

    #[actix_web::test]
    async fn a_cursor_of_another_epoch_has_expired() {
        let request = changes(&format!("&since={}", cursor(1, 6)));
        let answer = feeding(Some(position(1)), 500).send(request).await;
        assert_eq!(answer.status, 410);
        insta::assert_snapshot!(answer.body, @r#"{"error":"Cursor expired, start again","code":"cursor_expired","request_id":"r"}"#);
    }

    /// Asks in the name of a client that has what these tags stand for.
    async fn ask_again(ports: Ports, parameters: &str, known: &str) -> Answer {
        let request = changes(parameters).insert_header(("If-None-Match", known));
        ports.send(request).await
    }

    #[actix_web::test]
    async fn what_the_client_has_is_not_read_again() {
        let mut tags = vec![];
        for (since, limit) in [(None, 500), (None, 5), (Some(2), 500), (Some(3), 500)] {
            let mut parameters = format!("&limit={limit}");
            if let Some(since) = since {
                parameters.push_str(&format!("&since={}", cursor(since, 5)));
            }
            let ports = || feeding(since.map(position), limit);
            let answer = ports().send(changes(&parameters)).await;
            let tag = answer.header("ETag").unwrap().to_owned();
            for known in [&tag, "*"] {
                // The feed may not be asked.
                let answer = ask_again(Ports::with_visitor_at(3), &parameters, known).await;
                assert_eq!(answer.status, 304, "{parameters}");
                assert_eq!(answer.header("ETag"), Some(tag.as_str()));
                assert_eq!(answer.body, "");
            }
            assert!(!tags.contains(&tag), "{parameters}");
            // Another page than those that were pulled before.
            for other in &tags {
                let ports = also_feeding(Ports::with_visitor_at(3), since.map(position), limit);
                assert_eq!(ask_again(ports, &parameters, other).await.status, 200);
            }
            tags.push(tag);
        }
    }

    #[actix_web::test]
    async fn what_has_changed_comes_with_the_tag_of_its_own_read() {
        let answer = feeding(None, 500).send(changes("")).await;
        let tag = answer.header("ETag").unwrap();
        // The visitor changes between the look at the counter and the read.
        let ports = also_feeding(Ports::with_visitor_at(2), None, 500);
        let answer = ask_again(ports, "", tag).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ETag"), Some(tag));
    }

    #[actix_web::test]
    async fn whatever_a_client_has_of_a_wrong_question_is_refused() {
        let unknown = || {
            let mut ports = Ports::new();
            ports.visitors.expect_find().returning(|_| Ok(None));
            ports
        };
        let since = |since, epoch| format!("&since={}", cursor(since, epoch));
        for (ports, parameters, status) in [
            (Ports::new(), "&limit=0", 400),
            (Ports::new(), "&since=x", 400),
            (unknown(), "", 404),
            (unknown(), &since(1, 6), 404),
            (Ports::with_visitor_at(3), &since(1, 6), 410),
            (Ports::with_visitor_at(3), &since(4, 5), 410),
        ] {
            let answer = ask_again(ports, parameters, "*").await;
            assert_eq!(answer.status, status, "{parameters}");
            assert_eq!(answer.header("ETag"), None);
        }
    }

    #[actix_web::test]
    async fn nobody_is_not_found() {
        let mut unknown = Ports::new();
        unknown.feed.expect_changes().returning(|_, _, _| Ok(None));
        assert_eq!(unknown.send(changes("")).await.status, 404);
        let nobody = get("/api/sync-conversations/changes/");
        assert_eq!(Ports::new().send(nobody).await.status, 404);
    }
}
