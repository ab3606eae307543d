//! What a browser would let pages of an origin do.

use ureq::http::Method;

use super::client::{Answer, Client};
use crate::finding::Finding;

const CHECK: &str = "CORS";
const PATH: &str = "/api/sync-conversations/";
/// What pages send.
const HEADERS: [&str; 8] = [
    "authorization",
    "content-encoding",
    "content-type",
    "if-match",
    "if-none-match",
    "last-event-id",
    "prefer",
    "x-request-id",
];
const METHODS: [&str; 3] = ["GET", "POST", "DELETE"];

pub(super) fn findings(client: &Client, origin: Option<&str>) -> Vec<Finding> {
    let Some(origin) = origin else {
        return vec![Finding::skipped(
            CHECK,
            "no origin is given",
            "give --origin https://app.example, the origin of the pages that are to use the server",
        )];
    };
    let mut findings: Vec<_> = METHODS
        .into_iter()
        .filter_map(|method| preflight(client, origin, method))
        .collect();
    findings.extend(readable(client, origin));
    if findings.is_empty() {
        findings.push(Finding::ok(
            CHECK,
            format!("pages of {origin} may ask, and read answers"),
        ));
    }
    // The same is said of each method.
    findings.dedup();
    findings
}

/// What is wrong with the answer to the question that a browser asks first.
fn preflight(client: &Client, origin: &str, method: &str) -> Option<Finding> {
    let wanted = HEADERS.join(", ");
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", wanted.as_str()),
    ];
    let answer = match client.ask(Method::OPTIONS, PATH, &headers) {
        Ok(answer) => answer,
        Err(error) => return Some(unreachable(&error)),
    };
    if let Some(problem) = origin_problem(&answer, origin) {
        return Some(problem);
    }
    if !(200..300).contains(&answer.status) {
        return Some(Finding::failed(
            CHECK,
            format!("the preflight is answered {}", answer.told()),
            "pass OPTIONS on to the server, without authentication or redirects in the proxy",
        ));
    }
    let lists = |header: &str, name: &str| {
        let listed = answer.header(header).unwrap_or_default().split(',');
        listed
            .map(str::trim)
            .any(|listed| listed.eq_ignore_ascii_case(name))
    };
    let missing: Vec<_> = HEADERS
        .into_iter()
        .filter(|name| !lists("access-control-allow-headers", name))
        .collect();
    if !missing.is_empty() {
        return Some(Finding::failed(
            CHECK,
            format!("pages may not send {}", missing.join(", ")),
            "let the server answer preflights, and not the proxy: take Access-Control-… out of its configuration",
        ));
    }
    (!lists("access-control-allow-methods", method)).then(|| {
        Finding::failed(
            CHECK,
            format!("pages may not {method}"),
            "let the server answer preflights, and not the proxy: take Access-Control-… out of its configuration",
        )
    })
}

/// What is wrong with an answer that a page is to read, which is an error here.
fn readable(client: &Client, origin: &str) -> Option<Finding> {
    match client.ask(Method::GET, PATH, &[("origin", origin)]) {
        Ok(answer) => origin_problem(&answer, origin),
        Err(error) => Some(unreachable(&error)),
    }
}

fn origin_problem(answer: &Answer, origin: &str) -> Option<Finding> {
    let allowed: Vec<_> = answer
        .headers
        .get_all("access-control-allow-origin")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    match allowed.as_slice() {
        [allowed] if *allowed == origin || *allowed == "*" => None,
        [] => Some(Finding::failed(
            CHECK,
            format!("pages of {origin} may not use the server"),
            format!(
                "set server.cors_origins = [\"{origin}\"], and have the proxy pass Origin and OPTIONS on"
            ),
        )),
        [allowed] => Some(Finding::failed(
            CHECK,
            format!("pages of {allowed} may use the server, and not those of {origin}"),
            format!("add \"{origin}\" to server.cors_origins, exactly as browsers name it"),
        )),
        _ => Some(Finding::failed(
            CHECK,
            "Access-Control-Allow-Origin stands twice, and browsers refuse that",
            "take Access-Control-… out of the proxy's configuration: the server tells it by itself",
        )),
    }
}

fn unreachable(error: &ureq::Error) -> Finding {
    Finding::failed(
        CHECK,
        error.to_string(),
        "see why the proxy does not answer",
    )
}
