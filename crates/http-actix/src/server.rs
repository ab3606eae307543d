//! The server: use cases, settings and a listener put together.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{HttpServer, rt, web};

use crate::connection;
use crate::https;
use crate::routes::app;
use crate::settings::HttpSettings;
use crate::state::{AppState, Services};

/// How long a client may take to send the head of a request.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves requests that come in at the listener. The caller awaits the server and stops it through
/// its handle, after [`Drain::close`](crate::Drain::close): signals are not listened to.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(
    listener: TcpListener,
    services: Services,
    settings: HttpSettings,
) -> io::Result<Server> {
    let workers = settings.workers.max(1);
    let shutdown_timeout_seconds = settings.shutdown_timeout_seconds;
    let tls = settings.tls.clone();
    let drain = services.drain.clone();
    let state = web::Data::new(AppState::new(services, settings));
    if let Some(tls) = tls {
        return https::serve(listener, &tls, state, workers, shutdown_timeout_seconds);
    }
    let server = HttpServer::new(move || app(state.clone()))
        .workers(workers)
        .client_request_timeout(HEAD_TIMEOUT)
        .on_connect(move |stream, data| {
            if let Some(socket) = stream.downcast_ref::<rt::net::TcpStream>() {
                connection::watch(socket, false, data, &drain);
            }
        })
        .shutdown_timeout(shutdown_timeout_seconds)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(server)
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::net::TcpStream;
    use std::time::Duration;

    use crate::testing::Ports;
    use crate::testing::served::{body_of, exchange, start};

    /// Whether a request gets so much as a byte. That a connection is made tells nothing: a test beside this one that
    /// starts a program may hold a closed listener open for a moment.
    fn answers(address: &str, request: &str) -> bool {
        let Ok(mut stream) = TcpStream::connect(address) else {
            return false;
        };
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let sent = stream.write_all(request.as_bytes());
        let read = sent.and_then(|()| stream.read(&mut [0]));
        assert!(
            !matches!(&read, Err(error) if error.kind() == ErrorKind::WouldBlock),
            "it still listens"
        );
        read.is_ok_and(|bytes| bytes > 0)
    }

    #[actix_web::test]
    async fn serves_until_it_is_stopped() {
        let mut ports = Ports::new();
        ports.status.expect_check().returning(|| Ok(()));
        let drain = ports.drain.clone();
        let (address, handle) = start(ports);
        let ready = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

        let answer = exchange(&address, ready).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(body_of(&answer), r#"{"status":"ready"}"#);

        let head = ready.replace("GET", "HEAD");
        let answer = exchange(&address, head).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("content-length: 18\r\n"), "{answer}");
        assert_eq!(body_of(&answer), "");

        drain.begin();
        let answer = exchange(&address, ready).await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");

        handle.stop(true).await;
        assert!(!answers(&address, ready));
    }

    #[actix_web::test]
    async fn a_panic_is_answered_and_the_server_lives() {
        let mut ports = Ports::new();
        ports
            .list
            .expect_living_ids()
            .returning(|_| panic!("marker"));
        let (address, handle) = start(ports);
        for _ in 0..2 {
            let request = "GET /api/sync-conversations/?anon_id=a HTTP/1.1\r\nHost: x\r\nX-Request-Id: r\r\nConnection: close\r\n\r\n";
            let answer = exchange(&address, request).await;
            assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
            assert_eq!(
                body_of(&answer),
                r#"{"error":"Internal error","code":"internal_error","request_id":"r"}"#
            );
        }
        handle.stop(false).await;
    }

    #[actix_web::test]
    async fn a_body_that_does_not_arrive_whole_is_answered_and_the_connection_closed() {
        let mut ports = Ports::with_known_visitor();
        ports.limits.body_bytes = 100;
        ports.limits.body_seconds = 1;
        let (address, handle) = start(ports);
        let chunked = "Transfer-Encoding: chunked\r\n\r\n";
        let too_long = format!("{chunked}65\r\n{}\r\n", " ".repeat(0x65));
        let exchanges = [
            ("413", "Content-Length: 101\r\n\r\n".to_owned()),
            ("413", too_long),
            ("408", "Content-Length: 50\r\n\r\n{".to_owned()),
            ("408", format!("{chunked}1\r\n{{\r\n")),
            (
                "415",
                format!("Content-Encoding: br\r\n{chunked}1\r\n{{\r\n"),
            ),
        ]
        .map(|(status, rest)| {
            let address = address.clone();
            let exchanged = actix_web::rt::spawn(async move {
                let request = format!(
                    "POST /api/sync-conversations/?anon_id=a HTTP/1.1\r\nHost: x\r\n\
                     Content-Type: application/json\r\n{rest}"
                );
                exchange(&address, request).await
            });
            (status, exchanged)
        });
        for (status, exchanged) in exchanges {
            let answer = exchanged.await.unwrap();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{answer}"
            );
            assert!(body_of(&answer).starts_with("{\"error\":"), "{answer}");
        }
        handle.stop(false).await;
    }
}
