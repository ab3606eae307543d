//! `GET /version`: which Convosync this is.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::json;
use crate::state::AppState;
use crate::wire::write_version;

pub(crate) async fn get(state: web::Data<AppState>) -> HttpResponse {
    json(StatusCode::OK, write_version(&state.version))
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
