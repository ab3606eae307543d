use std::pin::Pin;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web;
use convosync_domain::ports::{Standing, StoreError};
use futures_util::future::poll_fn;
use tokio::time::{Instant, pause, timeout};

use crate::routes::app;
use crate::state::AppState;
use crate::testing::changing::{Changing, cursor, cursor_of};
use crate::testing::{Ports, get, send};

const URL: &str = "/api/sync-conversations/events/?user_id=u";
const HOUR: u64 = 3_600;

/// A stream as its client gets it.
struct Events {
    body: Pin<Box<BoxBody>>,
    came: String,
}

async fn open(state: &web::Data<AppState>, request: TestRequest) -> Events {
    let response = respond(state, request).await;
    assert_eq!(response.status(), 200);
    Events {
        body: Box::pin(response.into_body()),
        came: String::new(),
    }
}

async fn respond(state: &web::Data<AppState>, request: TestRequest) -> ServiceResponse<BoxBody> {
    let service = init_service(app(state.clone())).await;
    call_service(&service, request.to_request()).await
}

impl Events {
    /// What comes up to the next empty line; `None` where the stream ends before.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.came.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.came = rest;
                return Some(event);
            }
            let piece = self.piece().await?;
            self.came += &piece;
        }
    }

    async fn piece(&mut self) -> Option<String> {
        let piece = poll_fn(|context| self.body.as_mut().poll_next(context)).await?;
        Some(String::from_utf8(piece.unwrap().into()).unwrap())
    }

    /// The next event, after so many seconds; what it is and how many conversations it has.
    async fn expect(&mut self, kind: &str, id: u64, conversations: usize) {
        let event = self.next().await.unwrap();
        let head = format!("event: {kind}\nid: {}\ndata: {{", cursor(id));
        assert!(event.starts_with(&head), "{event}");
        assert_eq!(event.matches("\"title\"").count(), conversations, "{event}");
    }

    /// Whether nothing comes for some seconds.
    async fn is_silent_for(&mut self, seconds: u64) -> bool {
        timeout(Duration::from_secs(seconds), self.next())
            .await
            .is_err()
    }

    async fn skip_retry(mut self) -> Self {
        assert_eq!(self.next().await.unwrap(), "retry: 2000");
        self
    }
}

/// A stream of the visitor after the words with which it begins.
async fn follow(ports: Ports, parameters: &str) -> Events {
    let request = get(&format!("{URL}{parameters}"));
    open(&ports.into_state(), request).await.skip_retry().await
}

fn unavailable() -> StoreError {
    StoreError::Unavailable {
        retry_after: Duration::from_secs(2),
        source: None,
    }
}

#[actix_web::test]
async fn it_begins_with_everything_and_goes_on_with_what_changes() {
    pause();
    let (visitor, ports) = Changing::at(5);
    let mut events = follow(ports, "&limit=2").await;
    for (id, conversations) in [(2, 2), (4, 2), (5, 1)] {
        events.expect("change", id, conversations).await;
    }
    assert!(events.is_silent_for(10).await);
    visitor.moves_to(Standing::At(6));
    events.expect("change", 6, 1).await;
    visitor.moves_to(Standing::At(7));
    visitor.moves_to(Standing::At(8));
    events.expect("change", 8, 2).await;
}

/// A client has one way to apply: what is in an event is what a pull answers, in one line.
#[actix_web::test]
async fn an_event_is_what_a_pull_answers() {
    pause();
    let since = cursor(3);
    let pull = format!("/api/sync-conversations/changes/?user_id=u&since={since}");
    let pulled = Changing::at(4).1.send(get(&pull)).await.body;
    assert!(pulled.contains('\n'), "{pulled}");
    let mut events = follow(Changing::at(4).1, &format!("&since={since}")).await;
    let event = events.next().await.unwrap();
    let data = event
        .lines()
        .last()
        .unwrap()
        .strip_prefix("data: ")
        .unwrap();
    assert_eq!(data, pulled.replace(['\r', '\n'], " "));
    insta::assert_snapshot!(event, @r#"
    event: change
    id: AQAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAUPktgTnWaZFg
    data: {"conversations":[{"id":"00000000-0000-0000-0000-000000000004","title":"","x":{  "a": "\n" },"messages":[]}],"cursor":"AQAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAUPktgTnWaZFg","has_more":false}
    "#);
}

#[actix_web::test]
async fn it_tells_what_it_is() {
    pause();
    let state = Changing::at(5).1.into_state();
    for method in [Method::GET, Method::HEAD] {
        let response = respond(&state, get(URL).method(method.clone())).await;
        assert_eq!(response.status(), 200);
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("x-accel-buffering", "no"),
            ("cache-control", "private, no-cache"),
        ] {
            assert_eq!(response.headers().get(name).unwrap(), value, "{method}");
        }
        let is_empty = response
            .into_body()
            .try_into_bytes()
            .is_ok_and(|body| body.is_empty());
        assert_eq!(is_empty, method == Method::HEAD);
    }
}

