//! Fifty visitors with the same ids, every endpoint, every kind of identity: nobody reads, changes or counts
//! what is another's.

use std::collections::HashMap;

use serde_json::json;

use super::{Ask, CHANGES, CONVERSATIONS, Protected, SYNC, VISITORS, token, user};
use crate::support::raw::RawAnswer;
use crate::support::report;

const USERS: usize = 25;
const ANONYMOUS: usize = 25;

struct Owner {
    query: String,
    proof: Option<String>,
    marker: String,
}

impl Owner {
    fn prove(&self, ask: Ask) -> Ask {
        match &self.proof {
            Some(token) => ask.by(token),
            None => ask,
        }
    }
}

/// Every endpoint that works on a visitor's data, asked for the visitor of this query in an attempt to read or
/// to overwrite.
fn attempts(query: &str) -> Vec<Ask> {
    let overwrite = json!({ "conversations": [{
        "id": "same", "title": "stolen", "updated_at": "2999-01-01T00:00:00Z",
        "messages": [{ "message_id": "same", "img": "stolen" }],
    }] });
    let deletion = json!({ "conversations": [
        { "id": "same", "deleted_at": "2999-01-01T00:00:00Z" },
    ] });
    let merge = json!({ "anon_id": "x".repeat(43) });
    let mut attempts = vec![
        Ask::get(format!("{SYNC}{query}")),
        Ask::get(format!("{CHANGES}{query}")),
        Ask::get(format!("{CHANGES}{query}&limit=1")),
        Ask::post(format!("{SYNC}{query}"), &overwrite),
        Ask::post(format!("{SYNC}{query}&since="), &overwrite),
        Ask::post(format!("{SYNC}{query}"), &deletion),
        Ask::get(format!("{CONVERSATIONS}{query}")),
        Ask::get(format!("{CONVERSATIONS}same/{query}")),
        Ask::delete(format!("{CONVERSATIONS}same/{query}")),
        Ask::delete(format!("{CONVERSATIONS}same/{query}")).with("If-Match", "*"),
        Ask::delete(format!("{CONVERSATIONS}same/messages/same/{query}")),
        Ask::get(format!("{SYNC}events/{query}")),
        Ask::get(format!("{VISITORS}{query}")),
        Ask::get(format!("{VISITORS}export/{query}")),
        Ask::delete(format!("{VISITORS}{query}")),
    ];
    // Nobody is merged into an anonymous visitor.
    if query.starts_with("?user_id=") {
        attempts.push(Ask::post(format!("{VISITORS}merge/{query}"), &merge));
    }
    attempts
}

/// An answer without what differs between any two.
fn comparable(answer: &RawAnswer) -> (u16, Vec<(String, String)>, String) {
    let kept = answer.headers.iter();
    let kept = kept.filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    let mut kept: Vec<_> = kept.cloned().collect();
    // Their order is that of a hash map.
    kept.sort();
    let body = answer.body.split(r#","request_id":"#).next().unwrap();
    (answer.status, kept, body.to_owned())
}

fn owners(server: &Protected) -> Vec<Owner> {
    let users = (0..USERS).map(|number| {
        let name = format!("user-{number}");
        Owner {
            query: user(&name),
            proof: Some(token(&name)),
            marker: format!("marker of user {number}."),
        }
    });
    let anonymous = (0..ANONYMOUS).map(|number| Owner {
        query: format!("?anon_id={}", server.anon_id()),
        proof: None,
        marker: format!("marker of anon {number}."),
    });
    users.chain(anonymous).collect()
}

#[test]
fn nobody_reads_changes_or_counts_what_is_anothers() {
    let server = Protected::start();
    let owners = owners(&server);
    for owner in &owners {
        let body = json!({ "conversations": [{
            "id": "same", "title": owner.marker, "updated_at": "2026-01-01T00:00:00Z",
            "messages": [{ "message_id": "same", "img": owner.marker }],
        }] });
        let post = owner.prove(Ask::post(format!("{SYNC}{}", owner.query), &body));
        let answer = server.send(&post);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(
            answer.body.contains("1 conversations created, 0 updated"),
            "{answer:?}"
        );
    }
    let pulls = |owner: &Owner| {
        let ask = owner.prove(Ask::get(format!("{CHANGES}{}", owner.query)));
        server.send(&ask).body
    };
    let before: Vec<_> = owners.iter().map(pulls).collect();
    for (owner, page) in owners.iter().zip(&before) {
        assert_eq!(page.matches("marker of").count(), 2, "{page}");
        assert_eq!(page.matches(&owner.marker).count(), 2, "{page}");
    }

    let stranger = token("stranger");
    let forged = token("user-0").replace('.', ".A");
    let narrow = server.api_key("visitors:create");
    let unknown = "?anon_id=0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcde";
    // What the same attempt on somebody who does not exist is answered.
    let mut of_nobody = HashMap::new();
    let mut attempted = 0;
    for (number, owner) in owners.iter().take(USERS).enumerate() {
        let neighbour = &owners[(number + 1) % USERS];
        let proofs = [
            None,
            Some(stranger.as_str()),
            neighbour.proof.as_deref(),
            Some(forged.as_str()),
            Some(narrow.as_str()),
            Some("csk_0000000000000000_0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcde"),
            Some("x"),
        ];
        for (kind, proof) in proofs.into_iter().enumerate() {
            let prove = |ask: Ask| match proof {
                Some(token) => ask.by(token),
                None => ask,
            };
            let attempts = attempts(&owner.query).into_iter().zip(attempts_on_nobody());
            for (number, (attempt, on_nobody)) in attempts.enumerate() {
                let answer = server.send(&prove(attempt));
                assert!([401, 403].contains(&answer.status), "{answer:?}");
                let expected = of_nobody
                    .entry((kind, number))
                    .or_insert_with(|| comparable(&server.send(&prove(on_nobody))));
                assert_eq!(&comparable(&answer), expected);
                attempted += 1;
            }
        }
    }
    // The proof of one anonymous visitor opens no other, and a user's token opens none.
    for owner in owners.iter().skip(USERS) {
        let anon_id = owner.query.strip_prefix("?anon_id=").unwrap();
        let guess = format!("{}{}", &anon_id[1..], &anon_id[..1]);
        for attempt in attempts(&format!("?anon_id={guess}")) {
            let answer = server.send(&attempt.by(&stranger));
            assert_eq!(answer.status, 404, "{answer:?}");
            attempted += 1;
        }
        for attempt in attempts(unknown) {
            let answer = server.send(&attempt.with("Authorization", format!("Anon {anon_id}")));
            assert_eq!(answer.status, 400, "{answer:?}");
            attempted += 1;
        }
    }
    let registration = Ask::post(VISITORS, &json!({ "user_id": "user-0" })).by(&stranger);
    assert_eq!(server.send(&registration).status, 403);
    assert!(attempted >= 1_300, "{attempted}");
    let after: Vec<_> = owners.iter().map(pulls).collect();
    assert!(before == after, "somebody's data or counter has changed");
    report(
        "G15",
        &format!("{attempted} attempts, none read, changed or counted"),
    );
}

fn attempts_on_nobody() -> Vec<Ask> {
    attempts(&user("nobody"))
}
