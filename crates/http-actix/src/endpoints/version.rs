//! `GET /version`: which Convosync this is.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::answer::json;
use crate::json::push;
use crate::state::AppState;

/// `{"version": "…", "commit": "…", "schema": "…"}`
pub(crate) async fn get(state: web::Data<AppState>) -> HttpResponse {
    let mut body = Vec::with_capacity(128);
    push(&mut body, &state.version);
    json(StatusCode::OK, body)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Ports, get};

    #[actix_web::test]
    async fn the_version() {
        let answer = Ports::new().send(get("/version")).await;
        assert_eq!(answer.status, 200);
        insta::assert_snapshot!(answer.body, @r#"{"version":"1.2.3","commit":"abc","schema":"4"}"#);
    }
}
