//! At a running server, as its clients reach it.

use std::fs;

use rcgen::generate_simple_self_signed;
use serde_json::json;
use tempfile::tempdir;

use super::Findings;
use super::proxy::{Change, OwnAnswer, Proxy, page};
use crate::support::Server;
use crate::support::api::Api;

const ORIGIN: &str = "http://localhost:5173";
const NOTHING: OwnAnswer = |_, _, _| None;
const AS_IT_IS: Change = str::to_owned;

fn look(url: &str, arguments: &[&str]) -> Findings {
    let folder = tempdir().unwrap();
    let findings = Findings::of(folder.path(), &[], &[&["--url", url], arguments].concat());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    findings
}

#[test]
fn a_server_that_is_reached_as_it_is_is_sound() {
    let server = Server::start();
    let ada = Api::register(&server.url(), "user_id=ada");
    ada.post(&json!({"conversations": [{"id": "a", "messages": []}]}));
    let before = ada.page(None, 100);
    let visitor = ["--origin", ORIGIN, "--user-id", "ada"];
    let findings = look(&server.url(), &visitor);
    findings.assert_sound();
    for check in [
        "server",
        "ready",
        "clock",
        "access",
        "errors",
        "trailing slash",
        "large bodies",
        "CORS",
        "gzip",
        "streams",
        "waiting pulls",
    ] {
        findings.assert_told(check, "ok", "");
    }
    assert_eq!(ada.page(None, 100), before);

    let findings = look(&server.url(), &[]);
    findings.assert_told("CORS", "skipped", "--origin");
    findings.assert_told("streams", "skipped", "--anon-id");
}

#[test]
fn who_is_not_known_is_told_and_not_named() {
    let server = Server::start();
    let findings = look(&server.url(), &["--anon-id", "m4rker"]);
    findings.assert_told("visitor", "failed", "registered");
    assert!(!format!("{:?}", findings.finished).contains("m4rker"));
    let findings = look(&server.url(), &["--origin", "https://app.example"]);
    findings.assert_told("CORS", "failed", "server.cors_origins");
}

#[test]
fn a_proof_is_read_from_a_file() {
    let server = Server::start_with(&[("CONVOSYNC__AUTH__MODE", "protected")]);
    let registered = server.post("/api/visitors/", &json!({}));
    assert_eq!(registered.status, 201, "{registered:?}");
    let id = registered.json()["anon_id"].as_str().unwrap().to_owned();
    let folder = tempdir().unwrap();
    let file = folder.path().join("anon_id");
    fs::write(&file, format!("{id}\n")).unwrap();
    let findings = look(
        &server.url(),
        &["--anon-id", &format!("@{}", file.display())],
    );
    findings.assert_told("access", "ok", "protected");
    findings.assert_told("streams", "ok", "");
    findings.assert_told("waiting pulls", "ok", "");
    assert!(!format!("{:?}", findings.finished).contains(&id));
}

#[test]
fn a_proxy_that_holds_back_is_told() {
    let server = Server::start();
    Api::register(&server.url(), "user_id=ada");
    let proxy = Proxy::before(server.address(), NOTHING, AS_IT_IS);
    let findings = look(&proxy.url(), &["--user-id", "ada", "--origin", ORIGIN]);
    findings.assert_told("streams", "failed", "proxy_buffering off");
    assert_eq!(findings.failed(), ["streams"], "{:?}", findings.finished);
}

/// What a proxy with this behaviour is told to do about one thing.
#[track_caller]
fn assert_told(own: OwnAnswer, change: Change, check: &str, advice: &str) {
    let server = Server::start();
    let proxy = Proxy::before(server.address(), own, change);
    let findings = look(&proxy.url(), &["--origin", ORIGIN]);
    findings.assert_told(check, "failed", advice);
}

