use std::collections::BTreeSet;

use actix_web::test::TestRequest;

use crate::origins::CorsOrigins;
use crate::settings::RateLimitSettings;
use crate::testing::{Answer, Ports, get, named, post, send};

const SYNC: &str = "/api/sync-conversations/?anon_id=a";
const APP: &str = "https://app.example";
const EVIL: &str = "https://evil.example";

fn ports() -> Ports {
    let mut ports = Ports::new();
    ports.cors = CorsOrigins::Listed(vec![APP.parse().unwrap()]);
    ports
}

fn options(url: &str, headers: &[(&'static str, &str)]) -> TestRequest {
    let request = TestRequest::with_uri(url).method(actix_web::http::Method::OPTIONS);
    headers
        .iter()
        .fold(named(request), |request, (name, value)| {
            request.insert_header((*name, *value))
        })
}

fn preflight(origin: &str, url: &str, method: &str) -> TestRequest {
    let headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", method),
        (
            "Access-Control-Request-Headers",
            "authorization,content-type",
        ),
    ];
    options(url, &headers)
}

/// The parts of a list, which comes in any order.
fn parts<'a>(answer: &'a Answer, name: &str) -> BTreeSet<&'a str> {
    let value = answer.header(name).unwrap_or_default();
    value.split(", ").collect()
}

/// The names of the headers that tell a browser who may do what.
fn allowing(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().map(|name| name.as_str());
    names
        .filter(|name| name.starts_with("access-control-"))
        .collect()
}

#[actix_web::test]
async fn a_preflight_of_an_allowed_origin_is_answered_for_every_path() {
    for url in [
        SYNC,
        "/api/visitors",
        "/api/conversations/c/",
        "/nowhere",
        "/",
    ] {
        for method in ["GET", "HEAD", "POST", "DELETE"] {
            let answer = ports().send(preflight(APP, url, method)).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
            assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(APP));
            assert_eq!(answer.header("Access-Control-Max-Age"), Some("7200"));
            assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
            assert_eq!(answer.header("Access-Control-Allow-Private-Network"), None);
            assert_eq!(answer.header("X-Request-Id"), Some("r"));
            let methods = parts(&answer, "Access-Control-Allow-Methods");
            assert_eq!(methods, BTreeSet::from(["DELETE", "GET", "HEAD", "POST"]));
            let headers = parts(&answer, "Access-Control-Allow-Headers");
            assert_eq!(
                headers,
                BTreeSet::from([
                    "authorization",
                    "content-encoding",
                    "content-type",
                    "if-match",
                    "if-none-match",
                    "last-event-id",
                    "prefer",
                    "x-request-id",
                ])
            );
            assert_eq!(
                answer.header("Vary"),
                Some(
                    "Authorization, Origin, Access-Control-Request-Method, \
                     Access-Control-Request-Headers, Access-Control-Request-Private-Network"
                )
            );
        }
    }
}

#[actix_web::test]
async fn an_allowed_page_may_reach_into_a_private_network() {
    let request = preflight(APP, SYNC, "POST")
        .insert_header(("Access-Control-Request-Private-Network", "true"));
    let answer = ports().send(request).await;
    let allowed = answer.header("Access-Control-Allow-Private-Network");
    assert_eq!((answer.status.as_u16(), allowed), (200, Some("true")));
}

