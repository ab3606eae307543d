//! How long an answer takes tells nothing of whether a visitor exists.

use std::time::Instant;

use serde_json::json;

use super::{Ask, CHANGES, Protected, SYNC, token, user};
use crate::support::raw::Connection;
use crate::support::{report, scaled};

/// One in so many answers, the slowest, is left out: the machine did something else.
const OUTLIERS: usize = 5;
/// Beyond it two means are taken to differ, as in tests of side channels (TVLA, ISO/IEC 17825).
const T_MAX: f64 = 4.5;
/// A machine that does much else is given so many chances.
const ATTEMPTS: usize = 5;

/// How many requests of each of the two kinds: `CONVOSYNC_TIMINGS`, 1,000 unless set.
fn asked() -> usize {
    scaled("CONVOSYNC_TIMINGS", 1_000).try_into().unwrap()
}

#[test]
fn anothers_name_and_nobodys_take_as_long() {
    let server = Protected::start();
    for number in 0..20 {
        let conversations: Vec<_> = (0..50).map(|id| json!({ "id": format!("{id}") })).collect();
        let ada = format!("user-{number}");
        let body = json!({ "conversations": conversations });
        let post = Ask::post(format!("{SYNC}{}", user(&ada)), &body).by(&token(&ada));
        assert_eq!(server.send(&post).status, 200);
    }
    let stranger = token("stranger");
    let another = "user-7";
    let nobody = "nobody";
    assert_eq!(
        [another.len(), nobody.len()],
        [6, 6],
        "the requests have to be as long"
    );
    for (path, proof) in [
        (SYNC, Some(stranger.as_str())),
        (CHANGES, Some(&stranger)),
        (SYNC, None),
    ] {
        let ask = |user_id: &str| {
            let ask = Ask::get(format!("{path}{}", user(user_id)));
            let ask = match proof {
                Some(token) => ask.by(token),
                None => ask,
            };
            ask.bytes("keep-alive")
        };
        let [of_another, of_nobody] = [ask(another), ask(nobody)];
        let mut seen = Vec::new();
        let is_same = (0..ATTEMPTS).any(|_| {
            let t = compare(&server, &of_another, &of_nobody).abs();
            seen.push(t);
            t < T_MAX
        });
        assert!(is_same, "{path}: |t| was {seen:?}");
        let t = seen.last().unwrap();
        report("G15", &format!("t = {t:.1} of {} timings", 2 * asked()));
    }
}

/// Welch's t of how long both requests take, asked in turns.
fn compare(server: &Protected, one: &[u8], other: &[u8]) -> f64 {
    let mut connection = Connection::open(server.0.address());
    let mut took = [Vec::new(), Vec::new()];
    for turn in 0..2 * asked() {
        // One, other, other, one …: no order is the first more often.
        let which = usize::from((turn % 4 == 1) || (turn % 4 == 2));
        let request = [one, other][which];
        let started = Instant::now();
        assert!(connection.send(request));
        let answer = connection.answer();
        took[which].push(started.elapsed().as_secs_f64());
        assert!([401, 403].contains(&answer.status), "{answer:?}");
    }
    let [one, other] = took.map(|mut took| {
        took.sort_by(f64::total_cmp);
        took.truncate(took.len() - took.len() / OUTLIERS);
        moments(&took)
    });
    let (mean, variance_of_mean) = one;
    let (other_mean, other_variance_of_mean) = other;
    (mean - other_mean) / (variance_of_mean + other_variance_of_mean).sqrt()
}

/// The mean, and the variance of it.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = f64::from(u32::try_from(values.len()).unwrap());
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, squares / (count - 1.0) / count)
}
