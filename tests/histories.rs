//! Generated histories: the server and a naive model of the rules must agree, and devices that
//! apply what they are answered must end with what the server has.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::model::histories::{
    ANONYMOUS, Operation, REGISTERED, REPLICAS, Turn, VISITORS, history,
};
use crate::model::reference::{Counts, Reference};
use crate::model::replica::{Replica, living_state};
use crate::model::same::difference;
use crate::model::stand_ins;
use crate::model::turns::Turned;
use crate::model::values::canonical_id;
use crate::model::violations::Rejected;
use crate::support::api::Api;
use crate::support::{Answer, Server, report, scaled};

const OPERATIONS: usize = 30;

/// How many histories are tried.
fn histories() -> u32 {
    u32::try_from(scaled("CONVOSYNC_HISTORIES", 300)).unwrap()
}

#[test]
fn the_server_agrees_with_the_model() {
    let server = Server::start();
    agree(&[server.url()], histories());
    let histories = histories();
    report(
        "G13",
        &format!("{histories} histories of {OPERATIONS} operations, no difference"),
    );
}

/// What one has written the other reads in the next request, whatever it remembers.
#[test]
fn two_servers_on_one_store_agree_with_the_model() {
    let server = Server::start();
    let neighbour = server.neighbour();
    let servers = [server.url(), format!("http://{}", neighbour.address())];
    agree(&servers, histories().div_ceil(3));
}

