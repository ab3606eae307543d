//! `convosync completions`

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::CommandLine;
use crate::failure::Failure;
use crate::output::print;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script that completes commands and options.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut command = CommandLine::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, name, &mut script);
    print(&String::from_utf8_lossy(&script))
}
