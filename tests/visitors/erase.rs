use std::thread;

use serde_json::json;

use super::{assert_gone, everything, everywhere, living};
use crate::support::Server;
use crate::support::api::Api;

#[test]
fn whoever_is_erased_is_gone_everywhere_and_for_good() {
    let mut server = Server::start();
    for visitor in ["user_id=ada", "anon_id=ada"] {
        let bob = Api::register(&server.url(), "user_id=bob");
        assert_eq!(bob.post(&everything()).status, 200);
        let kept = living(&bob);
        let ada = Api::register(&server.url(), visitor);
        assert_eq!(ada.post(&everything()).status, 200);
        let erased = ada.erase();
        assert_eq!((erased.status, erased.text.as_str()), (204, ""));
        let gone = everywhere(&ada, visitor);
        assert_gone(&gone, "Visitor was erased", "visitor_erased");
        server.restart();
        let ada = Api::unregistered(&server.url(), visitor);
        let gone = everywhere(&ada, visitor);
        assert_gone(&gone, "Visitor was erased", "visitor_erased");
        // Who has the same ids, or the same name of another kind, loses nothing.
        let bob = Api::unregistered(&server.url(), "user_id=bob");
        assert_eq!(living(&bob), kept);
    }
    let path = "/api/visitors/?user_id=nobody";
    let ada = Api::unregistered(&server.url(), "user_id=nobody");
    assert_eq!(ada.erase().status, 404);
    assert_eq!(server.get(path).status, 404);
}

#[test]
fn a_first_post_does_not_bring_back_who_was_erased() {
    let server = Server::start_with(&[("CONVOSYNC__VISITORS__REGISTRATION", "on_first_sync")]);
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    assert_eq!(ada.post(&everything()).status, 200);
    assert_eq!(ada.erase().status, 204);
    let gone = [ada.post(&everything())];
    assert_gone(&gone, "Visitor was erased", "visitor_erased");
}

#[test]
fn of_many_who_erase_at_once_one_does() {
    let server = Server::start();
    let ada = Api::register(&server.url(), "user_id=ada");
    assert_eq!(ada.post(&everything()).status, 200);
    let others: Vec<_> = (0..8)
        .map(|number| {
            let ada = ada.clone();
            thread::spawn(move || match number % 2 {
                0 => ada.erase().status,
                _ => {
                    let id = format!("c{number}");
                    ada.post(&json!({ "conversations": [{ "id": id }] })).status
                }
            })
        })
        .collect();
    let statuses: Vec<_> = others.into_iter().map(|it| it.join().unwrap()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1);
    assert!(
        statuses
            .iter()
            .all(|status| [200, 204, 410].contains(status)),
        "{statuses:?}"
    );
    let gone = everywhere(&ada, "user_id=ada");
    assert_gone(&gone, "Visitor was erased", "visitor_erased");
}
