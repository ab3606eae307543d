//! `GET /`: what answers here, and where to go.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::answer::json;
use crate::json::{ObjectWriter, push_string};
use crate::state::AppState;

const DOCUMENTATION: &str = env!("CARGO_PKG_REPOSITORY");

const LINKS: [(&str, &str); 5] = [
    ("sync", "/api/sync-conversations/"),
    ("changes", "/api/sync-conversations/changes/"),
    ("visitors", "/api/visitors/"),
    ("ready", "/readyz"),
    ("version", "/version"),
];

/// `{"name": "Convosync", "version": "…", "documentation": "…", "links": {"sync": "…", …}}`
pub(crate) async fn get(state: web::Data<AppState>) -> HttpResponse {
    let mut out = Vec::with_capacity(512);
    let mut answer = ObjectWriter::new(&mut out);
    push_string(answer.key("name"), "Convosync");
    push_string(answer.key("version"), &state.version.version);
    push_string(answer.key("documentation"), DOCUMENTATION);
    let mut links = ObjectWriter::new(answer.key("links"));
    for (name, path) in LINKS {
        push_string(links.key(name), path);
    }
    links.end();
    answer.end();
    json(StatusCode::OK, out)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Ports, get};

    #[actix_web::test]
    async fn who_comes_by_is_told_where_to_go() {
        let answer = Ports::new().send(get("/")).await;
        assert_eq!(answer.status, 200);
        insta::assert_snapshot!(answer.body, @r#"{"name":"Convosync","version":"1.2.3","documentation":"https://github.com/convosync/convosync","links":{"sync":"/api/sync-conversations/","changes":"/api/sync-conversations/changes/","visitors":"/api/visitors/","ready":"/readyz","version":"/version"}}"#);
    }

    #[actix_web::test]
    async fn every_link_leads_somewhere() {
        for (_, path) in super::LINKS {
            let mut ports = Ports::new();
            ports.status.expect_check().returning(|| Ok(()));
            let answer = ports.send(get(path)).await;
            let nowhere = answer.body.contains(r#""code":"not_found""#);
            assert!(!nowhere, "{path}");
        }
    }
}
