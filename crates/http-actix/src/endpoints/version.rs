//! `GET /version`: which Convosync this is.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::answer::json;
use crate::json::{ObjectWriter, push_string};
use crate::settings::Version;
use crate::state::AppState;

pub(crate) async fn get(state: web::Data<AppState>) -> HttpResponse {
    json(StatusCode::OK, body(&state.version))
}

/// `{"version": "…", "commit": "…", "schema": "…"}`
fn body(version: &Version) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    let mut answer = ObjectWriter::new(&mut out);
    push_string(answer.key("version"), &version.version);
    push_string(answer.key("commit"), &version.commit);
    push_string(answer.key("schema"), &version.schema);
    answer.end();
    out
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