#[actix_web::test]
async fn it_is_resumed_where_the_client_says() {
    pause();
    let (old, new) = (cursor(1), cursor(3));
    for (parameters, header, conversations) in [
        (String::new(), Some(&new), 1),
        (format!("&since={new}"), None, 1),
        (format!("&since={old}"), Some(&new), 1),
        ("&since=".to_owned(), None, 4),
        (format!("&since={new}"), Some(&String::new()), 4),
    ] {
        let state = Changing::at(4).1.into_state();
        let mut request = get(&format!("{URL}{parameters}"));
        if let Some(header) = header {
            request = request.insert_header(("Last-Event-ID", header.as_str()));
        }
        let mut events = open(&state, request).await.skip_retry().await;
        events.expect("change", 4, conversations).await;
    }
}

#[actix_web::test]
async fn a_client_that_has_everything_is_told_so() {
    pause();
    let (visitor, ports) = Changing::at(3);
    let mut events = follow(ports, &format!("&since={}", cursor(3))).await;
    events.expect("change", 3, 0).await;
    visitor.moves_to(Standing::At(3));
    assert!(events.is_silent_for(10).await);
}

#[actix_web::test]
async fn a_silent_stream_says_every_fifteen_seconds_that_it_lives() {
    pause();
    let (visitor, ports) = Changing::at(1);
    let mut events = follow(ports, "").await;
    events.expect("change", 1, 1).await;
    let began = Instant::now();
    for number in 1..=3 {
        assert_eq!(events.next().await.unwrap(), ": keep-alive");
        assert_eq!(began.elapsed().as_secs(), 15 * number);
    }
    assert!(events.is_silent_for(10).await);
    visitor.moves_to(Standing::At(2));
    events.expect("change", 2, 1).await;
    assert!(
        events.is_silent_for(14).await,
        "an event is a sign of life, too"
    );
}

#[actix_web::test]
async fn after_an_hour_it_ends_also_where_there_is_always_something() {
    pause();
    for is_busy in [false, true] {
        let (visitor, ports) = Changing::at(1);
        let mut events = follow(ports, "").await;
        let began = Instant::now();
        let mut change_counter = 1;
        while events.next().await.is_some() {
            if is_busy {
                tokio::time::advance(Duration::from_secs(10)).await;
                change_counter += 1;
                visitor.moves_to(Standing::At(change_counter));
            }
            assert!(began.elapsed().as_secs() <= HOUR + 15);
        }
        assert!(began.elapsed().as_secs() >= HOUR);
    }
}

#[actix_web::test]
async fn an_expired_cursor_is_an_event_after_which_the_client_begins_anew() {
    pause();
    for since in [cursor_of(1, 6), cursor(9)] {
        let mut events = follow(Changing::at(3).1, &format!("&since={since}")).await;
        let event = events.next().await.unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(event, @r#"
    event: expired
    id:
    data: {"error":"Cursor expired, start again","code":"cursor_expired","request_id":"r"}
    "#);
        }
        assert_eq!(events.next().await, None);
    }
}

