//! Generated histories: the server and a naive model of the rules must agree, and devices that only
//! pull must end with what the server has.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::model::histories::{Operation, REPLICAS, VISITORS, history};
use crate::model::reference::Reference;
use crate::model::replica::{Replica, living_state};
use crate::model::same::difference;
use crate::support::Server;
use crate::support::api::Api;

const OPERATIONS: usize = 30;

/// How many histories are tried: `CONVOSYNC_HISTORIES`, 200 unless set.
fn histories() -> u32 {
    std::env::var("CONVOSYNC_HISTORIES").map_or(200, |number| number.parse().unwrap())
}

#[test]
fn the_server_agrees_with_the_model() {
    let server = Server::start();
    let config = Config {
        cases: histories(),
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&history(OPERATIONS), |operations| {
            replay(&server, &operations)
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

/// One visitor of a history: the API, the devices that only pull, and a watcher that pulls after
/// every post.
struct Watched {
    api: Api,
    devices: Vec<(Replica, Option<String>)>,
    cursor: String,
    change_counter: u64,
}

fn replay(server: &Server, operations: &[Operation]) -> Result<(), TestCaseError> {
    static HISTORY: AtomicUsize = AtomicUsize::new(0);
    let history = HISTORY.fetch_add(1, Ordering::Relaxed);
    let names: Vec<_> = (0..VISITORS)
        .map(|number| format!("visitor {number}"))
        .collect();
    let mut model = Reference::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut visitors: Vec<_> = ["anon_id", "user_id"]
        .iter()
        .cycle()
        .take(VISITORS)
        .map(|kind| {
            let api = Api::register(&server.url(), &format!("{kind}=history-{history}"));
            let cursor = api.drain(None, 500, |_| ());
            let devices = vec![(Replica::default(), None); REPLICAS];
            Watched {
                api,
                devices,
                cursor,
                change_counter: 0,
            }
        })
        .collect();

    for operation in operations {
        match operation {
            Operation::Post { visitor, body } => {
                let name = &names[*visitor];
                let counts = model.post(name, body, now());
                let answer = visitors[*visitor].api.post(body);
                let expected = json!({
                    "message": format!(
                        "{} conversations created, {} updated. {} messages created, {} updated.",
                        counts.created, counts.updated, counts.messages_created, counts.messages_updated,
                    ),
                    "created": counts.created,
                    "updated": counts.updated,
                    "messages_created": counts.messages_created,
                    "messages_updated": counts.messages_updated,
                });
                same("the answer", &expected, &answer.json())?;
                watch(&mut visitors[*visitor], &model, name)?;
            }
            Operation::PostInvalid {
                visitor,
                body,
                path,
            } => {
                let answer = visitors[*visitor].api.post(body);
                let body = answer.json();
                let places: Vec<_> = body["details"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|detail| detail["path"].as_str().unwrap_or_default())
                    .collect();
                if answer.status != 400 || places != [path] {
                    return fail(format!("expected 400 at {path}, got {answer:?}"));
                }
                watch(&mut visitors[*visitor], &model, &names[*visitor])?;
            }
            Operation::Pull {
                visitor,
                replica,
                limit,
            } => {
                let watched = &mut visitors[*visitor];
                pull(watched, *replica, *limit);
                let expected = living_state(&model.changes(&names[*visitor], None));
                same("a device", &expected, &watched.devices[*replica].0.state())?;
            }
            Operation::ListIds { visitor } => {
                let expected = json!(model.conversation_ids(&names[*visitor]));
                same("the ids", &expected, &json!(visitors[*visitor].api.ids()))?;
            }
        }
    }

    for (watched, name) in visitors.iter_mut().zip(&names) {
        let all = model.changes(name, None);
        same("a pull of everything", &all, &everything(&watched.api))?;
        for replica in 0..REPLICAS {
            pull(watched, replica, 3);
            same(
                "a device",
                &living_state(&all),
                &watched.devices[replica].0.state(),
            )?;
        }
    }
    Ok(())
}

/// What a post changed must be what the model says: the items, their order, and whether a change
/// number was taken at all.
fn watch(visitor: &mut Watched, model: &Reference, name: &str) -> Result<(), TestCaseError> {
    let page = visitor.api.page(Some(&visitor.cursor), 1_000);
    let counter = model.change_counter(name);
    let cursor = page["cursor"].as_str().unwrap_or_default().to_owned();
    if (cursor == visitor.cursor) != (counter == visitor.change_counter) {
        return fail(format!(
            "{name}: change counter {counter}, but the page is {page}"
        ));
    }
    let expected = model.changes(name, Some(visitor.change_counter));
    same(
        "the changes",
        &expected,
        &json!({ "conversations": page["conversations"] }),
    )?;
    visitor.cursor = cursor;
    visitor.change_counter = counter;
    Ok(())
}

fn pull(visitor: &mut Watched, replica: usize, limit: u32) {
    let (device, cursor) = &mut visitor.devices[replica];
    let since = cursor.take();
    *cursor = Some(
        visitor
            .api
            .drain(since, limit, |page| device.apply_page(page)),
    );
}

fn everything(api: &Api) -> Value {
    let mut conversations = Vec::new();
    api.drain(None, 1_000, |page| {
        conversations.extend(page["conversations"].as_array().unwrap().clone());
    });
    json!({ "conversations": conversations })
}

fn same(what: &str, expected: &Value, actual: &Value) -> Result<(), TestCaseError> {
    match difference(expected, actual) {
        None => Ok(()),
        Some(difference) => fail(format!("{what}: {difference}")),
    }
}

fn fail(reason: String) -> Result<(), TestCaseError> {
    Err(TestCaseError::fail(reason))
}

/// The moment of a post for the model: later than that of any post before it.
#[allow(clippy::disallowed_methods, reason = "the clock of the test itself")]
fn now() -> i64 {
    sleep(Duration::from_micros(2));
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_1970.as_micros()).unwrap()
}
