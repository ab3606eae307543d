//! A turn of a chat in a store of a million messages: a post of one new message that says what the device
//! has seen, so that the answer brings what others have changed; beside the same post alone.

use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, ensure};

use crate::big_store::{BigStore, POSTS, SHAPE, VISITORS};
use crate::bodies::turn;
use crate::feed::{Feed, PageEnd};
use crate::figures::{Figures, Measured};
use crate::http::Client;
use crate::load::{self, BUSY_PAUSE, post_path, visitor};

/// What is measured: the post that says what the device has seen.
pub const TURN: &str = "1 message, since";
/// What is measured: the same without that.
pub const ALONE: &str = "1 message";

/// A visitor chats on one device at a time, so that there are more of them than clients.
const CLIENTS: [usize; 2] = [1, 8];
/// How many turns are taken in a round.
const TURNS: u64 = 4_000;

/// Somebody whose device keeps the cursor of each answer.
struct Chatting {
    feed: Feed,
    cursor: Mutex<String>,
}

/// Turns and posts alone, in turns.
pub fn measure(store: &BigStore<'_>, rounds: usize, measured: &mut Measured) -> Result<()> {
    let chatting = store.feeds(VISITORS)?.into_iter().map(|feed| Chatting {
        cursor: Mutex::new(feed.cursor(feed.changes)),
        feed,
    });
    let mut with_since: Vec<_> = chatting.collect();
    // Their changes would come to the others' devices, were they of the same visitors.
    let alone = with_since.split_off(with_since.len() / 2);
    let mut taken = 0;
    let mut take = |what, clients| {
        let (all, first) = (if what == TURN { &with_since } else { &alone }, taken);
        taken += TURNS;
        post(store, what, clients, all, first)
    };
    let rounds = (0..rounds).map(|_| {
        let mut round = Vec::new();
        for clients in CLIENTS {
            round.push(take(ALONE, clients)?);
            round.push(take(TURN, clients)?);
        }
        Ok(round)
    });
    let rounds: Vec<_> = rounds.collect::<Result<_>>()?;
    measured.add_medians(&rounds, cpu_beside_alone);
    Ok(())
}

/// What a post took beside the one alone, in processor time.
fn cpu_beside_alone(row: &Figures, round: &[Figures]) -> Option<f64> {
    let is_alone = |other: &&Figures| (other.what.as_str(), other.clients) == (ALONE, row.clients);
    Some(row.cpu / round.iter().find(is_alone)?.cpu)
}

fn post(
    store: &BigStore<'_>,
    what: &'static str,
    clients: usize,
    visitors: &[Chatting],
    first: u64,
) -> Result<Figures> {
    let server = store.watched();
    let visitors_number = u64::try_from(visitors.len())?;
    let prepare = |number: u64| {
        let number = first + number;
        // Each visitor goes on with one conversation after the other.
        let chatting = visitors.get((number % visitors_number) as usize);
        let post = number / visitors_number % POSTS;
        let chatting = chatting?;
        let body = turn(SHAPE, post * VISITORS + chatting.feed.number, number);
        Some((chatting, body))
    };
    let taken = server.measure(what, clients, || {
        let load = load::run(server.host, clients, TURNS, prepare, |client, prepared| {
            let (chatting, body) = prepared.context("there is no visitor")?;
            match what {
                TURN => chatting.take_turn(client, &body),
                _ => send(client, &chatting.path(), &body, |_| Ok(())),
            }
        })?;
        Ok((load, usize::try_from(TURNS)?))
    });
    taken.with_context(|| format!("{}, {what}:\n{}", server.who, store.complaints()))
}

impl Chatting {
    fn path(&self) -> String {
        post_path(&visitor(self.feed.number))
    }

    fn take_turn(&self, client: &mut Client, body: &str) -> Result<()> {
        let mut cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let path = format!("{}&since={cursor}", self.path());
        send(client, &path, body, |answer| {
            *cursor = next_cursor(answer)?;
            Ok(())
        })
    }
}

/// Posts, again and again where the server is too busy.
fn send(
    client: &mut Client,
    path: &str,
    body: &str,
    read: impl FnOnce(&[u8]) -> Result<()>,
) -> Result<()> {
    loop {
        let answer = client.post(path, body)?;
        if answer.status != 503 {
            return read(answer.body);
        }
        thread::sleep(BUSY_PAUSE);
    }
}

/// The cursor in the answer to a turn, after which there is nothing yet.
fn next_cursor(answer: &[u8]) -> Result<String> {
    let end = PageEnd::of(answer).context("a post with since was answered like one without")?;
    ensure!(!end.has_more, "a turn brings more than a page");
    Ok(end.cursor.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_needs_a_cursor_in_the_answer() {
        let page = r#""conversations":[],"cursor":"abc","has_more":"#;
        let cursor = |answer: String| next_cursor(answer.as_bytes());
        let of_page = cursor(format!(r#"{{"status":"success",{page}false}}"#));
        assert_eq!(of_page.unwrap(), "abc");
        assert!(cursor(format!(r#"{{"status":"success",{page}true}}"#)).is_err());
        let error = cursor(r#"{"status":"success"}"#.to_owned()).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("with since was answered like"), "{error}");
        assert!(error.contains("no cursor"), "{error}");
    }

    #[test]
    fn a_turn_is_compared_with_the_post_alone_by_as_many_clients() {
        let figures = |what: &str, clients, cpu| {
            let (wall, spent) = Default::default();
            let figures = Figures::of_floor("server", what.to_owned(), wall, spent);
            Figures {
                clients,
                cpu,
                ..figures
            }
        };
        let round = [
            figures(ALONE, 1, 100.0),
            figures(TURN, 1, 150.0),
            figures(ALONE, 8, 50.0),
            figures(TURN, 8, 60.0),
        ];
        let ratios = round.each_ref().map(|row| cpu_beside_alone(row, &round));
        assert_eq!(ratios, [1.0, 1.5, 1.0, 1.2].map(Some));
    }
}