#[test]
fn a_proxy_that_answers_itself_is_told() {
    let small: OwnAnswer =
        |_, _, length| (length > 1 << 20).then(|| page("413 Request Entity Too Large", ""));
    assert_told(small, AS_IT_IS, "large bodies", "client_max_body_size");
    let errors: OwnAnswer =
        |_, path, _| (path == "/api/no-such-path").then(|| page("404 Not Found", ""));
    assert_told(errors, AS_IT_IS, "errors", "proxy_intercept_errors off");
    let slashes: OwnAnswer = |method, path, _| {
        (method == "POST" && !path.ends_with('/'))
            .then(|| page("301 Moved", "Location: /api/sync-conversations/\r\n"))
    };
    assert_told(slashes, AS_IT_IS, "trailing slash", "proxy_pass");
    let elsewhere: OwnAnswer = |_, path, _| (!path.starts_with("/api")).then(|| page("200 OK", ""));
    assert_told(elsewhere, AS_IT_IS, "server", "proxy_pass");
    let moved: OwnAnswer = |_, _, _| Some(page("301 Moved", "Location: https://sync.example/\r\n"));
    assert_told(moved, AS_IT_IS, "server", "the URL that it leads to");
    let preflight: OwnAnswer =
        |method, _, _| (method == "OPTIONS").then(|| page("405 Method Not Allowed", ""));
    assert_told(preflight, AS_IT_IS, "CORS", "OPTIONS");
}

#[test]
fn a_proxy_that_changes_answers_is_told() {
    let twice: Change =
        |answer| answer.replacen("\r\n", "\r\nAccess-Control-Allow-Origin: *\r\n", 1);
    assert_told(NOTHING, twice, "CORS", "Access-Control-… out");
    let clock: Change = |answer| {
        let dated = |line: &str| line.to_ascii_lowercase().starts_with("date:");
        let lines = answer.split("\r\n").map(|line| match dated(line) {
            true => "date: Sun, 06 Nov 1994 08:49:37 GMT",
            false => line,
        });
        lines.collect::<Vec<_>>().join("\r\n")
    };
    assert_told(NOTHING, clock, "clock", "NTP");
}

/// It says who it passes a request on for, and the server takes that for what it is.
#[test]
fn open_mode_behind_a_proxy_is_told() {
    let server = Server::start();
    let folder = tempdir().unwrap();
    let answer = server.get("/version");
    assert_eq!(answer.status, 200);
    let own: OwnAnswer = |_, _, _| {
        let body = r#"{"error":"…","code":"proxied_in_open_mode"}"#;
        Some(format!(
            "HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    };
    let proxy = Proxy::before(server.address(), own, AS_IT_IS);
    let findings = Findings::of(folder.path(), &[], &["--url", &proxy.url()]);
    findings.assert_told("server", "failed", "server.trusted_proxies");
}

#[test]
fn tls_is_looked_at_as_a_client_does() {
    let folder = tempdir().unwrap();
    let certified = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    fs::write(&certificate, certified.cert.pem()).unwrap();
    fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let [certificate, key] = [certificate, key].map(|file| file.display().to_string());
    let server = Server::start_with(&[
        ("CONVOSYNC__SERVER__TLS__CERTIFICATE", &certificate),
        ("CONVOSYNC__SERVER__TLS__KEY", &key),
    ]);
    let (_, port) = server.address().rsplit_once(':').unwrap();
    let url = format!("https://localhost:{port}");
    let trusting = [("SSL_CERT_FILE", certificate.as_str())];
    let findings = Findings::of(folder.path(), &trusting, &["--url", &url]);
    assert_eq!(
        findings.failed(),
        Vec::<&str>::new(),
        "{:?}",
        findings.finished
    );
    for check in ["TLS", "HTTP/2", "certificate", "HSTS", "server", "access"] {
        findings.assert_told(check, "ok", "");
    }
    // Who does not know the authority, or asks by another name.
    let findings = look(&url, &[]);
    findings.assert_told("TLS", "failed", "fullchain.pem");
    let url = format!("https://127.0.0.1:{port}");
    let findings = Findings::of(folder.path(), &trusting, &["--url", &url]);
    findings.assert_told("TLS", "failed", "a certificate for this name");
    // Who does not speak TLS at all.
    let url = format!("http://localhost:{port}");
    look(&url, &[]).assert_told("server", "failed", "protocol of --url");
}

#[test]
fn nobody_there_is_told() {
    look("http://127.0.0.1:1", &[]).assert_told("address", "failed", "firewall");
    look("http://no-such-host.invalid", &[]).assert_told("address", "failed", "AAAA");
}
