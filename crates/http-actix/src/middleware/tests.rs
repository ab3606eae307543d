use actix_web::test::TestRequest;

use crate::testing::logged::{logged, logged_by};
use crate::testing::{Ports, get, named, post, send};

const SYNC: &str = "/api/sync-conversations/";

#[actix_web::test]
async fn every_answer_has_the_headers() {
    for url in [
        "/livez",
        "/nowhere",
        SYNC,
        "/api/sync-conversations/?anon_id=",
    ] {
        let answer = Ports::new().send(get(url)).await;
        for (name, value) in [
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "private, no-cache"),
            ("Convosync-Version", "1.2.3"),
            ("X-Request-Id", "r"),
            ("Content-Type", "application/json"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{url}");
        }
    }
}

#[actix_web::test]
async fn a_request_without_a_sound_name_gets_one() {
    let unsound = TestRequest::with_uri("/nowhere").insert_header(("X-Request-Id", "a b"));
    for request in [TestRequest::with_uri("/nowhere"), unsound] {
        let answer = Ports::new().send(request).await;
        let given = answer.header("X-Request-Id").unwrap();
        assert!(answer.body.contains(&format!("\"request_id\":\"{given}\"")));
    }
}

#[actix_web::test]
async fn an_unknown_path_is_not_found() {
    for url in [
        "//",
        "/api",
        "/api/sync-conversations/x",
        "/api/sync-conversations//",
        "/livez/x",
        "/api%2Fvisitors",
    ] {
        let answer = Ports::new().send(get(url)).await;
        assert_eq!(answer.status, 404, "{url}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Not found","code":"not_found","request_id":"r"}"#);
        }
    }
}

#[actix_web::test]
async fn a_long_url_is_refused_whatever_it_names() {
    let longest = format!("/livez?{}", "x".repeat(2_048 - 7));
    assert_eq!(Ports::new().send(get(&longest)).await.status, 200);
    let answer = Ports::new().send(get(&format!("{longest}x"))).await;
    assert_eq!(answer.status, 414);
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    insta::assert_snapshot!(answer.body, @r#"{"error":"URL longer than 2048 bytes","code":"url_too_long","request_id":"r"}"#);
}

#[actix_web::test]
async fn a_panic_is_an_internal_error_and_the_next_request_is_served() {
    let mut ports = Ports::new();
    ports
        .list
        .expect_living_ids()
        .once()
        .returning(|_| panic!("marker"));
    ports
        .list
        .expect_living_ids()
        .returning(|_| Ok(Some(convosync_domain::ports::LivingIds::default())));
    let state = ports.into_state();
    let url = "/api/sync-conversations/?anon_id=a";

    let answer = send(&state, get(url)).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.header("X-Request-Id"), Some("r"));
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    insta::assert_snapshot!(answer.body, @r#"{"error":"Internal error","code":"internal_error","request_id":"r"}"#);

    assert_eq!(send(&state, get(url)).await.status, 200);
}

#[actix_web::test]
async fn a_request_is_one_line_in_the_log() {
    let mut ports = Ports::new();
    ports
        .visitors
        .expect_register()
        .returning(|_| Ok(convosync_domain::ports::Registration::Created));
    let request = post("/api/visitors/?marker=1", r#"{"anon_id":"marker"}"#)
        .insert_header(("X-Marker", "marker"));
    let log = logged(ports, request).await;
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 1, "{log}");
    for part in [
        r#""request_id":"r""#,
        r#""method":"POST""#,
        r#""route":"/api/visitors"#,
        r#""status":201"#,
        r#""bytes_in":20"#,
        r#""latency_ms":"#,
    ] {
        assert!(log.contains(part), "{log}");
    }
    let (_, latency) = log.split_once(r#""latency_ms":"#).unwrap();
    let latency = latency.split([',', '}']).next().unwrap();
    let decimals = latency
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    assert!(decimals <= 3, "{latency}");
    assert!(!log.contains("marker"), "{log}");
}

#[actix_web::test]
async fn nothing_that_was_sent_is_in_the_log() {
    for request in [
        get("/marker?anon_id=marker"),
        get("/api/sync-conversations/?anon_id=marker&anon_id=marker"),
        get("/api/sync-conversations/changes/?anon_id=marker&since=marker"),
        post("/api/visitors/", r#"{"marker":"\u0000","user_id":5}"#),
        named(TestRequest::with_uri("/livez").method("MARKER".parse().unwrap())),
    ] {
        let log = logged(Ports::new(), request).await;
        assert!(!log.to_lowercase().contains("marker"), "{log}");
        assert_eq!(log.lines().count(), 1, "{log}");
    }
}

#[actix_web::test]
async fn what_a_store_said_is_in_the_log_with_the_name_of_the_request() {
    let mut ports = Ports::new();
    ports.list.expect_living_ids().returning(|_| {
        Err(convosync_domain::ports::StoreError::Internal {
            source: "disk on fire".into(),
        })
    });
    let log = logged(ports, get("/api/sync-conversations/?anon_id=a")).await;
    let line = log.lines().find(|line| line.contains("ERROR")).unwrap();
    assert!(line.contains(r#""request_id":"r""#), "{line}");
    assert!(line.contains("the store failed: disk on fire"), "{line}");
}

#[actix_web::test]
async fn a_proxy_that_is_not_trusted_is_warned_of_once() {
    let state = Ports::new().into_state();
    let log = logged_by(async {
        for number in 0..30 {
            let forwarded = ("X-Forwarded-For", format!("203.0.113.{number}"));
            send(&state, get("/livez").insert_header(forwarded)).await;
        }
    })
    .await;
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{log}");
    assert!(warnings[0].contains("server.trusted_proxies"), "{log}");
    assert!(!log.contains("203.0.113"), "{log}");
}
