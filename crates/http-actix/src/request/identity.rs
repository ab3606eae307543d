//! Who asks.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use convosync_domain::identity::VisitorIdentity;

use super::query::Query;
use crate::error::{ApiError, ErrorCode};

/// The one identity in the URL: `?anon_id=` or `?user_id=`.
///
/// This is the place where proof of the identity will be asked for.
pub(crate) struct Identity(pub(crate) VisitorIdentity);

impl FromRequest for Identity {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let identity = Query::new(request.query_string()).identity();
        ready(identity.and_then(|identity| match identity {
            Some(identity) => Ok(Self(identity)),
            None => Err(ErrorCode::VisitorNotFound.into()),
        }))
    }
}