#[actix_web::test]
async fn a_visitor_who_goes_ends_its_streams() {
    pause();
    let (visitor, ports) = Changing::at(3);
    let state = ports.into_state();
    let mut events = open(&state, get(URL)).await.skip_retry().await;
    events.expect("change", 3, 3).await;
    visitor.moves_to(Standing::Gone);
    let event = events.next().await.unwrap();
    insta::assert_snapshot!(event, @r#"
    event: gone
    data: {"error":"Visitor was erased","code":"visitor_erased","request_id":"r"}
    "#);
    assert_eq!(events.next().await, None);
    assert_eq!(send(&state, get(URL)).await.status, 410);
}

#[actix_web::test]
async fn what_is_wrong_from_the_start_is_no_stream() {
    pause();
    let unknown = || {
        let mut ports = Ports::new();
        ports.visitors.expect_find().returning(|_| Ok(None));
        ports
    };
    let failing = || {
        let (visitor, ports) = Changing::at(3);
        visitor.fails(Some(unavailable));
        ports
    };
    for (ports, url, status) in [
        (
            Ports::new(),
            "/api/sync-conversations/events/".to_owned(),
            404,
        ),
        (Ports::new(), format!("{URL}&anon_id=x"), 400),
        (Ports::new(), format!("{URL}&limit=0"), 400),
        (Ports::new(), format!("{URL}&since=x"), 400),
        (unknown(), URL.to_owned(), 404),
        (failing(), URL.to_owned(), 503),
    ] {
        let answer = ports.send(get(&url)).await;
        assert_eq!(answer.status, status, "{url}");
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
    }
}

#[actix_web::test]
async fn it_outlives_a_store_that_fails_for_a_while() {
    pause();
    let internal = || StoreError::Internal {
        source: "disk on fire".into(),
    };
    let failures: [fn() -> StoreError; 2] = [unavailable, internal];
    for failure in failures {
        let (visitor, ports) = Changing::at(1);
        let mut events = follow(ports, "").await;
        events.expect("change", 1, 1).await;
        visitor.fails(Some(failure));
        visitor.moves_to(Standing::At(2));
        assert_eq!(events.next().await.unwrap(), ": keep-alive");
        visitor.fails(None);
        events.expect("change", 2, 1).await;
    }
}

#[actix_web::test]
async fn it_waits_for_memory_and_gives_back_what_is_sent() {
    pause();
    let (visitor, mut ports) = Changing::at(1);
    let _visitor = visitor.with_titles_of(100_000);
    ports.limits.reads_in_flight_bytes = 250_000;
    let state = ports.into_state();
    let mut reader = open(&state, get(URL)).await.skip_retry().await;
    let mut pieces = vec![reader.piece().await.unwrap()];
    // The page is held until it is sent, so there is no room for another one.
    let mut other = open(&state, get(URL)).await.skip_retry().await;
    assert_eq!(other.next().await.unwrap(), ": keep-alive");
    while !pieces.last().unwrap().ends_with("\n\n") {
        pieces.push(reader.piece().await.unwrap());
    }
    assert!(pieces.iter().all(|piece| piece.len() <= 32 << 10));
    assert_eq!(pieces.len(), 4);
    assert!(reader.is_silent_for(1).await);
    other.expect("change", 1, 1).await;
}

#[actix_web::test]
async fn an_item_larger_than_the_memory_comes_alone() {
    pause();
    let (visitor, mut ports) = Changing::at(2);
    let _visitor = visitor.with_titles_of(100_000);
    ports.limits.reads_in_flight_bytes = 50_000;
    let mut events = follow(ports, "&limit=1").await;
    events.expect("change", 1, 1).await;
    events.expect("change", 2, 1).await;
}

#[actix_web::test]
async fn a_server_that_drains_ends_its_streams_and_begins_none() {
    pause();
    let (visitor, ports) = Changing::at(2);
    let _visitor = visitor.with_titles_of(100_000);
    let drain = ports.drain.clone();
    let state = ports.into_state();
    let mut idle = open(&state, get(&format!("{URL}&since={}", cursor(2)))).await;
    idle.next().await.unwrap();
    idle.next().await.unwrap();
    let mut amid_a_page = open(&state, get(URL)).await;
    amid_a_page.next().await.unwrap();
    amid_a_page.piece().await.unwrap();
    let began = Instant::now();
    let (ended, ()) = futures_util::future::join(idle.next(), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drain.begin();
    })
    .await;
    assert_eq!((ended, began.elapsed().as_secs()), (None, 1));
    assert_eq!(amid_a_page.next().await, None);

    let answer = send(&state, get(URL)).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("Retry-After"), Some("1"));
    insta::assert_snapshot!(answer.body, @r#"{"error":"Server is stopping","code":"draining","request_id":"r"}"#);
}

#[actix_web::test]
async fn one_too_many_is_refused_until_another_has_gone() {
    pause();
    type Setup = fn(&mut Ports);
    let setups: [(Setup, u16, &str); 3] = [
        (|ports| ports.limits.streams = 1, 503, "too_many_in_flight"),
        (
            |ports| ports.limits.streams_per_address = 1,
            429,
            "too_many_streams",
        ),
        (
            |ports| ports.limits.streams_per_visitor = 1,
            429,
            "too_many_streams",
        ),
    ];
    for (set, status, code) in setups {
        let (_, mut ports) = Changing::at(1);
        set(&mut ports);
        let state = ports.into_state();
        let events = open(&state, get(URL)).await;
        let refused = send(&state, get(URL)).await;
        assert_eq!(refused.status, status);
        assert!(refused.header("Retry-After").is_some());
        assert!(refused.body.contains(code), "{}", refused.body);
        drop(events);
        open(&state, get(URL)).await;
    }
}
