//! Files beside the API.

use std::fs;

use tempfile::tempdir;

use super::TlsServer;

#[tokio::test]
async fn a_file_is_the_same_over_either_protocol() {
    let folder = tempdir().unwrap();
    let page: String = (0..600_000).map(|number| format!("{number} ")).collect();
    fs::write(folder.path().join("index.html"), &page).unwrap();
    fs::write(folder.path().join("empty.txt"), "").unwrap();
    let path = folder.path().display().to_string();
    let tls = TlsServer::start_with(&[("CONVOSYNC__SERVER__STATIC_FOLDER", &path)]);

    let client = tls.connect_http2().await;
    let (one, other) = tokio::join!(client.get("/"), client.get("/index.html"));
    for answer in [one, other] {
        assert_eq!(answer.status(), 200);
        assert!(answer.body == page);
        let headers = answer.head.headers();
        assert!(headers.contains_key("strict-transport-security"));
        assert_eq!(headers["content-length"], page.len().to_string());
    }
    assert_eq!(client.get("/empty.txt").await.body, "");
    let (head, _) = client.begin("HEAD", "/", &[], false).await;
    let head = super::client::whole(head).await;
    assert_eq!((head.status(), head.body.as_str()), (200, ""));
    assert_eq!(
        head.head.headers()["content-length"],
        page.len().to_string()
    );
    assert_eq!(client.get("/gone.js").await.code(), "not_found");

    let mut client = tls.connect();
    // Its body is read whole, or the next answer would not be one.
    for path in ["/", "/empty.txt", "/"] {
        assert_eq!(client.get(path), 200, "{path}");
    }
    assert_eq!(client.get("/gone.js"), 404);
    assert_eq!(tls.complaints(), Vec::<String>::new());
}
