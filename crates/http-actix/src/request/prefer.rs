//! What a client would prefer: `Prefer` (RFC 7240).

use actix_web::http::header::{HeaderMap, HeaderName};

/// Tells what a client would prefer.
pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Tells which preference was followed.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What a client wants done about a body that is not quite in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handling {
    /// Refuse it.
    Strict,
    /// Make the best of it.
    Lenient,
}

impl Handling {
    /// The preference, as an answer tells that it was followed.
    pub(crate) fn as_applied(self) -> &'static str {
        match self {
            Self::Strict => "handling=strict",
            Self::Lenient => "handling=lenient",
        }
    }
}

/// The preference `handling`. Where it is given more than once the first one counts, and what is
/// not understood is as not sent.
pub(crate) fn handling(headers: &HeaderMap) -> Option<Handling> {
    let value = headers
        .get_all(PREFER)
        .flat_map(|header| split(header.as_bytes(), b','))
        .find_map(value_of_handling)?;
    if value.eq_ignore_ascii_case(b"strict") {
        Some(Handling::Strict)
    } else if value.eq_ignore_ascii_case(b"lenient") {
        Some(Handling::Lenient)
    } else {
        None
    }
}

/// The value of a preference that is `handling`, its parameters aside.
fn value_of_handling(preference: &[u8]) -> Option<Vec<u8>> {
    let named = split(preference, b';').next()?;
    let mut parts = named.splitn(2, |byte| *byte == b'=');
    let name = parts.next()?.trim_ascii();
    let value = parts.next().unwrap_or_default().trim_ascii();
    name.eq_ignore_ascii_case(b"handling")
        .then(|| unquoted(value))
}

/// The parts between separators, those in quoted strings aside.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    text.split(move |byte| {
        let is_separator = !is_quoted && *byte == separator;
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ => {}
        }
        is_separator
    })
}

/// What a token or a quoted string stands for.
fn unquoted(word: &[u8]) -> Vec<u8> {
    let quoted = word
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    let Some(quoted) = quoted else {
        return word.to_vec();
    };
    let mut text = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    while let Some(byte) = bytes.next() {
        text.extend(if *byte == b'\\' {
            bytes.next()
        } else {
            Some(byte)
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn of(sent: &[&str]) -> Option<Handling> {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(PREFER, HeaderValue::from_str(value).unwrap());
        }
        handling(&headers)
    }

    #[test]
    fn a_preference_is_found_in_every_form() {
        for strict in [
            "handling=strict",
            "Handling=STRICT",
            " handling = strict ",
            "handling\t=\tstrict",
            "handling=\"strict\"",
            r#"handling="st\rict""#,
            "handling=strict; a=\"b;c\"; d",
            "handling=strict;",
            "respond-async, wait=10, handling=strict",
            ",, handling=strict ,",
            r#"a="x, handling=lenient", handling=strict"#,
            r#"a="\", handling=lenient"; b, handling=strict"#,
            "return; handling=lenient, handling=strict",
            "handlings=lenient, handling=strict",
        ] {
            assert_eq!(of(&[strict]), Some(Handling::Strict), "{strict}");
        }
        assert_eq!(of(&["handling=Lenient"]), Some(Handling::Lenient));
    }

    #[test]
    fn the_first_one_counts() {
        for (sent, expected) in [
            (
                &["handling=strict, handling=lenient"][..],
                Some(Handling::Strict),
            ),
            (
                &["handling=lenient", "handling=strict"],
                Some(Handling::Lenient),
            ),
            (&["wait=1", "HANDLING=strict"], Some(Handling::Strict)),
            (&["handling", "handling=strict"], None),
            (&["handling=x", "handling=strict"], None),
        ] {
            assert_eq!(of(sent), expected, "{sent:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_as_not_sent() {
        assert_eq!(of(&[]), None);
        for sent in [
            "",
            "strict",
            "handling",
            "handling=",
            "handling=\"\"",
            "handling=strictly",
            "handling=\"strict",
            "handling==strict",
            "handling strict",
            "x; handling=strict",
            "x=\"y, handling=strict",
            "\"handling\"=strict",
        ] {
            assert_eq!(of(&[sent]), None, "{sent}");
        }
    }
}
