//! Failures that pass are tried again inside the server, whole.

use convosync_test_postgres::{Proxy, TestServer};
use serde_json::Value;

use super::{assert_unavailable, server_on};
use crate::crashes::{body, id};
use crate::support::Server;

/// Has the writes of a table fail with this code until the sequence has come so far.
fn failing(code: &str, times: u32) -> String {
    format!(
        "CREATE SEQUENCE failures;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('failures') <= {times} THEN
                 RAISE EXCEPTION 'made to fail' USING ERRCODE = '{code}';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER fail BEFORE INSERT ON message_outputs
             FOR EACH STATEMENT EXECUTE FUNCTION fail();"
    )
}

fn change_counter(server: &Server) -> String {
    let database = server.database().unwrap();
    database.value("SELECT change_counter FROM visitors")
}

#[test]
fn a_transaction_that_was_in_the_way_of_another_is_tried_again() {
    for code in ["40001", "40P01", "57P01"] {
        let (server, ada) = server_on(TestServer::shared().new_database(), &[]);
        server.database().unwrap().execute(&failing(code, 4));
        let answer = ada.post(&body(&id(0, 0, 0)));
        assert_eq!(answer.status, 200, "{code}: {answer:?}");
        assert_eq!(answer.json()["messages_created"], 5, "{answer:?}");
        assert_eq!(change_counter(&server), "1");
    }
}

#[test]
fn one_that_always_is_gives_up_and_changes_nothing() {
    let (server, ada) = server_on(TestServer::shared().new_database(), &[]);
    server.database().unwrap().execute(&failing("40001", 5));
    assert_unavailable(&ada.post(&body(&id(0, 0, 0))));
    assert_eq!(change_counter(&server), "0");
    assert_eq!(ada.post(&body(&id(0, 0, 0))).status, 200);
    assert_eq!(change_counter(&server), "1");
}

/// Whether the commit was done or not, the client is told what it did, and it is done once.
#[test]
fn a_connection_that_is_cut_in_commit_leaves_one_copy_and_the_right_counts() {
    let postgres = TestServer::private_with_tls();
    let database = postgres.new_database();
    for reaches_server in [true, false] {
        let proxy = Proxy::to(postgres.port());
        let url = format!(
            "postgres://postgres@127.0.0.1:{}/{}?sslmode=disable",
            proxy.port(),
            database.name()
        );
        let server = Server::start_on(None, &[("CONVOSYNC__DATABASE__URL", &url)]);
        let visitor = format!("user_id=ada-{reaches_server}");
        proxy.cut_next_commit(reaches_server);
        let ada = crate::support::api::Api::register(&server.url(), &visitor);
        assert!(proxy.has_cut());
        for post in 0..3 {
            proxy.cut_next_commit(reaches_server);
            let answer = ada.post(&body(&id(0, 0, post)));
            assert!(proxy.has_cut());
            assert_eq!(answer.status, 200, "{answer:?}");
            let counts: Value = answer.json();
            assert_eq!(
                (&counts["created"], &counts["messages_created"]),
                (&1.into(), &5.into())
            );
        }
        let of_ada = "SELECT change_counter FROM visitors ORDER BY registered_at DESC LIMIT 1";
        assert_eq!(database.value(of_ada), "3");
    }
}