#[actix_web::test]
async fn a_preflight_of_a_foreign_origin_is_refused() {
    let none = || {
        let mut ports = Ports::new();
        ports.cors = CorsOrigins::None;
        ports
    };
    for (ports, origin) in [
        (ports(), EVIL),
        (ports(), "null"),
        (ports(), "http://localhost"),
        (none(), APP),
    ] {
        let request = preflight(origin, SYNC, "POST")
            .insert_header(("Access-Control-Request-Private-Network", "true"));
        let answer = ports.send(request).await;
        assert_eq!(answer.status, 403, "{origin}");
        assert_eq!(allowing(&answer), Vec::<&str>::new(), "{origin}");
        assert!(parts(&answer, "Vary").contains("Origin"));
        assert_eq!(answer.header("X-Request-Id"), Some("r"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Pages of this origin may not ask here; server.cors_origins lists those that may","code":"origin_not_allowed","request_id":"r"}"#);
        }
    }
}

#[actix_web::test]
async fn a_preflight_for_what_no_page_may_do_is_refused() {
    let answer = ports().send(preflight(APP, SYNC, "PUT")).await;
    assert_eq!(answer.status, 403);
    insta::assert_snapshot!(answer.body, @r#"{"error":"Method is not taken from pages of other origins","code":"preflight_refused","request_id":"r"}"#);
    for headers in ["x-user-id", "content-type, x-http-method-override", "ä"] {
        let request =
            preflight(APP, SYNC, "POST").insert_header(("Access-Control-Request-Headers", headers));
        let answer = ports().send(request).await;
        assert_eq!(answer.status, 403, "{headers}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Request headers are not taken from pages of other origins","code":"preflight_refused","request_id":"r"}"#);
        }
    }
}

#[actix_web::test]
async fn options_that_are_no_preflight_are_answered_405() {
    for headers in [
        &[][..],
        &[("Origin", APP)],
        &[("Origin", EVIL)],
        &[("Access-Control-Request-Method", "POST")],
        &[("Origin", APP), ("Access-Control-Request-Method", "P OST")],
    ] {
        let answer = ports().send(options(SYNC, headers)).await;
        assert_eq!(answer.status, 405, "{headers:?}");
        assert_eq!(answer.header("Allow"), Some("GET, HEAD, POST"));
    }
}

/// Requests that are answered by errors of every layer, with their status.
fn bad_requests() -> Vec<(u16, TestRequest)> {
    let too_long = format!("/livez?{}", "x".repeat(2_048));
    let put = TestRequest::put().uri(SYNC);
    let length = ("Content-Length", "67108865");
    vec![
        (400, get("/api/sync-conversations/?anon_id=")),
        (400, post("/api/visitors/", "{")),
        (404, get("/nowhere")),
        (405, named(put)),
        (413, post("/api/visitors/", "{}").insert_header(length)),
        (414, get(&too_long)),
        (
            415,
            post("/api/visitors/", "{}").insert_header(("Content-Encoding", "br")),
        ),
        (500, get(SYNC)),
    ]
}

/// Where the list panics.
fn panicking() -> Ports {
    let mut ports = ports();
    ports
        .list
        .expect_living_ids()
        .returning(|_| panic!("marker"));
    ports
}

#[actix_web::test]
async fn an_allowed_page_may_read_every_error() {
    for (status, request) in bad_requests() {
        let answer = panicking()
            .send(request.insert_header(("Origin", APP)))
            .await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(
            answer.header("Access-Control-Allow-Origin"),
            Some(APP),
            "{status}"
        );
        assert!(
            answer.body.contains(r#""request_id":"r""#),
            "{}",
            answer.body
        );
        assert!(parts(&answer, "Vary").contains("Origin"), "{status}");
    }
}

#[actix_web::test]
async fn a_foreign_page_is_answered_as_ever_and_may_not_read_it() {
    for (status, request) in bad_requests() {
        let request = request
            .insert_header(("Origin", EVIL))
            .insert_header(("Access-Control-Request-Private-Network", "true"));
        let answer = panicking().send(request).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(allowing(&answer), Vec::<&str>::new(), "{status}");
    }
    let answer = ports()
        .send(get("/livez").insert_header(("Origin", EVIL)))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(allowing(&answer), Vec::<&str>::new());
}

#[actix_web::test]
async fn an_allowed_page_may_read_what_the_answer_is_about() {
    let answer = ports()
        .send(get("/livez").insert_header(("Origin", APP)))
        .await;
    assert_eq!(answer.status, 200);
    let expected = BTreeSet::from([
        "convosync-version",
        "date",
        "etag",
        "preference-applied",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "x-request-id",
    ]);
    assert_eq!(parts(&answer, "Access-Control-Expose-Headers"), expected);
}

#[actix_web::test]
async fn who_is_no_page_is_told_nothing_of_this() {
    for url in ["/livez", "/nowhere"] {
        let answer = ports().send(get(url)).await;
        assert_eq!(allowing(&answer), Vec::<&str>::new());
    }
}

#[actix_web::test]
async fn every_answer_of_the_api_varies_with_who_asks() {
    for (url, vary) in [
        (SYNC, "Authorization, Origin"),
        ("/api/nowhere", "Authorization, Origin"),
        ("/livez", "Origin"),
    ] {
        for origin in [None, Some(APP), Some(EVIL)] {
            let mut request = get(url);
            if let Some(origin) = origin {
                request = request.insert_header(("Origin", origin));
            }
            let answer = panicking().send(request).await;
            assert_eq!(answer.header("Vary"), Some(vary), "{url} {origin:?}");
        }
    }
}

#[actix_web::test]
async fn an_address_is_limited_on_every_path_but_those_that_watch_the_server() {
    let mut ports = ports();
    ports.status.expect_check().returning(|| Ok(()));
    ports.rate_limits = Some(RateLimitSettings {
        address_requests_per_second: 1,
        ..RateLimitSettings::default()
    });
    ports.list.expect_living_ids().returning(|_| Ok(None));
    let state = ports.into_state();
    let from = |address: &str| {
        let peer = format!("{address}:4711").parse().unwrap();
        move |request: TestRequest| request.peer_addr(peer).insert_header(("Origin", APP))
    };
    let (one, other) = (from("203.0.113.9"), from("203.0.113.10"));
    let first = send(&state, one(get("/nowhere"))).await;
    assert_eq!(
        (first.status.as_u16(), first.header("RateLimit")),
        (404, Some("\"address\";r=9"))
    );
    for url in ["/nowhere", SYNC, "/version", "/livez/x"] {
        // One comes back each second, which a slow machine may take for this.
        let mut answer = send(&state, one(get(url))).await;
        while answer.status != 429 {
            answer = send(&state, one(get(url))).await;
        }
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(APP));
        assert_eq!(answer.header("Retry-After"), Some("1"));
        assert_eq!(
            answer.header("RateLimit-Policy"),
            Some("\"address\";q=10;w=10")
        );
        assert_eq!(answer.header("RateLimit"), Some("\"address\";r=0;t=1"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"More than 1 requests a second from one address (limits.address_requests_per_second)","code":"too_many_requests","request_id":"r"}"#);
        }
    }
    for url in ["/livez", "/livez/", "/readyz"] {
        let answer = send(&state, one(get(url))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("RateLimit")),
            (200, None)
        );
    }
    assert_eq!(send(&state, other(get("/version"))).await.status, 200);
    let preflight = send(&state, one(preflight(APP, SYNC, "POST"))).await;
    assert_eq!(
        preflight.status, 200,
        "or the page could not read the refusal"
    );
}
