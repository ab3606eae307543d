use serde_json::json;

use super::{T2, everything};
use crate::support::Server;
use crate::support::api::Api;

#[test]
fn a_visitor_is_told_how_much_there_is_and_since_when() {
    let server = Server::start();
    let ada = Api::register(&server.url(), "user_id=ada");
    let path = "/api/visitors/?user_id=ada";
    let new = server.get(path).json();
    assert_eq!(
        [
            &new["user_id"],
            &new["conversations"],
            &new["messages"],
            &new["content_bytes"],
            &new["change_counter"],
            &new["last_changed_at"]
        ],
        [
            &json!("ada"),
            &json!(0),
            &json!(0),
            &json!(0),
            &json!(0),
            &json!(null)
        ]
    );
    assert_eq!(ada.post(&everything()).status, 200);
    let full = server.get(path).json();
    assert_eq!(
        [
            &full["conversations"],
            &full["messages"],
            &full["change_counter"],
            &full["registered_at"]
        ],
        [&json!(4), &json!(4), &json!(1), &new["registered_at"]]
    );
    assert!(full["content_bytes"].as_u64() > Some(0));
    assert!(full["last_changed_at"].is_string());
    let gone = json!({ "conversations": [{ "id": "empty", "deleted_at": T2 }] });
    assert_eq!(ada.post(&gone).status, 200);
    let less = server.get(path).json();
    assert_eq!(less["conversations"], json!(3));
    assert_ne!(less["last_changed_at"], full["last_changed_at"]);
    assert_eq!(less["registered_at"], full["registered_at"]);

    // What changes nothing leaves the moment alone.
    assert_eq!(ada.post(&gone).status, 200);
    assert_eq!(server.get(path).json(), less);
}

#[test]
fn no_answer_repeats_an_anon_id() {
    let server = Server::start();
    Api::register(&server.url(), "anon_id=marker");
    let answer = server.get("/api/visitors/?anon_id=marker");
    assert_eq!(answer.status, 200);
    assert!(!answer.text.contains("marker"), "{answer:?}");
    assert_eq!(server.get("/api/visitors/?anon_id=other").status, 404);
    assert_eq!(server.get("/api/visitors/").status, 404);
    assert_eq!(server.get("/api/visitors/?anon_id=").status, 400);
}
