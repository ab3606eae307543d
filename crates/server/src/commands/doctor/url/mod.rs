//! A running server as its clients reach it, through whatever proxies there are.
//!
//! - `client` asks,
//! - `connection`: name, port, TLS, and what plain HTTP leads to,
//! - `routes`: what needs nobody's proof: answers, slashes, bodies, headers,
//! - `cors`: what a browser would let pages of an origin do,
//! - `visitor`: what needs a visitor: gzip, streams, waiting.

mod client;
mod connection;
mod cors;
mod routes;
mod visitor;

use clap::Args;
use convosync_domain::ports::Clock;

use crate::failure::Failure;
use crate::finding::{Finding, Status};
use client::{Client, Target};
use visitor::Visitor;

/// Who asks the server at a URL.
#[derive(Args, Debug, Default)]
pub(in crate::commands) struct Asking {
    /// With --url: the origin of pages that are to use the server, such as `https://app.example`
    #[arg(long, requires = "url")]
    origin: Option<String>,
    /// With --url: a visitor to look at streams with; a value @FILE is read from the file
    #[arg(long, requires = "url", conflicts_with = "user_id", value_name = "ID")]
    anon_id: Option<String>,
    /// With --url: a user to look at streams with
    #[arg(long, requires = "url", value_name = "ID")]
    user_id: Option<String>,
    /// With --user-id: what proves who that is; a value @FILE is read from the file
    #[arg(long, requires = "user_id")]
    token: Option<String>,
}

/// Looks at the server at this URL.
pub(super) fn findings(
    url: &str,
    asking: &Asking,
    clock: &dyn Clock,
) -> Result<Vec<Finding>, Failure> {
    let target = Target::parse(url)?;
    let visitor = Visitor::of(asking)?;
    let mut findings = connection::findings(&target, clock);
    if findings
        .iter()
        .any(|finding| finding.status == Status::Failed)
    {
        return Ok(findings);
    }
    let client = Client::of(target);
    let served = routes::served(&client);
    let is_served = served
        .iter()
        .all(|finding| finding.status != Status::Failed);
    findings.extend(served);
    if !is_served {
        return Ok(findings);
    }
    findings.extend(routes::findings(&client, clock));
    findings.extend(cors::findings(&client, asking.origin.as_deref()));
    findings.extend(visitor::findings(&client, visitor.as_ref()));
    Ok(findings)
}
