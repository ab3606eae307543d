//! `convosync doctor`: looks at everything that may be set up wrongly, and changes nothing.
//!
//! Each check is a function from what it needs to [`Finding`]s. Without `--url` they are about this machine: the
//! settings, the store (which its [`Backend`](crate::backend::Backend) examines), the clock, certificates, keys and
//! limits. With it they are about a running server, as its clients reach it.

mod certificate;
mod clock;
mod config;
mod limits;
mod port;
mod report;
mod static_folder;
mod tls;
mod tokens;
mod url;

use clap::Args;

use crate::backend::ChooseBackend;
use crate::failure::Failure;
use crate::finding::Finding;
use crate::settings::Configuration;
use crate::system_clock::SystemClock;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Look at the server at this URL as its clients reach it, through proxies, and not at this machine
    #[arg(long)]
    url: Option<String>,
    #[command(flatten)]
    asking: url::Asking,
    /// Look through the whole of the store for damage, which takes as long as reading it
    #[arg(long, conflicts_with = "url")]
    thorough: bool,
    /// Print an array of {check, status, found, advice}
    #[arg(long)]
    json: bool,
}

/// Prints what is found, and fails where something has failed.
pub(super) fn run(
    arguments: &Arguments,
    configuration: &Configuration,
    choose_backend: ChooseBackend,
) -> Result<(), Failure> {
    let findings = match &arguments.url {
        Some(url) => url::findings(url, &arguments.asking, &clock()?)?,
        None => on_this_machine(arguments, configuration, choose_backend)?,
    };
    report::report(&findings, arguments.json)
}

fn on_this_machine(
    arguments: &Arguments,
    configuration: &Configuration,
    choose_backend: ChooseBackend,
) -> Result<Vec<Finding>, Failure> {
    let clock = clock()?;
    let backend = choose_backend(configuration)?;
    let mut findings = config::findings(configuration, backend.path().is_some());
    findings.extend(port::findings(configuration));
    findings.extend(backend.examine(&clock, arguments.thorough));
    findings.extend(clock::findings(&clock));
    findings.extend(tls::findings(configuration, &clock));
    findings.extend(tokens::findings(configuration));
    findings.extend(static_folder::finding(configuration, &*backend));
    findings.extend(limits::findings(&configuration.settings));
    Ok(findings)
}

fn clock() -> Result<SystemClock, Failure> {
    SystemClock::new().map_err(|error| Failure::caused_by(&error))
}
