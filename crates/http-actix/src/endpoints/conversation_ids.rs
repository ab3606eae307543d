//! `GET /api/sync-conversations/`: which conversations a visitor has.

mod openapi;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use convosync_domain::api_key::Scope;
use convosync_domain::identity::ConversationId;
use uuid::fmt::Hyphenated;

use crate::access::authorize;
use crate::answer::tagged_json;
use crate::error::ApiError;
use crate::etag::{self, KnownTags};
use crate::json::{ObjectWriter, push_array, push_id};
use crate::request::claim_of;
use crate::state::AppState;

pub(crate) use self::openapi::describe;

pub(crate) async fn get(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let list = &state.services.list;
    let visitor = authorize(&state, &request, &claim_of(&request)?, Scope::SyncAny).await?;
    let tag = |change_counter| etag::of_state(state.epoch, visitor.id(), change_counter, "ids");
    let known = KnownTags::of(&request);
    let recent = state.recent_ids.get(&visitor.id());
    if known.is_some() || recent.is_some() {
        let change_counter = list.change_counter(&visitor).await?;
        let current = tag(change_counter);
        if known.is_some_and(|known| known.contain(&current)) {
            return Ok(etag::not_modified(current));
        }
        if let Some((_, body)) = recent.filter(|(at, _)| *at == change_counter) {
            return Ok(tagged_json(current, body));
        }
    }
    let living = list.run(&visitor).await?;
    let body = Bytes::from(list_of(&living.ids));
    state
        .recent_ids
        .insert(visitor.id(), (living.change_counter, body.clone()));
    Ok(tagged_json(tag(living.change_counter), body))
}

/// `{"conversations": ["…"]}`
fn list_of(ids: &[ConversationId]) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + ids.len() * (Hyphenated::LENGTH + 3));
    let mut answer = ObjectWriter::new(&mut out);
    push_array(answer.key("conversations"), ids, |out, id| {
        push_id(out, id.key().as_uuid(), id.opaque());
    });
    answer.end();
    out
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::TestRequest;
    use convosync_domain::identity::{ConversationId, VisitorId, VisitorIdentity};
    use convosync_domain::ports::{LivingIds, StoreError};
    use mockall::predicate::eq;

    use crate::testing::served::{body_of, exchange, start};
    use crate::testing::{Answer, Ports, get, named};

    const URL: &str = "/api/sync-conversations/?user_id=u";

    fn listing(ids: &'static [&'static str]) -> Ports {
        listing_at(3, ids, Ports::new())
    }

    /// Ports that also list these ids, read at this change counter.
    fn listing_at(change_counter: u64, ids: &'static [&'static str], mut ports: Ports) -> Ports {
        let visitor = VisitorId::from(&VisitorIdentity::registered("u").unwrap());
        ports
            .list
            .expect_living_ids()
            .with(eq(visitor))
            .once()
            .returning(move |_| {
                let ids = ids.iter().map(|id| ConversationId::parse(id).unwrap());
                Ok(Some(LivingIds {
                    change_counter,
                    ids: ids.collect(),
                }))
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

    /// The tag of the ids at this change counter.
    async fn tag_at(change_counter: u64) -> String {
        let answer = listing_at(change_counter, &[], Ports::new())
            .send(get(URL))
            .await;
        answer.header("ETag").unwrap().to_owned()
    }

    /// Asks in the name of a client that has what these tags stand for.
    async fn ask_again(ports: Ports, method: Method, known: &str) -> Answer {
        let request = named(TestRequest::with_uri(URL).method(method));
        ports
            .send(request.insert_header(("If-None-Match", known)))
            .await
    }

    #[actix_web::test]
    async fn what_the_client_has_is_not_read_again() {
        let tag = tag_at(3).await;
        assert!(tag.starts_with("W/\""), "{tag}");
        let strong = tag.trim_start_matches("W/");
        for known in [&tag, strong, "*", &format!("\"x\", {tag}")] {
            for method in [Method::GET, Method::HEAD] {
                // The list may not be asked.
                let answer = ask_again(Ports::with_visitor_at(3), method, known).await;
                assert_eq!(answer.status, 304, "{known}");
                assert_eq!(answer.header("ETag"), Some(tag.as_str()));
                assert_eq!(answer.header("Cache-Control"), Some("private, no-cache"));
                assert_eq!(answer.header("Content-Type"), None);
                assert_eq!(answer.body, "");
            }
        }
    }

    #[actix_web::test]
    async fn what_has_changed_comes_with_the_tag_of_its_own_read() {
        let (old, new) = (tag_at(3).await, tag_at(5).await);
        assert_ne!(old, new);
        // The visitor changes once more between the look at the counter and the read.
        let ports = listing_at(5, &[], Ports::with_visitor_at(4));
        let answer = ask_again(ports, Method::GET, &old).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ETag"), Some(new.as_str()));
        assert_eq!(answer.body, r#"{"conversations":[]}"#);
    }

    #[actix_web::test]
    async fn whatever_a_client_has_of_a_wrong_question_is_refused() {
        let unknown = || {
            let mut ports = Ports::new();
            ports.visitors.expect_find().returning(|_| Ok(None));
            ports
        };
        for known in ["*", &tag_at(0).await] {
            let answer = ask_again(unknown(), Method::GET, known).await;
            assert_eq!(answer.status, 404, "{known}");
            assert_eq!(answer.header("ETag"), None);
        }
        let both = get("/api/sync-conversations/?anon_id=x&user_id=y");
        let answer = Ports::new()
            .send(both.insert_header(("If-None-Match", "*")))
            .await;
        assert_eq!(answer.status, 400);
        let mut failing = Ports::new();
        failing
            .visitors
            .expect_find()
            .returning(|_| Err(StoreError::Conflict));
        assert_eq!(ask_again(failing, Method::GET, "*").await.status, 500);
    }

    #[actix_web::test]
    async fn a_list_is_read_once_as_long_as_nothing_has_changed() {
        let id = "1518856d-63ae-5696-b190-8593ef95598b";
        let mut ports = Ports::with_visitor_at(3);
        for (change_counter, ids) in [(3, vec![id]), (4, vec![])] {
            ports.list.expect_living_ids().once().returning(move |_| {
                let ids = ids.iter().map(|id| ConversationId::parse(id).unwrap());
                Ok(Some(LivingIds {
                    change_counter,
                    ids: ids.collect(),
                }))
            });
        }
        let (address, handle) = start(ports);
        let request = format!("GET {URL} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        for _ in 0..3 {
            let answer = exchange(&address, request.as_str()).await;
            assert_eq!(body_of(&answer), format!(r#"{{"conversations":["{id}"]}}"#));
        }
        // Another visitor's list is not there.
        let other = request.replace("user_id=u", "user_id=v");
        let answer = exchange(&address, other.as_str()).await;
        assert_eq!(body_of(&answer), r#"{"conversations":[]}"#);
        // That one was read at a counter at which the visitor is no more: it is read again, in vain.
        let answer = exchange(&address, other.as_str()).await;
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
        handle.stop(false).await;
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
