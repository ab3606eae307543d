use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use actix_web::test::TestRequest;
use tempfile::{TempDir, tempdir};

use super::*;
use crate::settings::LoopbackOnly;
use crate::testing::{Answer, Ports, get, named, send};

const PAGE: &str = "<!doctype html><title>chats</title>";
const HTML: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// A folder as a bundler makes it.
fn app() -> TempDir {
    let folder = tempdir().unwrap();
    for (path, text) in [
        ("index.html", PAGE),
        ("assets/index-DiwrgTda.js", "export {}"),
        ("assets/data.bin", "0123456789"),
        ("help/index.html", "help"),
        ("help/a b.txt", "a b"),
        ("empty/x.unknown-kind", ""),
        (".env", "SECRET=1"),
        ("a/.git/config", "secret"),
        (".well-known/security.txt", "Contact: x"),
        ("api/x.html", "never"),
        ("livez", "never"),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn ports(folder: &Path) -> Ports {
    let mut ports = Ports::new();
    ports.static_folder = Some(StaticFolder::at(folder).unwrap());
    ports
}

async fn ask(folder: &TempDir, request: TestRequest) -> Answer {
    ports(folder.path()).send(request).await
}

/// The code of an error in the one shape that all have.
fn code(answer: &Answer) -> String {
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let error: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    error["code"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn files_are_served_as_what_they_are() {
    let folder = app();
    for (path, kind, body) in [
        ("/", "text/html; charset=utf-8", PAGE),
        ("/index.html", "text/html; charset=utf-8", PAGE),
        (
            "/assets/index-DiwrgTda.js?v=1",
            "text/javascript",
            "export {}",
        ),
        ("/help/", "text/html; charset=utf-8", "help"),
        ("/help/a%20b.txt", "text/plain; charset=utf-8", "a b"),
        ("/empty/x.unknown-kind", "application/octet-stream", ""),
        (
            "/.well-known/security.txt",
            "text/plain; charset=utf-8",
            "Contact: x",
        ),
    ] {
        let answer = ask(&folder, get(path)).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body, body, "{path}");
        for (name, value) in [
            ("Content-Type", Some(kind)),
            ("Cache-Control", Some("no-cache")),
            ("X-Content-Type-Options", Some("nosniff")),
            ("Content-Disposition", None),
            ("Content-Security-Policy", None),
            ("Vary", Some("Origin")),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert!(
            answer
                .header("ETag")
                .is_some_and(|tag| tag.starts_with('"'))
        );
    }
}

#[actix_web::test]
async fn who_has_the_file_is_told_so() {
    let folder = app();
    let answer = ask(&folder, get("/")).await;
    let tag = answer.header("ETag").unwrap();
    let again = get("/").insert_header(("If-None-Match", tag));
    let answer = ask(&folder, again).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (304, ""));
    assert_eq!(answer.header("ETag"), Some(tag));
    assert_eq!(answer.header("Cache-Control"), Some("no-cache"));

    fs::write(folder.path().join("index.html"), "another").unwrap();
    let again = get("/").insert_header(("If-None-Match", tag));
    assert_eq!(ask(&folder, again).await.status, 200);
    let other = get("/").insert_header(("If-Match", "\"other\""));
    let answer = ask(&folder, other).await;
    assert_eq!(answer.status, 412);
    assert_eq!(code(&answer), "precondition_failed");
}

#[actix_web::test]
async fn parts_of_a_file() {
    let folder = app();
    let part = |range: &'static str| get("/assets/data.bin").insert_header(("Range", range));
    let answer = ask(&folder, part("bytes=2-4")).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (206, "234"));
    assert_eq!(answer.header("Content-Range"), Some("bytes 2-4/10"));
    let answer = ask(&folder, part("bytes=10-")).await;
    assert_eq!(answer.status, 416);
    assert_eq!(code(&answer), "range_not_satisfiable");
    assert_eq!(answer.header("Content-Range"), Some("bytes */10"));
}

#[actix_web::test]
async fn the_api_goes_before_files() {
    let folder = app();
    for path in ["/api", "/api/", "/api/x.html", "/%61pi/x.html", "/metrics"] {
        let answer = ask(&folder, get(path).insert_header(HTML)).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(code(&answer), "not_found", "{path}");
        assert_eq!(answer.header("Cache-Control"), Some("private, no-cache"));
    }
    let answer = ask(&folder, get("/livez")).await;
    assert_eq!(answer.body, r#"{"status":"alive"}"#);
}

#[actix_web::test]
async fn what_is_not_there_is_an_error_for_programs_and_the_app_for_people() {
    let folder = app();
    for path in [
        "/chat/7",
        "/empty/",
        "/empty",
        "/index.html/",
        "/assets/gone.js",
        "/%00",
    ] {
        let answer = ask(&folder, get(path).insert_header(("Accept", "*/*"))).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(code(&answer), "not_found", "{path}");
        let answer = ask(&folder, get(path).insert_header(HTML)).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, PAGE));
    }
    for refused in ["text/html;q=0", "image/avif,*/*", "text/htmlx"] {
        let answer = ask(&folder, get("/chat/7").insert_header(("Accept", refused))).await;
        assert_eq!(answer.status, 404, "{refused}");
    }
    let post = named(TestRequest::post().uri("/chat/7")).insert_header(HTML);
    assert_eq!(ask(&folder, post).await.status, 404);
    let post = named(TestRequest::post().uri("/index.html"));
    let answer = ask(&folder, post).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("Allow"), Some("GET, HEAD"));

    fs::remove_file(folder.path().join("index.html")).unwrap();
    let answer = ask(&folder, get("/chat/7").insert_header(HTML)).await;
    assert_eq!(code(&answer), "not_found");
    let answer = ask(&folder, get("/")).await;
    assert!(answer.body.starts_with(r#"{"name":"Convosync""#));
}

#[actix_web::test]
async fn a_folder_is_left_for_its_own_page() {
    let folder = app();
    for (path, place) in [
        ("/help", "./help/"),
        ("/help?x=1&y", "./help/?x=1&y"),
        ("//evil.example/..//help", "./help/"),
        ("/a/../help", "./help/"),
    ] {
        let answer = ask(&folder, get(path)).await;
        assert_eq!(answer.status, 307, "{path}");
        assert_eq!(answer.header("Location"), Some(place), "{path}");
    }
}

#[actix_web::test]
async fn nothing_hidden_and_nothing_outside_is_served() {
    let outside = tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    fs::write(outside.path().join("index.html"), "secret").unwrap();
    let folder = app();
    let link = |to: &Path, name: &str| symlink(to, folder.path().join(name)).unwrap();
    link(&outside.path().join("secret"), "file");
    link(outside.path(), "folder");
    link(Path::new("/etc/passwd"), "passwd");
    link(Path::new("../../../../etc/passwd"), "climbing");
    fs::create_dir(folder.path().join("paged")).unwrap();
    link(&outside.path().join("index.html"), "paged/index.html");
    for path in [
        "/.env",
        "/%2Eenv",
        "/a/.git/config",
        "/../secret",
        "/%2e%2e/secret",
        "/help/..%2f..%2fsecret",
        "/file",
        "/folder/secret",
        "/folder/",
        "/folder",
        "/passwd",
        "/climbing",
        "/paged/",
        "/paged/index.html",
        "/paged",
    ] {
        let answer = ask(&folder, get(path)).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert_eq!(code(&answer), "not_found", "{path}");
    }
    link(Path::new("help/a b.txt"), "inside");
    assert_eq!(ask(&folder, get("/inside")).await.body, "a b");
}

#[actix_web::test]
async fn only_files_are_opened() {
    let folder = app();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert_eq!(ask(&folder, get("/pipe")).await.status, 404);
}

#[actix_web::test]
async fn the_folder_may_be_replaced_and_may_go() {
    let folder = app();
    let current = folder.path().join("current");
    let release = |name: &str| {
        let release = folder.path().join(name);
        fs::create_dir(&release).unwrap();
        fs::write(release.join("index.html"), name).unwrap();
        release
    };
    symlink(release("one"), &current).unwrap();
    let state = ports(&current).into_state();
    assert_eq!(send(&state, get("/")).await.body, "one");
    let next = folder.path().join("next");
    symlink(release("two"), &next).unwrap();
    fs::rename(next, &current).unwrap();
    assert_eq!(send(&state, get("/")).await.body, "two");
    fs::remove_file(&current).unwrap();
    assert_eq!(send(&state, get("/x")).await.status, 404);
}

#[test]
fn what_is_no_folder_is_refused() {
    let folder = app();
    assert!(StaticFolder::at(&folder.path().join("nowhere")).is_err());
    assert!(StaticFolder::at(&folder.path().join("index.html")).is_err());
    let found = StaticFolder::at(folder.path()).unwrap();
    assert!(found.has_start_page().unwrap());
    let empty = StaticFolder::at(&folder.path().join("empty")).unwrap();
    assert!(!empty.has_start_page().unwrap());
}

#[actix_web::test]
async fn as_many_are_open_as_may_be() {
    let folder = app();
    let state = ports(folder.path()).into_state();
    let places = &state.static_files.as_ref().unwrap().places;
    let all = places
        .clone()
        .try_acquire_many_owned(OPEN_MAX.try_into().unwrap());
    let answer = send(&state, get("/")).await;
    assert_eq!(answer.status, 503);
    assert_eq!(code(&answer), "too_many_in_flight");
    assert_eq!(answer.header("Retry-After"), Some("1"));
    drop(all.unwrap());
    for _ in 0..3 {
        assert_eq!(send(&state, get("/")).await.status, 200);
        assert_eq!(places.available_permits(), OPEN_MAX);
    }
}

#[actix_web::test]
async fn what_is_refused_of_requests_is_refused_of_those_for_files() {
    let folder = app();
    let mut ports = ports(folder.path());
    ports.loopback_only = Some(LoopbackOnly::default());
    let foreign = get("/").insert_header(("Host", "evil.example"));
    let answer = ports.send(foreign).await;
    assert_eq!(answer.status, 421);
    assert_eq!(code(&answer), "foreign_host");
}
