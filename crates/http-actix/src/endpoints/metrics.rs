//! `GET /metrics`: what the server measures of itself, for whoever shows the operator's token.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::access::client_of;
use crate::error::{ApiError, ErrorCode};
use crate::openapi::content::Answer;
use crate::openapi::operation::{Operation, Topic};
use crate::operations;
use crate::state::AppState;

/// Its path, which is served only where the settings say so.
pub(crate) const PATH: &str = "/metrics";

pub(crate) async fn get(
    state: web::Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let Some(metrics) = &state.metrics else {
        return Err(ErrorCode::NotFound.into());
    };
    if let Some(limits) = &state.rate_limits {
        limits.refuse_if_blocked(client_of(&state, request.head()))?;
    }
    metrics.token.check(request.headers())?;
    Ok(operations::text(metrics.measured.as_ref()))
}

pub(crate) fn describe() -> Operation {
    let answer = Answer::new(StatusCode::OK, "Every metric, in Prometheus' text format.");
    Operation::new(
        "getMetrics",
        Topic::Server,
        "What the server measures of itself",
    )
    .description("Only where `metrics.token` is set and `metrics.listen` is not; else there is nothing here.")
    .of_operator()
    .answer(answer.of_type("text/plain", None))
    .errors([
        ErrorCode::InvalidToken,
        ErrorCode::NotFound,
        ErrorCode::ProofMissing,
    ])
}
