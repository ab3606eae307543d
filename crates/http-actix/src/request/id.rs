//! The name of a request, for the log and for whoever reports a problem.

use std::fmt;
use std::rc::Rc;

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderMap, HeaderName};
use uuid::Uuid;

/// The header that names a request, both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const LENGTH_MAX: usize = 128;

/// The name of a request: the client's own where it is sound, else a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Rc<str>);

impl RequestId {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let sent = headers
            .get(REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|id| is_sound(id));
        match sent {
            Some(id) => Self(id.into()),
            None => Self(Uuid::now_v7().to_string().into()),
        }
    }

    /// The name that a layer further out has given.
    pub(crate) fn given(request: &impl HttpMessage) -> Self {
        let given = request.extensions().get().cloned();
        given.unwrap_or_else(|| Self::of(request.headers()))
    }

    /// Keeps the name with the request, for the layers further in.
    pub(crate) fn give(&self, request: &ServiceRequest) {
        request.extensions_mut().insert(self.clone());
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_sound(id: &str) -> bool {
    (1..=LENGTH_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn of(sent: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_str(sent).unwrap());
        RequestId::of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_sound_one_is_taken() {
        let longest = "a".repeat(128);
        for sent in ["A", "0-9._Za", &longest] {
            assert_eq!(of(sent), sent);
        }
    }

    #[test]
    fn any_other_is_replaced() {
        let too_long = "a".repeat(129);
        for sent in ["", "a b", "a/b", "ä", "a\tb", &too_long] {
            let given = of(sent);
            assert_ne!(given, sent);
            assert_eq!(Uuid::parse_str(&given).unwrap().get_version_num(), 7);
        }
    }
}
