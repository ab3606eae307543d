//! Who may: every handler that works on a visitor's data goes through [`authorize`].

use std::net::IpAddr;

use actix_web::body::MessageBody;
use actix_web::dev::{RequestHead, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest};
use convosync_application::access::{AccessError, AuthorizedVisitor, Claim, NewVisitor};
use convosync_domain::api_key::{ApiKeyId, Scope};
use convosync_domain::identity::VisitorIdentity;

use crate::error::{ApiError, ErrorCode};
use crate::request::PeerAddress;
use crate::state::AppState;

/// The API key by which a request was let in, for the log.
#[derive(Clone, Copy)]
pub(crate) struct UsedApiKey(pub(crate) ApiKeyId);

/// The mark of a request for an anonymous visitor, whose name is the proof.
struct ProvenByName;

/// The visitor of a request, once the proof is judged; an API key needs this scope.
///
/// # Errors
/// 401, 403 or 404, before anything is looked up of any visitor.
pub(crate) async fn authorize(
    state: &AppState,
    request: &HttpRequest,
    claim: &Claim,
    scope: Scope,
) -> Result<AuthorizedVisitor, ApiError> {
    begin_proof(state, request, claim)?;
    let visitor = state.services.authenticator.authenticate(claim, scope);
    let visitor = visitor.await;
    state.measures.proofs.count(claim, &visitor);
    let visitor = visitor?;
    note_api_key(request, visitor.api_key());
    if let Some(limits) = &state.rate_limits {
        limits.check_visitor(visitor.id())?;
    }
    Ok(visitor)
}

/// The visitor that a request may register.
///
/// # Errors
/// 401 or 403, before it is looked up whether the visitor is known.
pub(crate) async fn authorize_registration(
    state: &AppState,
    request: &HttpRequest,
    claim: &Claim,
) -> Result<NewVisitor, ApiError> {
    begin_proof(state, request, claim)?;
    let visitor = state.services.authenticator.authorize_registration(claim);
    let visitor = visitor.await;
    state.measures.proofs.count(claim, &visitor);
    let visitor = visitor?;
    if let NewVisitor::Named(visitor) = &visitor {
        note_api_key(request, visitor.api_key());
    }
    Ok(visitor)
}

/// Looks at no proof of an address that failed too often.
fn begin_proof(state: &AppState, request: &HttpRequest, claim: &Claim) -> Result<(), ApiError> {
    if let Some(VisitorIdentity::Anonymous(_)) = claim.identity {
        request.extensions_mut().insert(ProvenByName);
    }
    match &state.rate_limits {
        Some(limits) => limits.refuse_if_blocked(client_of(state, request.head())),
        None => Ok(()),
    }
}

/// Counts an answer that says that a proof failed.
///
/// # Errors
/// 429, to be answered instead, where the address has failed too often.
pub(crate) fn note_failed_proof(
    state: &AppState,
    response: &ServiceResponse<impl MessageBody>,
) -> Result<(), ApiError> {
    let Some(limits) = &state.rate_limits else {
        return Ok(());
    };
    let error = response.response().error();
    let code = error
        .and_then(|error| error.as_error::<ApiError>())
        .map(ApiError::code);
    let request = response.request();
    let has_failed = match code {
        Some(ErrorCode::InvalidToken | ErrorCode::InvalidApiKey | ErrorCode::OtherUser) => true,
        // Whoever names an anonymous visitor that is not there may be guessing.
        Some(ErrorCode::VisitorNotFound) => request.extensions().contains::<ProvenByName>(),
        _ => false,
    };
    match has_failed {
        true => limits.note_failed_proof(client_of(state, request.head())),
        false => Ok(()),
    }
}

/// The address that a request came from.
pub(crate) fn client_of(state: &AppState, head: &RequestHead) -> IpAddr {
    let PeerAddress(address) = state.proxies.client_of(head);
    address
}

fn note_api_key(request: &HttpRequest, api_key: Option<ApiKeyId>) {
    if let Some(key) = api_key {
        request.extensions_mut().insert(UsedApiKey(key));
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        match error {
            // Byte for byte what an unknown visitor is answered.
            AccessError::NoIdentity | AccessError::NotIssued => ErrorCode::VisitorNotFound.into(),
            AccessError::ProofMissing => {
                let challenge = HeaderValue::from_static("Bearer");
                Self::from(ErrorCode::ProofMissing).with_header(header::WWW_AUTHENTICATE, challenge)
            }
            AccessError::InvalidToken(reason) => {
                invalid_token(Self::from(ErrorCode::InvalidToken), reason)
            }
            AccessError::InvalidApiKey => invalid_token(
                Self::from(ErrorCode::InvalidApiKey),
                "the API key is not accepted",
            ),
            AccessError::OtherUser => ErrorCode::OtherUser.into(),
            AccessError::MissingScope(scope) => {
                let text = format!("API key lacks the scope {scope}");
                Self::with_text(ErrorCode::MissingScope, text)
            }
            AccessError::RegistrationForbidden => ErrorCode::RegistrationForbidden.into(),
            AccessError::KeysUnavailable => Self::from(ErrorCode::KeysUnavailable)
                .with_header(header::RETRY_AFTER, HeaderValue::from_static("1")),
            AccessError::Store(error) => error.into(),
        }
    }
}

/// Tells what is wrong with a bearer's token, as RFC 6750 has it.
fn invalid_token(error: ApiError, reason: &str) -> ApiError {
    let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{reason}\"");
    match HeaderValue::from_str(&challenge) {
        Ok(challenge) => error.with_header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => error,
    }
}
