//! The first pull of a device: page after page, until it has a hundred thousand messages.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::big_store::{BigStore, MANY};
use crate::feed::{PageEnd, path};
use crate::figures::Measured;
use crate::http::Client;
use crate::load::{Latencies, Load};

/// What is measured.
pub const PULL: &str = "first pull of 100,000 messages";

const LIMIT: usize = 1_000;

/// Pulls again and again, each time as a new device.
pub fn measure(store: &BigStore<'_>, rounds: usize, measured: &mut Measured) -> Result<()> {
    let mut messages = 0;
    pull(store, |page| messages += messages_of(page))?;
    ensure!(messages == MANY, "{messages} messages were pulled");
    let server = store.watched();
    let rounds = (0..rounds).map(|_| {
        let figures = server.measure(PULL, 1, || pull(store, |_| {}))?;
        Ok(vec![figures.in_millions()])
    });
    let rounds: Vec<_> = rounds.collect::<Result<_>>()?;
    measured.add_medians(&rounds, |_, _| None);
    Ok(())
}

/// Pulls everything; the units are bytes.
fn pull(store: &BigStore<'_>, mut see: impl FnMut(&[u8])) -> Result<(Load, usize)> {
    let mut client = Client::connect(store.watched().host)?;
    let first = format!("{}&limit={LIMIT}", path(&store.who_has_many()));
    let mut next = first.clone();
    let (mut latencies, mut bytes) = (Vec::new(), 0);
    let started = Instant::now();
    loop {
        let asked = Instant::now();
        let answer = client.get(&next, "")?;
        latencies.push(asked.elapsed());
        ensure!(answer.status == 200, "it was answered {}", answer.status);
        see(answer.body);
        bytes += answer.body.len();
        let end = PageEnd::of(answer.body)?;
        if !end.has_more {
            break;
        }
        next = format!("{first}&since={}", end.cursor);
    }
    let load = Load {
        wall: started.elapsed(),
        latencies: Latencies::of(latencies),
    };
    Ok((load, bytes))
}

fn messages_of(page: &[u8]) -> u64 {
    let key = b"\"message_id\":";
    page.windows(key.len()).filter(|found| found == key).count() as u64
}
