//! Generated histories of devices that edit offline and sync by turns: whatever they do at the same time
//! and whatever gets lost, in the end all of them have what the server has.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::model::device::Device;
use crate::model::devices::{DEVICES, Step, history};
use crate::model::replica::Replica;
use crate::model::same::difference;
use crate::support::api::Api;
use crate::support::{Server, scaled};

const STEPS: usize = 24;
/// In so many rounds of turns everything comes to rest, unless something goes round in circles.
const ROUNDS: usize = 30;

/// How many histories are tried.
fn histories() -> u32 {
    u32::try_from(scaled("CONVOSYNC_DEVICES", 200)).unwrap()
}

#[test]
fn devices_end_with_what_the_server_has() {
    let server = Server::start();
    let config = Config {
        cases: histories(),
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&history(STEPS), |steps| replay(&server, &steps))
        .unwrap_or_else(|failure| panic!("{failure}"));
}

fn replay(server: &Server, steps: &[Step]) -> Result<(), TestCaseError> {
    static HISTORY: AtomicUsize = AtomicUsize::new(0);
    let history = HISTORY.fetch_add(1, Ordering::Relaxed);
    let api = Api::register(&server.url(), &format!("user_id=devices-{history}"));
    let mut devices: Vec<_> = (0..DEVICES).map(Device::new).collect();
    for (minutes, step) in (0..).zip(steps) {
        match step {
            Step::Edit { device, edit } => devices[*device].edit(edit, minutes),
            Step::Sync {
                devices: named,
                limit,
            } => sync(&api, &mut devices, named, *limit)?,
        }
    }
    for round in 0.. {
        if round == ROUNDS {
            return fail(format!("no rest after {ROUNDS} rounds: {devices:?}"));
        }
        let mut is_at_rest = true;
        for (number, device) in devices.iter_mut().enumerate() {
            let limit = [2, 500][(round + number) % 2];
            // What it posts the others have not seen yet.
            is_at_rest &= device.is_settled();
            let answer = take_turn(&api, device, limit)?;
            device.end_turn(&answer);
            is_at_rest &= device.is_settled() && answer["conversations"] == json!([]);
        }
        if is_at_rest {
            break;
        }
    }
    let everything = everything(&api);
    for device in &devices {
        same(&everything, device)?;
    }
    Ok(())
}

/// Devices take a turn at the same time. One that has nothing more to post or to pull after its turn has
/// what the server has.
fn sync(
    api: &Api,
    devices: &mut [Device],
    named: &[(usize, bool)],
    limit: u32,
) -> Result<(), TestCaseError> {
    let mut taking = Vec::new();
    for (number, device) in devices.iter_mut().enumerate() {
        if let Some((_, is_lost)) = named.iter().find(|(named, _)| *named == number) {
            taking.push((device, *is_lost));
        }
    }
    let is_alone = taking.len() == 1;
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for (device, is_lost) in taking {
            threads.push(scope.spawn(move || {
                let answer = take_turn(api, device, limit)?;
                if !is_lost {
                    device.end_turn(&answer);
                }
                match is_alone && device.is_settled() {
                    true => same(&everything(api), device),
                    false => Ok(()),
                }
            }));
        }
        let taken = threads.into_iter().map(|thread| thread.join().unwrap());
        taken.collect()
    })
}

fn take_turn(api: &Api, device: &mut Device, limit: u32) -> Result<Value, TestCaseError> {
    let body = device.begin_turn().to_string();
    let more = format!("&limit={limit}&since={}", device.since());
    let answer = api.post_preferring(&body, None, &more);
    match answer.status {
        200 => Ok(answer.json()),
        _ => Err(TestCaseError::fail(format!("{answer:?} to {body}"))),
    }
}

/// What a new device has that only pulls.
fn everything(api: &Api) -> Value {
    let mut replica = Replica::default();
    api.drain(None, 1_000, |page| replica.apply_page(page));
    replica.state()
}

fn same(everything: &Value, device: &Device) -> Result<(), TestCaseError> {
    match difference(everything, &device.state()) {
        None => Ok(()),
        Some(difference) => fail(format!("{difference}: {device:?}")),
    }
}

fn fail(reason: String) -> Result<(), TestCaseError> {
    Err(TestCaseError::fail(reason))
}
