//! What is wrong with a body, and where.

use std::borrow::Cow;
use std::fmt;

use convosync_domain::json::JsonError;

/// The most characters of a key that a path shows.
const SHOWN_KEY_CHARACTERS: usize = 64;

/// The path of the body as such.
const BODY: &str = "body";

/// One bad place of a body. It never holds a value that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Where the place begins, in bytes from the start of the text.
    pub(crate) at: usize,
    path: String,
    message: Cow<'static, str>,
}

impl Violation {
    pub(crate) fn new(at: usize, path: &JsonPath<'_>, problem: Problem) -> Self {
        let path = format!("{path}{}", problem.inner_path);
        Self {
            at,
            path: if path.is_empty() { BODY.into() } else { path },
            message: problem.message,
        }
    }

    /// A violation of the body as such.
    pub(crate) fn of_body(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            at: 0,
            path: BODY.into(),
            message: message.into(),
        }
    }

    /// The place, like `conversations[3].messages[0].timestamp`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

/// Why a body is refused as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is wrong at these places, in the order of the document.
    Invalid(Vec<Violation>),
    /// It holds more than this many of these.
    TooMany(usize, &'static str),
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where inside the value, like `.tags[2]`; mostly empty.
    inner_path: String,
    pub(crate) message: Cow<'static, str>,
}

#[cfg(test)]
impl Problem {
    pub(crate) fn inner_path(&self) -> &str {
        &self.inner_path
    }
}

impl From<&'static str> for Problem {
    fn from(message: &'static str) -> Self {
        Self {
            inner_path: String::new(),
            message: Cow::Borrowed(message),
        }
    }
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self {
            inner_path: String::new(),
            message: Cow::Owned(message),
        }
    }
}

impl From<JsonError> for Problem {
    fn from(violation: JsonError) -> Self {
        Self {
            message: Cow::Owned(violation.to_string()),
            inner_path: violation.path,
        }
    }
}

/// Where something stands in a document, as a list that grows on the stack: only a violation makes a
/// text of it.
#[derive(Clone, Copy)]
pub(crate) enum JsonPath<'a> {
    Document,
    Key(&'a JsonPath<'a>, &'a str),
    Index(&'a JsonPath<'a>, usize),
}

impl<'a> JsonPath<'a> {
    pub(crate) fn key(&'a self, key: &'a str) -> Self {
        Self::Key(self, key)
    }

    pub(crate) fn index(&'a self, index: usize) -> Self {
        Self::Index(self, index)
    }
}

/// Keys are cut, and a control character is shown as its escape: a path may end on a terminal.
impl fmt::Display for JsonPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document => Ok(()),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Key(parent, key) => {
                write!(f, "{parent}")?;
                if !matches!(parent, Self::Document) && !key.is_empty() {
                    f.write_str(".")?;
                }
                for character in key.chars().take(SHOWN_KEY_CHARACTERS) {
                    if character.is_control() {
                        write!(f, "{}", character.escape_default())?;
                    } else {
                        write!(f, "{character}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// A number with its thousands apart, like 10,000.
pub(crate) struct Grouped(pub(crate) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 1_000, self.0 % 1_000) {
            (0, rest) => write!(f, "{rest}"),
            (thousands, rest) => write!(f, "{},{rest:03}", Self(thousands)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_like_an_expression() {
        let conversations = JsonPath::Document.key("conversations");
        let conversation = conversations.index(3);
        let messages = conversation.key("messages");
        let message = messages.index(0);
        assert_eq!(
            message.key("timestamp").to_string(),
            "conversations[3].messages[0].timestamp"
        );
        assert_eq!(message.key("").to_string(), message.to_string());
    }

    #[test]
    fn a_key_is_cut_and_its_controls_are_escaped() {
        let long = "ä".repeat(65);
        assert_eq!(JsonPath::Document.key(&long).to_string(), "ä".repeat(64));
        assert_eq!(
            JsonPath::Document.key("a\u{1b}[31m\n\u{85}").to_string(),
            "a\\u{1b}[31m\\n\\u{85}"
        );
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1_024, "1,024"),
            (8_388_608, "8,388,608"),
        ] {
            assert_eq!(Grouped(number).to_string(), shown);
        }
    }
}
