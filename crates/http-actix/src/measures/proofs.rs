//! What proofs of identity came with requests, and what became of them.

use convosync_application::access::{AccessError, Claim, Proof};
use convosync_domain::identity::VisitorIdentity;
use metrics::{Counter, counter};

/// What a token is told from an API key by.
const API_KEY: &str = "csk_";

const KINDS: [&str; 5] = ["none", "anon_id", "token", "api_key", "malformed"];
const RESULTS: [&str; 5] = ["accepted", "missing", "invalid", "forbidden", "unavailable"];

/// What proofs came with requests, and what became of them.
pub(crate) struct Proofs {
    /// Of each kind, each result.
    counters: [[Counter; RESULTS.len()]; KINDS.len()],
}

impl Proofs {
    pub(super) fn none_yet() -> Self {
        Self {
            counters: KINDS.map(|kind| {
                RESULTS.map(|result| {
                    let counter =
                        counter!("convosync_proofs_total", "proof" => kind, "result" => result);
                    counter.absolute(0);
                    counter
                })
            }),
        }
    }

    /// Counts what has become of the proof of a claim.
    pub(crate) fn count<T>(&self, claim: &Claim, judged: &Result<T, AccessError>) {
        let kind = kind_of(claim);
        let result = judged.as_ref().map_or_else(result_of, |_| "accepted");
        let of_kind = KINDS.iter().zip(&self.counters);
        let of_kind = of_kind.filter(|(name, _)| **name == kind);
        let counters = of_kind.flat_map(|(_, counters)| RESULTS.iter().zip(counters));
        for (_, counter) in counters.filter(|(name, _)| **name == result) {
            counter.increment(1);
        }
    }
}

fn kind_of(claim: &Claim) -> &'static str {
    match (&claim.proof, &claim.identity) {
        (Proof::Bearer(text), _) if text.starts_with(API_KEY) => "api_key",
        (Proof::Bearer(_), _) => "token",
        (Proof::Malformed(_), _) => "malformed",
        (Proof::None, Some(VisitorIdentity::Anonymous(_))) => "anon_id",
        (Proof::None, _) => "none",
    }
}

fn result_of(error: &AccessError) -> &'static str {
    match error {
        AccessError::ProofMissing | AccessError::NoIdentity => "missing",
        AccessError::NotIssued | AccessError::InvalidToken(_) | AccessError::InvalidApiKey => {
            "invalid"
        }
        AccessError::OtherUser
        | AccessError::MissingScope(_)
        | AccessError::RegistrationForbidden => "forbidden",
        AccessError::KeysUnavailable | AccessError::Store(_) => "unavailable",
    }
}
