//! What a URL's query says.

use actix_web::http::header::HeaderName;
use convosync_domain::identity::VisitorIdentity;
use percent_encoding::percent_decode_str;

use crate::error::{ApiError, ErrorCode};

/// The header by which a client goes on with a stream of events.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const ANON_ID: &str = "anon_id";
const USER_ID: &str = "user_id";

/// The parameters of a query, as sent.
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Who asks; `None` where the query does not say.
    pub(crate) fn identity(&self) -> Result<Option<VisitorIdentity>, ApiError> {
        let anon_id = self.parameter(ANON_ID)?;
        let user_id = self.parameter(USER_ID)?;
        let (name, identity) = match (anon_id, user_id) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(ErrorCode::ConflictingIdentity.into()),
            (Some(text), None) => (ANON_ID, text.decode().map(VisitorIdentity::anonymous)),
            (None, Some(text)) => (USER_ID, text.decode().map(VisitorIdentity::registered)),
        };
        match identity {
            Some(Ok(identity)) => Ok(Some(identity)),
            _ => {
                let text = format!("Invalid {name}");
                Err(ApiError::with_text(ErrorCode::InvalidIdentity, text))
            }
        }
    }

    /// The parameter of this name, which may stand once at most.
    pub(crate) fn parameter(&self, name: &str) -> Result<Option<Encoded<'a>>, ApiError> {
        let mut found = self.0.split('&').filter_map(|parameter| {
            let (sent, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (Encoded(sent).decode()? == name).then_some(Encoded(value))
        });
        let first = found.next();
        if found.next().is_some() {
            let text = format!("{name} given twice");
            return Err(ApiError::with_text(ErrorCode::RepeatedParameter, text));
        }
        Ok(first)
    }
}

/// A text as a form encodes it: `+` is a space, `%` and two digits are a byte of UTF-8.
pub(crate) struct Encoded<'a>(&'a str);

impl Encoded<'_> {
    /// The text itself; `None` where the encoding or the UTF-8 is broken.
    pub(crate) fn decode(&self) -> Option<String> {
        percent_decoded(&self.0.replace('+', " "))
    }
}

/// A text of which `%` and two digits are a byte of UTF-8; `None` where the encoding or the UTF-8 is broken.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut after_percents = text.split('%').skip(1);
    let is_sound =
        after_percents.all(|rest| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2);
    if !is_sound {
        return None;
    }
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(query: &str) -> String {
        match Query::new(query).identity() {
            Ok(Some(VisitorIdentity::Anonymous(text))) => format!("anon {text}"),
            Ok(Some(VisitorIdentity::Registered(text))) => format!("user {text}"),
            Ok(None) => "nobody".into(),
            Err(error) => format!("! {error}"),
        }
    }

    #[test]
    fn one_identity() {
        let longest = "ä".repeat(255);
        for (query, expected) in [
            ("", "nobody"),
            ("since=x&Anon_id=y&anonid=z", "nobody"),
            ("anon_id=a", "anon a"),
            ("user_id=u%40x.org&limit=1&limit=2&x=%zz", "user u@x.org"),
            ("&user_id=a+b%2Bc&", "user a b+c"),
            ("user_id=a=b", "user a=b"),
            ("%61non_id=a", "anon a"),
            ("user_id=%C3%A9", "user é"),
            (&format!("anon_id={longest}"), &format!("anon {longest}")),
        ] {
            assert_eq!(identity(query), expected, "{query}");
        }
    }

    #[test]
    fn what_is_no_identity() {
        let too_long = format!("anon_id={}", "a".repeat(256));
        for (query, expected) in [
            ("anon_id=a&user_id=b", "! Give anon_id or user_id, not both"),
            ("anon_id=&user_id=", "! Give anon_id or user_id, not both"),
            ("anon_id=a&anon_id=a", "! anon_id given twice"),
            ("user_id=a&x=1&user%5Fid=b", "! user_id given twice"),
            ("user_id=a&anon_id=b&anon_id=c", "! anon_id given twice"),
            ("anon_id", "! Invalid anon_id"),
            ("anon_id=", "! Invalid anon_id"),
            ("user_id=", "! Invalid user_id"),
            (&too_long, "! Invalid anon_id"),
            ("anon_id=%00", "! Invalid anon_id"),
            ("user_id=a%0d%0ab", "! Invalid user_id"),
            ("anon_id=%C2%85", "! Invalid anon_id"),
            ("anon_id=%", "! Invalid anon_id"),
            ("anon_id=%4", "! Invalid anon_id"),
            ("anon_id=%4g", "! Invalid anon_id"),
            ("anon_id=a%%41", "! Invalid anon_id"),
            ("anon_id=%é1", "! Invalid anon_id"),
            ("anon_id=%ff", "! Invalid anon_id"),
            ("anon_id=%ed%a0%80", "! Invalid anon_id"),
        ] {
            assert_eq!(identity(query), expected, "{query}");
        }
    }
}
