//! What a server answers to whoever asks, without a proof.

use std::time::Duration;

use chrono::DateTime;
use convosync_domain::ports::Clock;
use convosync_domain::timestamp::Timestamp;
use ureq::http::Method;

use super::client::{Answer, Client};
use crate::commands::doctor::port::Version;
use crate::finding::Finding;
use crate::version::VERSION;

const SYNC: &str = "/api/sync-conversations/";
/// More than the usual limit of nginx, 1 MB.
pub(super) const LARGE: usize = 1_500_000;
/// The check of bodies of that size.
pub(super) const LARGE_BODIES: &str = "large bodies";
const CLOCK_NOTE_SECONDS: u64 = 5;
/// A device may be as far ahead by default.
const CLOCK_MAX_SECONDS: u64 = 300;
const SLOW: Duration = Duration::from_secs(1);

/// Whether it is Convosync that answers, and serves.
pub(super) fn served(client: &Client) -> Vec<Finding> {
    const CHECK: &str = "server";
    let answer = match client.get("/version") {
        Ok(answer) => answer,
        Err(error) => {
            return vec![Finding::failed(
                CHECK,
                format!("no answer over HTTP: {error}"),
                "see that the server or the proxy at this port speaks the protocol of --url",
            )];
        }
    };
    if answer.is_redirect() {
        return vec![Finding::failed(
            CHECK,
            format!("/version is answered {}", answer.told()),
            "give clients (and --url) the URL that it leads to: a POST that is redirected may become a GET",
        )];
    }
    let version: Option<Version> = serde_json::from_str(&answer.text).ok();
    let Some(Version { version, schema }) = version else {
        return vec![not_ours(CHECK, &answer)];
    };
    let found = format!("convosync {version} with schema {schema}");
    let mut findings = vec![match version == VERSION {
        true => Finding::ok(CHECK, found),
        false => Finding::note(
            CHECK,
            format!("{found}; this is {VERSION}"),
            "update whichever is older",
        ),
    }];
    findings.push(match client.get("/readyz") {
        Ok(answer) if answer.status == 200 && answer.took > SLOW => Finding::warning(
            "ready",
            format!("yes, after {} ms", answer.took.as_millis()),
            "see what the server, its disk or its database is busy with",
        ),
        Ok(answer) if answer.status == 200 => {
            Finding::ok("ready", format!("in {} ms", answer.took.as_millis()))
        }
        Ok(answer) => Finding::failed(
            "ready",
            format!("/readyz is answered {}", answer.status),
            "the log of the server says why; run `convosync doctor` on its machine",
        ),
        Err(error) => Finding::failed(
            "ready",
            error.to_string(),
            "the log of the server or the proxy says why",
        ),
    });
    findings
}

fn not_ours(check: &'static str, answer: &Answer) -> Finding {
    match answer.code().as_deref() {
        Some("proxied_in_open_mode") => Finding::failed(
            check,
            "the server is in open mode and refuses what comes through a proxy",
            "set auth.mode = \"protected\" and server.trusted_proxies = [\"127.0.0.1\", \"::1\"] (docs/access.md)",
        ),
        Some("foreign_host") => Finding::failed(
            check,
            "the server is in open mode and does not know this name",
            "set server.hosts = [\"NAME\"], or auth.mode = \"protected\" where others reach it",
        ),
        _ => Finding::failed(
            check,
            format!("another program answers /version, with {}", answer.told()),
            "have the proxy pass every path on (nginx: `location / { proxy_pass http://127.0.0.1:7800; }`, \
            Caddy: `reverse_proxy 127.0.0.1:7800`), and the server run",
        ),
    }
}

pub(super) fn findings(client: &Client, clock: &dyn Clock) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Ok(answer) = client.get("/version") {
        findings.extend(date(&answer, clock.now()));
        findings.extend(headers(client, &answer));
    }
    findings.extend(access(client));
    findings.push(errors(client));
    findings.push(slashes(client));
    findings
}

/// The clock of the server, beside this one.
fn date(answer: &Answer, now: Timestamp) -> Option<Finding> {
    const CHECK: &str = "clock";
    let date = DateTime::parse_from_rfc2822(answer.header("date")?).ok()?;
    let now = now.as_micros().div_euclid(1_000_000);
    let apart = date.timestamp().abs_diff(now);
    let found = format!("the server's clock and this one are {apart} s apart");
    let advice = "keep both machines by NTP (`timedatectl set-ntp true`, chrony); sync.max_clock_skew_seconds \
    is how far a device may be ahead";
    Some(match apart {
        0..CLOCK_NOTE_SECONDS => Finding::ok(CHECK, found),
        CLOCK_NOTE_SECONDS..=CLOCK_MAX_SECONDS => Finding::warning(CHECK, found, advice),
        _ => Finding::failed(CHECK, found, advice),
    })
}

fn headers(client: &Client, answer: &Answer) -> Vec<Finding> {
    let mut findings = Vec::new();
    let closes = answer.header("connection");
    if closes.is_some_and(|value| value.eq_ignore_ascii_case("close")) {
        findings.push(Finding::note(
            "keep-alive",
            "each answer ends its connection",
            "turn keep-alive on in the proxy (nginx: `keepalive_timeout 75s;`)",
        ));
    }
    if client.target.is_https {
        findings.push(match answer.header("strict-transport-security") {
            Some(value) => Finding::ok("HSTS", value),
            None => Finding::note(
                "HSTS",
                "browsers are not told to use TLS only",
                "if pages of this name use TLS only, add it in the proxy (nginx: `add_header \
                Strict-Transport-Security \"max-age=31536000\" always;`, Caddy: \
                `header Strict-Transport-Security max-age=31536000`)",
            ),
        });
    }
    findings
}

