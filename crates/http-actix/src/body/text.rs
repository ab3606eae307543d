//! A body as a text.

use serde_json::value::RawValue;

use convosync_application::byte_budget::Reservation;

use crate::json::{Refusal, Violation};
use crate::settings::Limits;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The text of a body, with what its reading depends on. Messages of a post share it.
#[derive(Debug)]
pub(crate) struct Body {
    text: String,
    limits: Limits,
    digest_seed: u64,
    /// Held until the text is dropped: that gives its bytes back to the budget.
    _reservation: Option<Reservation>,
}

impl Body {
    /// Takes the bytes of a body as its text.
    pub(crate) fn new(bytes: Vec<u8>, limits: Limits, digest_seed: u64) -> Result<Self, Refusal> {
        if is_utf_16(&bytes) {
            return Err(refusal("not UTF-8"));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            refusal(format!("not UTF-8 at byte {valid}"))
        })?;
        let body = Self {
            text,
            limits,
            digest_seed,
            _reservation: None,
        };
        if body.text().trim_ascii().is_empty() {
            return Err(refusal("empty"));
        }
        Ok(body)
    }

    /// With what the text takes of the bytes in flight.
    pub(super) fn holding(self, reservation: Reservation) -> Self {
        Self {
            _reservation: Some(reservation),
            ..self
        }
    }

    /// The text without a byte order mark, which RFC 8259 lets a reader ignore.
    pub(crate) fn text(&self) -> &str {
        self.text
            .strip_prefix(BYTE_ORDER_MARK)
            .unwrap_or(&self.text)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn digest_seed(&self) -> u64 {
        self.digest_seed
    }
}

/// Whether the bytes are UTF-16: by its byte order mark or because one of the first two characters,
/// which JSON has in ASCII, comes with a zero.
fn is_utf_16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || bytes.iter().take(2).any(|byte| *byte == 0)
}

/// The refusal of the whole body.
pub(super) fn refusal(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::Invalid(vec![Violation::of_body(message)])
}

/// Whether the text is an object, or nothing.
pub(crate) fn begins_object(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{')
}

/// Whether the whole text is JSON by its grammar, however deep and whatever is in its strings.
pub(crate) fn check_json(text: &str) -> serde_json::Result<()> {
    serde_json::from_str::<&RawValue>(text).map(|_| ())
}

/// The refusal of a text that is no JSON. The parser tells what it expected and where, and nothing
/// of what it found.
pub(crate) fn not_json(error: &serde_json::Error) -> Refusal {
    let said = error.to_string();
    refusal(if said.starts_with("trailing characters") {
        said
    } else {
        format!("not JSON: {said}")
    })
}
