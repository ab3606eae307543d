//! Who did what to a visitor as a whole, in the log.

use actix_web::HttpRequest;
use convosync_application::access::AuthorizedVisitor;
use convosync_domain::identity::VisitorId;

use crate::error::ApiError;
use crate::request::RequestId;

/// What is done to a visitor as a whole.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    Erase,
    Export,
    Merge {
        /// The anonymous visitor that becomes a part of the other.
        anonymous: VisitorId,
    },
}

/// Notes who did what to a visitor, and what came of it. Visitors are told by what stores know them by, from which no
/// identity follows.
pub(crate) fn audit<T>(
    request: &HttpRequest,
    action: Action,
    visitor: &AuthorizedVisitor,
    result: &Result<T, ApiError>,
) {
    let (action, anonymous) = match action {
        Action::Erase => ("erase", None),
        Action::Export => ("export", None),
        Action::Merge { anonymous } => ("merge", Some(anonymous.as_uuid().to_string())),
    };
    let result = match result {
        Ok(_) => "done",
        Err(error) => error.code().as_str(),
    };
    tracing::info!(
        request_id = %RequestId::given(request),
        action,
        visitor = %visitor.id().as_uuid(),
        anonymous,
        api_key = visitor.api_key().map(|key| key.to_string()),
        result,
        "audit"
    );
}
