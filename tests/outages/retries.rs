//! Failures that pass are tried again inside the server, whole.

use convosync_test_postgres::{Proxy, TestServer};
use serde_json::Value;

use super::{assert_unavailable, is_left_out, server_on};
use crate::crashes::{body, id};
use crate::metrics::{LISTEN, scrape};
use crate::support::Server;

/// Has the writes of a table fail with this code until the sequence has come so far; `false` where it cannot be had.
fn have_writes_fail(server: &Server, code: &str, times: u32) -> bool {
    let database = server.database().unwrap();
    if is_left_out(database, "Citus has no triggers on distributed tables") {
        return false;
    }
    database.execute(&format!(
        "CREATE SEQUENCE failures;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('failures') <= {times} THEN
                 RAISE EXCEPTION 'made to fail' USING ERRCODE = '{code}';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER fail BEFORE INSERT ON message_outputs
             FOR EACH STATEMENT EXECUTE FUNCTION fail();"
    ));
    true
}

fn change_counter(server: &Server) -> String {
    let database = server.database().unwrap();
    database.value("SELECT change_counter FROM visitors")
}

#[test]
fn a_transaction_that_was_in_the_way_of_another_is_tried_again() {
    for code in ["40001", "40P01", "57P01"] {
        let (server, ada) = server_on(TestServer::shared().new_database(), &[LISTEN]);
        if !have_writes_fail(&server, code, 4) {
            return;
        }
        let answer = ada.post(&body(&id(0, 0, 0)));
        assert_eq!(answer.status, 200, "{code}: {answer:?}");
        assert_eq!(answer.json()["messages_created"], 5, "{answer:?}");
        assert_eq!(change_counter(&server), "1");
        let counted = scrape(&server).sum("convosync_store_retries_total", &[]);
        assert!(counted >= 4.0, "{counted}");
    }
}

#[test]
fn one_that_has_waited_long_for_another_is_tried_again() {
    let (server, ada) = server_on(TestServer::shared().new_database(), &[]);
    if !have_writes_fail(&server, "40001", 1) {
        return;
    }
    let database = server.database().unwrap();
    database.execute(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF (SELECT NOT is_called FROM failures) THEN PERFORM pg_sleep(4.5); END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER a_wait BEFORE INSERT ON message_outputs
             FOR EACH STATEMENT EXECUTE FUNCTION wait();",
    );
    let answer = ada.post(&body(&id(0, 0, 0)));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(change_counter(&server), "1");
}

#[test]
fn one_that_always_is_gives_up_and_changes_nothing() {
    let (server, ada) = server_on(TestServer::shared().new_database(), &[]);
    if !have_writes_fail(&server, "40001", 5) {
        return;
    }
    assert_unavailable(&ada.post(&body(&id(0, 0, 0))));
    assert_eq!(change_counter(&server), "0");
    assert_eq!(ada.post(&body(&id(0, 0, 0))).status, 200);
    assert_eq!(change_counter(&server), "1");
}

/// Where a node of a cluster is gone, the one that was asked says so with the code of a lost connection, once for each
/// visitor of that node. It would have no time for the others if it were connected to anew each time.
#[test]
fn a_connection_on_which_another_is_said_to_be_lost_is_kept() {
    let settings = [("CONVOSYNC__DATABASE__POOL_SIZE", "1")];
    let (server, ada) = server_on(TestServer::shared().new_database(), &settings);
    if !have_writes_fail(&server, "08006", 4) {
        return;
    }
    // Of a later one it is not known whose it is: that of the notices.
    let first = "SELECT pid FROM pg_stat_activity WHERE application_name = 'convosync' \
         AND datname = current_database() ORDER BY backend_start LIMIT 1";
    let before = server.database().unwrap().value(first);
    assert_eq!(ada.post(&body(&id(0, 0, 0))).status, 200);
    assert_eq!(server.database().unwrap().value(first), before);
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