/// What the server thinks of whoever shows nothing.
fn access(client: &Client) -> Option<Finding> {
    const CHECK: &str = "access";
    // One of whom nobody knows, and nobody proves to be.
    let answer = client
        .get(&format!("{SYNC}?user_id=convosync-doctor"))
        .ok()?;
    let code = answer.code();
    Some(match (answer.status, code.as_deref()) {
        (401, Some(_)) => Finding::ok(CHECK, "protected: visitors prove who they are"),
        (_, Some("proxied_in_open_mode" | "foreign_host")) => not_ours(CHECK, &answer),
        (200 | 404, _) if answer.json().is_some() && client.target.is_loopback() => {
            Finding::ok(CHECK, "open, to this machine")
        }
        (200 | 404, _) if answer.json().is_some() => Finding::warning(
            CHECK,
            "open: whoever reaches this URL can read and change every visitor",
            "set auth.mode = \"protected\" and auth.allow_open_on_network = false (docs/access.md)",
        ),
        (429, Some(_)) => Finding::warning(
            CHECK,
            "too many requests come from this address",
            "behind a proxy set server.trusted_proxies, and X-Forwarded-For in the proxy: else all clients are \
            counted as one",
        ),
        _ => Finding::failed(
            CHECK,
            format!("{SYNC} is answered {} by another program", answer.told()),
            "have the proxy pass /api/ on, with no authentication of its own",
        ),
    })
}

/// Errors have to come as the server writes them.
fn errors(client: &Client) -> Finding {
    const CHECK: &str = "errors";
    let advice = "turn off what replaces errors (nginx: `proxy_intercept_errors off;`, no error_page; Caddy: no \
    handle_errors)";
    match client.get("/api/no-such-path") {
        Ok(answer) if answer.code().is_some() => Finding::ok(CHECK, "come as JSON"),
        Ok(answer) => {
            let kind = answer.header("content-type").unwrap_or("nothing");
            let found = format!(
                "an error ({}) comes as {kind}, and not as the server's JSON",
                answer.status
            );
            Finding::failed(CHECK, found, advice)
        }
        Err(error) => Finding::failed(CHECK, error.to_string(), advice),
    }
}

/// With and without the slash at the end it is the same path.
fn slashes(client: &Client) -> Finding {
    const CHECK: &str = "trailing slash";
    let advice = "do not add or remove slashes in the proxy (nginx: no `rewrite`, and `location /api/` with \
    `proxy_pass` without a path)";
    let post = |path: &str| client.send(Method::POST, path, &[], b"{}");
    let (with, without) = (post(SYNC), post(SYNC.trim_end_matches('/')));
    match (with, without) {
        (Ok(with), Ok(without)) => {
            let redirected = [&with, &without]
                .into_iter()
                .find(|answer| answer.is_redirect());
            if let Some(redirected) = redirected {
                let found = format!(
                    "a POST is answered {}, and may become a GET",
                    redirected.told()
                );
                return Finding::failed(CHECK, found, advice);
            }
            if (with.status, with.code()) != (without.status, without.code()) {
                let found = format!(
                    "with it a POST is answered {}, without it {}",
                    with.status, without.status
                );
                return Finding::failed(CHECK, found, advice);
            }
            Finding::ok(CHECK, "the same with and without it")
        }
        (Err(error), _) | (_, Err(error)) => Finding::failed(CHECK, error.to_string(), advice),
    }
}

/// The server refuses a POST of nobody before it reads it, a proxy with a limit even before that.
pub(super) fn large_body(client: &Client) -> Finding {
    let headers = [
        ("content-type", "application/json"),
        ("expect", "100-continue"),
    ];
    let body = vec![b' '; LARGE];
    match client.send(Method::POST, SYNC, &headers, &body) {
        Ok(answer) => judge_large_body(&answer),
        // Whoever is refused before everything is sent may find the connection closed.
        Err(error) => match client.send(Method::POST, SYNC, &[], &body) {
            Ok(answer) => judge_large_body(&answer),
            Err(_) => Finding::note(
                LARGE_BODIES,
                format!("whether {LARGE} bytes pass cannot be told: {error}"),
                "give a visitor for tests (--anon-id, or --user-id and --token): the server takes its body whole",
            ),
        },
    }
}

/// What it means that a large body was answered so.
pub(super) fn judge_large_body(answer: &Answer) -> Finding {
    const CHECK: &str = LARGE_BODIES;
    match (answer.status, answer.code()) {
        (413, Some(_)) => Finding::warning(
            CHECK,
            format!("the server itself refuses {LARGE} bytes"),
            "raise limits.body_bytes: a device that was away long posts much at once",
        ),
        (status, code) if code.is_some() || status == 200 => {
            Finding::ok(CHECK, format!("{LARGE} bytes reach the server"))
        }
        _ => Finding::failed(
            CHECK,
            format!(
                "{LARGE} bytes are answered {}, and not by the server",
                answer.told()
            ),
            "raise the limit in the proxy to limits.body_bytes (nginx: `client_max_body_size 64m;`, Caddy: no \
             `request_body max_size`)",
        ),
    }
}
