//! Why a command did not do what it was asked, and the exit code that says so.

use std::error::Error;
use std::fmt;

/// A command that failed: one line for whoever started it, and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// The command was asked in a way, or with a setting, that cannot be (exit code 2).
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 2,
        }
    }

    /// The command could not do its work (exit code 1).
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }

    /// The command could not do its work because of this error and its causes (exit code 1).
    pub(crate) fn caused_by(error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some errors repeat their cause.
            if !message.ends_with(&text) {
                message = format!("{message}: {text}");
            }
            cause = error.source();
        }
        Self::failed(message)
    }

    /// 1 or 2.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    /// One line, whatever is quoted in the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self
            .message
            .replace(|character: char| character.is_control(), " ");
        f.write_str(line.trim_end())
    }
}

impl Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_failure_is_one_line() {
        let failure = Failure::usage("one\ntwo\u{1b}[31m three\n");
        assert_eq!(failure.to_string(), "one two [31m three");
        assert_eq!(failure.code(), 2);
    }

    #[test]
    fn the_causes_of_an_error_are_told() {
        let failure = Failure::caused_by(&Outer(io::Error::other("inner")));
        assert_eq!(failure.to_string(), "outer: inner");
        assert_eq!(failure.code(), 1);
    }
}
