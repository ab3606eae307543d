//! Who asks, and what shows it.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use convosync_application::access::{Claim, Proof};
use convosync_domain::identity::VisitorIdentity;

use super::query::Query;
use crate::error::{ApiError, ErrorCode};

const ANONYMOUS: &str = "Anon";
const BEARER: &str = "Bearer";

/// The visitor that the URL or `Authorization: Anon` names, and the proof in `Authorization: Bearer`.
///
/// # Errors
/// 400 where the identity is none, or more than one is named.
pub(crate) fn claim_of(request: &HttpRequest) -> Result<Claim, ApiError> {
    let named = Query::new(request.query_string()).identity()?;
    let (in_header, proof) = match authorization(request.headers())? {
        Authorization::Anonymous(identity) => (Some(identity), Proof::None),
        Authorization::Proof(proof) => (None, proof),
    };
    let identity = match (named, in_header) {
        (Some(named), Some(in_header)) if named != in_header => {
            return Err(ErrorCode::ConflictingIdentity.into());
        }
        (named, in_header) => named.or(in_header),
    };
    Ok(Claim { identity, proof })
}

/// The proof that a request brings for the visitor that its body names.
///
/// # Errors
/// 400 where the header names a visitor that cannot be.
pub(crate) fn proof_of(headers: &HeaderMap) -> Result<Proof, ApiError> {
    Ok(match authorization(headers)? {
        Authorization::Anonymous(_) => Proof::None,
        Authorization::Proof(proof) => proof,
    })
}

enum Authorization {
    Anonymous(VisitorIdentity),
    Proof(Proof),
}

/// What `Authorization` says. A scheme that is not ours may be meant for a proxy, and is as not sent.
fn authorization(headers: &HeaderMap) -> Result<Authorization, ApiError> {
    let mut sent = headers.get_all(header::AUTHORIZATION);
    let Some(first) = sent.next() else {
        return Ok(Authorization::Proof(Proof::None));
    };
    if sent.next().is_some() {
        let problem = "Authorization stands more than once";
        return Ok(Authorization::Proof(Proof::Malformed(problem)));
    }
    let Ok(text) = first.to_str() else {
        let problem = "Authorization has a character that is not ASCII";
        return Ok(Authorization::Proof(Proof::Malformed(problem)));
    };
    let (scheme, credentials) = text.split_once(' ').unwrap_or((text, ""));
    if scheme.eq_ignore_ascii_case(ANONYMOUS) {
        let identity = VisitorIdentity::anonymous(credentials);
        let identity = identity.or(Err(ApiError::with_text(
            ErrorCode::InvalidIdentity,
            "Invalid anon_id",
        )))?;
        return Ok(Authorization::Anonymous(identity));
    }
    Ok(Authorization::Proof(
        match scheme.eq_ignore_ascii_case(BEARER) {
            true => Proof::Bearer(credentials.to_owned()),
            false => Proof::None,
        },
    ))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    /// What a request with this query and these headers claims.
    fn claimed(query: &str, sent: &[&str]) -> String {
        let mut request = TestRequest::with_uri(&format!("/?{query}"));
        for value in sent {
            request = request.append_header(("Authorization", *value));
        }
        let claim = match claim_of(&request.to_http_request()) {
            Ok(claim) => claim,
            Err(error) => return format!("! {error}"),
        };
        let identity = match claim.identity {
            Some(VisitorIdentity::Anonymous(text)) => format!("anon {text}"),
            Some(VisitorIdentity::Registered(text)) => format!("user {text}"),
            None => "nobody".to_owned(),
        };
        match claim.proof {
            Proof::None => identity,
            Proof::Bearer(token) => format!("{identity} by {token}"),
            Proof::Malformed(problem) => format!("{identity}: {problem}"),
        }
    }

    #[test]
    fn the_url_or_the_header_names_the_visitor() {
        for (query, sent, expected) in [
            ("", &[][..], "nobody"),
            ("anon_id=a", &[], "anon a"),
            ("", &["Anon a"], "anon a"),
            ("", &["aNoN a b"], "anon a b"),
            ("anon_id=a", &["Anon a"], "anon a"),
            ("user_id=u", &["Bearer x.y.z"], "user u by x.y.z"),
            ("user_id=u", &["bearer  x"], "user u by  x"),
            ("user_id=u", &["Bearer"], "user u by "),
            ("user_id=u", &["Basic dTpw"], "user u"),
            ("user_id=u", &["x.y.z"], "user u"),
            ("anon_id=a", &["Bearer x"], "anon a by x"),
        ] {
            assert_eq!(claimed(query, sent), expected, "{query} {sent:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_claim() {
        let both = "! Give anon_id or user_id, not both";
        let twice = "user u: Authorization stands more than once";
        for (query, sent, expected) in [
            ("anon_id=a", &["Anon b"][..], both),
            ("user_id=a", &["Anon a"], both),
            ("", &["Anon"], "! Invalid anon_id"),
            ("", &["Anon "], "! Invalid anon_id"),
            ("user_id=u", &["Bearer x", "Bearer x"], twice),
            ("user_id=u", &["Bearer x", "Anon a"], twice),
            (
                "user_id=u",
                &["Bearer \u{e4}"],
                "user u: Authorization has a character that is not ASCII",
            ),
        ] {
            assert_eq!(claimed(query, sent), expected, "{query} {sent:?}");
        }
    }
}
