//! A page in a real browser that syncs by fetch. `make test-browser` finds the browser.

mod chromium;
mod static_server;

use serde_json::{Value, json};

use self::chromium::{FOREIGN_HOST, shown};
use self::static_server::StaticServer;
use crate::support::Server;

/// The page, which does what an app would and shows what it was told.
const PAGE: &str = include_str!("page.html");

/// What the page shows on this host, which is to sync with this server.
fn shown_on(host: &str, pages: &StaticServer, server: &Server) -> Value {
    let port = pages.port();
    let url = format!("http://{host}:{port}/?server={}", server.url());
    let text = shown(&url);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// What a page shows that may not ask.
fn nothing() -> Value {
    json!({"failed": "TypeError: Failed to fetch"})
}

#[test]
#[ignore = "needs a browser: make test-browser"]
fn a_page_of_this_machine_syncs() {
    let server = Server::start();
    let shown = shown_on("127.0.0.1", &StaticServer::start(PAGE), &server);
    assert_eq!(shown["failed"], Value::Null, "{shown}");
    assert_eq!(shown["registered"], json!(201), "{shown}");
    let turn = &shown["turn"];
    assert_eq!(turn["status"], 200, "{shown}");
    assert_eq!(turn["preference"], "handling=lenient", "{shown}");
    assert_eq!(turn["request_id"], "turn-1", "{shown}");
    assert_eq!(turn["body"]["messages_created"], 1, "{shown}");
    assert_eq!(turn["body"]["rejected"], json!([]), "{shown}");
    assert_eq!(turn["body"]["has_more"], false, "{shown}");
    let pull = &shown["pull"];
    assert_eq!(pull["status"], 200, "{shown}");
    assert_eq!(pull["titles"], json!(["Größe 🦀"]), "{shown}");
    assert!(pull["etag"].is_string(), "{shown}");
    assert_eq!(
        shown["again"],
        json!({"status": 304, "body": ""}),
        "{shown}"
    );
    let refused = &shown["refused"];
    assert_eq!(refused["status"], 400, "{shown}");
    assert_eq!(refused["body"]["code"], "invalid_conversations", "{shown}");
    assert_eq!(
        refused["body"]["details"][0]["path"], "conversations[0].id",
        "{shown}"
    );
    assert_eq!(refused["version"], env!("CARGO_PKG_VERSION"), "{shown}");
}

#[test]
#[ignore = "needs a browser: make test-browser"]
fn a_foreign_page_learns_nothing() {
    let server = Server::start();
    let shown = shown_on(FOREIGN_HOST, &StaticServer::start(PAGE), &server);
    assert_eq!(shown, nothing());
}

#[test]
#[ignore = "needs a browser: make test-browser"]
fn a_listed_page_syncs_and_none_beside_it() {
    let pages = StaticServer::start(PAGE);
    let origin = format!("http://{FOREIGN_HOST}:{}", pages.port());
    let server = Server::start_with(&[("CONVOSYNC__SERVER__CORS_ORIGINS", origin.as_str())]);
    let listed = shown_on(FOREIGN_HOST, &pages, &server);
    assert_eq!(listed["failed"], Value::Null, "{listed}");
    assert_eq!(listed["turn"]["status"], 200, "{listed}");
    assert_eq!(shown_on("127.0.0.1", &pages, &server), nothing());
}