/// Servers on one store, which are asked in turn.
fn agree(servers: &[String], histories: u32) {
    let config = Config {
        cases: histories,
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&history(OPERATIONS), |operations| {
            replay(servers, &operations)
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

/// One visitor of a history: the API, the devices that apply what they are answered, and a watcher that
/// pulls after every post.
struct Watched {
    name: String,
    identity: String,
    api: Api,
    devices: Vec<Device>,
    /// Where a pull begins that brings everything, tombstones included.
    first_cursor: String,
    cursor: String,
    change_counter: u64,
}

impl Watched {
    /// A visitor that has just been registered; it is named like no other.
    fn register(servers: &[String], place: usize) -> Self {
        static VISITOR: AtomicUsize = AtomicUsize::new(0);
        let identity = format!("history-{}", VISITOR.fetch_add(1, Ordering::Relaxed));
        let kind = if place == ANONYMOUS {
            "anon_id"
        } else {
            "user_id"
        };
        let api = Api::register(&servers[0], &format!("{kind}={identity}")).at(servers);
        let cursor = api.drain(None, 500, |_| ());
        Self {
            name: identity.clone(),
            identity,
            api,
            devices: vec![Device::default(); REPLICAS],
            first_cursor: cursor.clone(),
            cursor,
            change_counter: 0,
        }
    }
}

#[derive(Clone, Default)]
struct Device {
    replica: Replica,
    cursor: Option<String>,
    /// The change counter of the model when it was last drained; none in the middle of a pull.
    drained: Option<u64>,
}

fn replay(servers: &[String], operations: &[Operation]) -> Result<(), TestCaseError> {
    let mut visitors: Vec<_> = (0..VISITORS)
        .map(|place| Watched::register(servers, place))
        .collect();
    let names = visitors.iter().map(|visitor| visitor.name.as_str());
    let mut model = Reference::new(&names.collect::<Vec<_>>());

    for operation in operations {
        match operation {
            Operation::Post {
                visitor,
                body,
                lenient,
                turn,
            } => {
                let watched = &mut visitors[*visitor];
                let taken = lenient.as_ref().map_or(body, |lenient| &lenient.taken);
                let turned = model.post(&watched.name, taken, now());
                let answer = send(watched, body, lenient.is_some(), turn.as_ref());
                if answer.status != 200 {
                    return fail(format!("expected 200, got {answer:?}"));
                }
                let mut answer = answer.json();
                if let Some(lenient) = lenient {
                    check_rejected(&lenient.rejected, &mut answer)?;
                }
                if let Some(turn) = turn {
                    check_turn(watched, &model, taken, &turned, turn, &mut answer)?;
                }
                same("the answer", &answer_with(turned.counts), &answer)?;
                watch(watched, &model)?;
            }
            Operation::PostInvalid {
                visitor,
                body,
                path,
                turn,
            } => {
                let answer = send(&visitors[*visitor], body, false, turn.as_ref());
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
                watch(&mut visitors[*visitor], &model)?;
            }
            Operation::Pull {
                visitor,
                replica,
                limit,
                is_one_page,
            } => {
                let watched = &mut visitors[*visitor];
                if *is_one_page {
                    let Watched { api, devices, .. } = watched;
                    let device = &mut devices[*replica];
                    let page = api.page(device.cursor.as_deref(), *limit);
                    device.replica.apply_page(&page);
                    device.go_on(&page, model.change_counter(&watched.name));
                } else {
                    pull(watched, *replica, *limit, &model)?;
                }
            }
            Operation::ListIds { visitor } => {
                let watched = &visitors[*visitor];
                let expected = json!(model.conversation_ids(&watched.name));
                same("the ids", &expected, &json!(watched.api.ids()))?;
            }
            Operation::Delete {
                visitor,
                id,
                message_id,
            } => {
                let watched = &mut visitors[*visitor];
                let (known_id, known_message) =
                    (canonical_id(id), message_id.as_deref().map(canonical_id));
                let is_known =
                    model.delete(&watched.name, &known_id, known_message.as_deref(), now());
                let answer = watched.api.delete(id, message_id.as_deref());
                if answer.status != if is_known { 204 } else { 404 } {
                    return fail(format!("known: {is_known}, got {answer:?}"));
                }
                watch(watched, &model)?;
            }
            Operation::Erase { visitor } => {
                let erased = &visitors[*visitor];
                let answer = erased.api.erase();
                if answer.status != 204 {
                    return fail(format!("expected 204, got {answer:?}"));
                }
                check_gone(erased, "Visitor was erased")?;
                replace(&mut visitors, *visitor, servers, &mut model);
            }
            Operation::Merge => {
                merge(&mut visitors, &mut model)?;
                replace(&mut visitors, ANONYMOUS, servers, &mut model);
            }
        }
    }

    for watched in &mut visitors {
        let all = model.changes(&watched.name, None);
        let answered = model.in_order(&watched.name, everything(&watched.api));
        same("a pull of everything", &all, &answered)?;
        for replica in 0..REPLICAS {
            pull(watched, replica, 3, &model)?;
        }
    }
    Ok(())
}

/// Another visitor takes this place.
fn replace(visitors: &mut [Watched], place: usize, servers: &[String], model: &mut Reference) {
    model.remove(&visitors[place].name);
    visitors[place] = Watched::register(servers, place);
    model.add(&visitors[place].name);
}

/// Everything of the anonymous visitor enters the registered one as if that one had posted it: as a pull of
/// everything, tombstones included, brings it.
fn merge(visitors: &mut [Watched], model: &mut Reference) -> Result<(), TestCaseError> {
    let anonymous = &visitors[ANONYMOUS];
    let anon_id = anonymous.identity.clone();
    let mut conversations = Vec::new();
    let since = Some(anonymous.first_cursor.clone());
    anonymous.api.drain(since, 1_000, |page| {
        conversations.extend(page["conversations"].as_array().unwrap().clone());
    });
    let registered = &mut visitors[REGISTERED];
    let body = json!({ "conversations": conversations });
    let turned = model.post(&registered.name, &body, now());
    let answer = registered.api.merge(&anon_id);
    if answer.status != 200 {
        return fail(format!("expected 200, got {answer:?}"));
    }
    same("the merge", &answer_with(turned.counts), &answer.json())?;
    watch(registered, model)?;
    let again = registered.api.merge(&anon_id);
    same(
        "the same merge",
        &answer_with(Counts::default()),
        &again.json(),
    )?;
    watch(registered, model)?;
    check_gone(&visitors[ANONYMOUS], "Visitor was merged")
}

fn check_gone(visitor: &Watched, error: &str) -> Result<(), TestCaseError> {
    let answer = visitor.api.changes();
    match answer.status == 410 && answer.json()["error"] == error {
        true => Ok(()),
        false => fail(format!("expected 410 {error:?}, got {answer:?}")),
    }
}

fn send(watched: &Watched, body: &Value, is_lenient: bool, turn: Option<&Turn>) -> Answer {
    let since = turn.map_or_else(String::new, |turn| {
        let since = watched.devices[turn.replica].cursor.as_deref();
        format!("&limit={}&since={}", turn.limit, since.unwrap_or_default())
    });
    let preferred = is_lenient.then_some("handling=lenient");
    let body = stand_ins::write(body);
    watched.api.post_preferring(&body, preferred, &since)
}

fn answer_with(counts: Counts) -> Value {
    json!({
        "message": format!(
            "{} conversations created, {} updated. {} messages created, {} updated.",
            counts.created, counts.updated, counts.messages_created, counts.messages_updated,
        ),
        "created": counts.created,
        "updated": counts.updated,
        "messages_created": counts.messages_created,
        "messages_updated": counts.messages_updated,
    })
}

/// Takes what was rejected out of an answer and compares it.
fn check_rejected(expected: &[Rejected], answer: &mut Value) -> Result<(), TestCaseError> {
    let told = take(answer, "rejected");
    let told = told.as_array().cloned().unwrap_or_default();
    let items = told.iter().map(|item| json!([item["path"], item["id"]]));
    let expected = expected.iter().map(|item| json!([item.path, item.id]));
    let (items, expected): (Vec<_>, Vec<_>) = (items.collect(), expected.collect());
    let is_explained = |item: &Value| {
        item["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    };
    if items != expected || !told.iter().all(is_explained) {
        return fail(format!("expected {expected:?} rejected, got {told:?}"));
    }
    Ok(())
}

/// Takes what a turn is told beside the counts out of an answer and compares it, as far as the model
/// knows where the page ends. Then the device applies it.
fn check_turn(
    watched: &mut Watched,
    model: &Reference,
    taken: &Value,
    turned: &Turned,
    turn: &Turn,
    answer: &mut Value,
) -> Result<(), TestCaseError> {
    let name = &watched.name;
    let device = &mut watched.devices[turn.replica];
    let told = json!({
        "conversations": take(answer, "conversations"),
        "cursor": take(answer, "cursor"),
        "has_more": take(answer, "has_more"),
    });
    let mut first = told["conversations"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let page = first.split_off(first.len().min(turned.not_taken.len()));
    let not_taken = json!({ "conversations": with_messages_by_id(turned.not_taken.clone()) });
    let first = json!({ "conversations": with_messages_by_id(first) });
    same("what was not taken", &not_taken, &first)?;
    let begins_where_drained = device.cursor.is_none() || device.drained.is_some();
    if begins_where_drained && told["has_more"] == json!(false) {
        let expected =
            model.changes_without(name, device.drained, &turned.left_out(device.drained));
        same("the page of a turn", &expected, &model.in_order(name, page))?;
    }
    device.replica.apply_turn(taken, &told);
    device.go_on(&told, model.change_counter(name));
    Ok(())
}

/// What was not taken of a conversation comes in any order.
fn with_messages_by_id(mut conversations: Vec<Value>) -> Vec<Value> {
    for conversation in &mut conversations {
        if let Some(messages) = conversation
            .get_mut("messages")
            .and_then(Value::as_array_mut)
        {
            messages.sort_by_key(|message| message["message_id"].to_string());
        }
    }
    conversations
}

impl Device {
    fn go_on(&mut self, page: &Value, change_counter: u64) {
        self.cursor = page["cursor"].as_str().map(str::to_owned);
        self.drained = (page["has_more"] == json!(false)).then_some(change_counter);
    }
}

fn take(answer: &mut Value, name: &str) -> Value {
    let fields = answer.as_object_mut().expect("an object");
    fields.remove(name).unwrap_or_default()
}

/// What a post changed must be what the model says: the items, their order, and whether a change
/// number was taken at all.
fn watch(visitor: &mut Watched, model: &Reference) -> Result<(), TestCaseError> {
    let name = &visitor.name;
    let page = visitor.api.page(Some(&visitor.cursor), 1_000);
    let counter = model.change_counter(name);
    let cursor = page["cursor"].as_str().unwrap_or_default().to_owned();
    if (cursor == visitor.cursor) != (counter == visitor.change_counter) {
        return fail(format!(
            "{name}: change counter {counter}, but the page is {page}"
        ));
    }
    let expected = model.changes(name, Some(visitor.change_counter));
    let brought = page["conversations"].as_array().cloned();
    let brought = model.in_order(name, brought.unwrap_or_default());
    same("the changes", &expected, &brought)?;
    visitor.cursor = cursor;
    visitor.change_counter = counter;
    Ok(())
}

/// A device pulls to the end and then has what the server has.
fn pull(
    visitor: &mut Watched,
    replica: usize,
    limit: u32,
    model: &Reference,
) -> Result<(), TestCaseError> {
    let device = &mut visitor.devices[replica];
    let since = device.cursor.take();
    let cursor = visitor
        .api
        .drain(since, limit, |page| device.replica.apply_page(page));
    device.cursor = Some(cursor);
    device.drained = Some(model.change_counter(&visitor.name));
    let expected = living_state(&model.changes(&visitor.name, None));
    same("a device", &expected, &device.replica.state())
}

fn everything(api: &Api) -> Vec<Value> {
    let mut conversations = Vec::new();
    api.drain(None, 1_000, |page| {
        conversations.extend(page["conversations"].as_array().unwrap().clone());
    });
    conversations
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
