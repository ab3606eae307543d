use std::pin::pin;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use convosync_domain::ports::Standing;
use futures_util::future::{Either, join, select};
use tokio::time::{Instant, pause, sleep};

use crate::testing::changing::{Changing, cursor};
use crate::testing::{Answer, Ports, get, send};

fn changes(parameters: &str) -> TestRequest {
    get(&format!(
        "/api/sync-conversations/changes/?user_id=u&since={}{parameters}",
        cursor(3)
    ))
}

/// The answer, and after how many seconds it came.
async fn answer(
    ports: Ports,
    request: TestRequest,
    meanwhile: impl Future<Output = ()>,
) -> (Answer, u64) {
    let state = ports.into_state();
    let began = Instant::now();
    let answered = pin!(send(&state, request));
    let answer = match select(answered, pin!(meanwhile)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), answered)) => answered.await,
    };
    (answer, began.elapsed().as_secs())
}

async fn after(seconds: u64, happens: impl FnOnce()) {
    sleep(Duration::from_secs(seconds)).await;
    happens();
}

#[actix_web::test]
async fn a_change_is_answered_when_it_happens() {
    pause();
    for (moves_after, wait, expected) in [(0, 30, 0), (7, 30, 7), (59, 60, 59)] {
        let (visitor, ports) = Changing::at(3);
        let moves = after(moves_after, || visitor.moves_to(Standing::At(4)));
        let request = changes(&format!("&wait={wait}"));
        let (answer, after) = answer(ports, request, moves).await;
        assert_eq!((answer.status.as_u16(), after), (200, expected));
        let next = format!("\"cursor\":\"{}\",\"has_more\":false}}", cursor(4));
        assert!(answer.body.ends_with(&next), "{}", answer.body);
        assert!(answer.header("ETag").is_some());
    }
}

#[actix_web::test]
async fn without_a_change_the_empty_page_is_answered_when_the_time_is_over() {
    pause();
    for (parameters, expected) in [("&wait=30", 30), ("&wait=1", 1), ("&wait=0", 0), ("", 0)] {
        let (_, ports) = Changing::at(3);
        let (answer, after) = answer(ports, changes(parameters), async {}).await;
        assert_eq!((answer.status.as_u16(), after), (200, expected));
        let empty = format!(
            "{{\"conversations\":[],\"cursor\":\"{}\",\"has_more\":false}}",
            cursor(3)
        );
        assert_eq!(answer.body, empty);
    }
}

#[actix_web::test]
async fn who_has_the_page_waits_for_another() {
    pause();
    let (_, ports) = Changing::at(3);
    let (known, _) = answer(ports, changes(""), async {}).await;
    let tag = known.header("ETag").unwrap().to_owned();
    for (moves_after, status, expected) in [(40, 304, 30), (7, 200, 7)] {
        let (visitor, ports) = Changing::at(3);
        let moves = after(moves_after, || visitor.moves_to(Standing::At(4)));
        let request = changes("&wait=30").insert_header(("If-None-Match", tag.as_str()));
        let (answer, after) = answer(ports, request, moves).await;
        assert_eq!((answer.status.as_u16(), after), (status, expected));
        assert_eq!(answer.header("ETag") == Some(&tag), status == 304);
    }
}

#[actix_web::test]
async fn a_head_does_not_wait() {
    pause();
    let (_, ports) = Changing::at(3);
    let request = changes("&wait=30").method(Method::HEAD);
    let (answer, after) = answer(ports, request, async {}).await;
    assert_eq!((answer.status.as_u16(), after), (200, 0));
}

#[actix_web::test]
async fn a_visitor_who_goes_is_answered_so_at_once() {
    pause();
    let (visitor, ports) = Changing::at(3);
    let goes = after(7, || visitor.moves_to(Standing::Gone));
    let (answer, after) = answer(ports, changes("&wait=30"), goes).await;
    assert_eq!((answer.status.as_u16(), after), (410, 7));
}

#[actix_web::test]
async fn a_server_that_drains_answers_at_once_and_takes_no_more() {
    pause();
    let (_, ports) = Changing::at(3);
    let drain = ports.drain.clone();
    let state = ports.into_state();
    let began = Instant::now();
    let waits = send(&state, changes("&wait=30"));
    let (answer, ()) = join(waits, after(7, || drain.begin())).await;
    assert_eq!(
        (answer.status.as_u16(), began.elapsed().as_secs()),
        (200, 7)
    );
    let refused = send(&state, changes("&wait=30")).await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("Retry-After"), Some("1"));
    insta::assert_snapshot!(refused.body, @r#"{"error":"Server is stopping","code":"draining","request_id":"r"}"#);
    assert_eq!(send(&state, changes("")).await.status, 200);
}

#[actix_web::test]
async fn one_too_many_is_refused_until_another_has_gone() {
    pause();
    let (_, mut ports) = Changing::at(3);
    ports.limits.streams_per_visitor = 1;
    let state = ports.into_state();
    let (waited, (refused, plain)) = join(send(&state, changes("&wait=2")), async {
        sleep(Duration::from_secs(1)).await;
        let refused = send(&state, changes("&wait=2")).await;
        (refused, send(&state, changes("")).await)
    })
    .await;
    assert_eq!(waited.status, 200);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("Retry-After"), Some("5"));
    insta::assert_snapshot!(refused.body, @r#"{"error":"More than 1 wait for changes of one visitor (limits.streams_per_visitor)","code":"too_many_streams","request_id":"r"}"#);
    assert_eq!(plain.status, 200, "it does not wait");
    assert_eq!(send(&state, changes("&wait=1")).await.status, 200);
}

#[actix_web::test]
async fn a_wait_that_is_none_is_refused_before_anything_else() {
    pause();
    let nobody = get("/api/sync-conversations/changes/?wait=61");
    let answer = Ports::new().send(nobody).await;
    assert_eq!(answer.status, 400);
    insta::assert_snapshot!(answer.body, @r#"{"error":"wait must be 0 to 60","code":"invalid_wait","request_id":"r"}"#);
}
