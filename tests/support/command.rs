//! The binary as a command that ends.

use std::path::Path;
use std::process::{Command, Stdio};

/// What a command has printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit code.
    pub(crate) code: Option<i32>,
    /// What it printed for its caller.
    pub(crate) stdout: String,
    /// What it printed for people.
    pub(crate) stderr: String,
}

/// The binary, to be run in this folder, with no setting from the environment of the tests.
pub(crate) fn convosync(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convosync"));
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CONVOSYNC_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the binary in this folder with these arguments.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Finished {
    Finished::of(convosync(folder).args(arguments))
}

impl Finished {
    /// Runs the command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the binary starts");
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// The one line that it complained with before it ended with this exit code.
    pub(crate) fn complaint(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        let line = self
            .stderr
            .strip_prefix("convosync: ")
            .expect("a complaint");
        let line = line.strip_suffix('\n').expect("a line");
        assert!(!line.contains('\n'), "one line: {line}");
        line
    }
}
