//! `convosync man-pages`, for those who make packages.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use super::CommandLine;
use crate::failure::Failure;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The folder, which is there already
    folder: PathBuf,
}

/// Writes a manual page for the program and each of its commands.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folder = &arguments.folder;
    // The longer version has the commit, which would make every page new with every build.
    let command = CommandLine::command().version(env!("CARGO_PKG_VERSION"));
    clap_mangen::generate_to(command, folder)
        .map_err(|error| Failure::failed(format!("cannot write to {}: {error}", folder.display())))
}
