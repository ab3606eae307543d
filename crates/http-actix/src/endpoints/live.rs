//! `GET /livez`: whether the process answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::answer::json;

pub(crate) async fn get() -> HttpResponse {
    json(StatusCode::OK, r#"{"status":"alive"}"#)
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::TestRequest;

    use crate::testing::{Ports, get};

    #[actix_web::test]
    async fn a_process_answers() {
        for url in ["/livez", "/livez/"] {
            let answer = Ports::new().send(get(url)).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.body, r#"{"status":"alive"}"#);
        }
        let head = TestRequest::with_uri("/livez").method(Method::HEAD);
        assert_eq!(Ports::new().send(head).await.status, 200);
    }
}
