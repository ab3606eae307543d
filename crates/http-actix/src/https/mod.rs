//! The server over TLS, with HTTP/2 and HTTP/1.1.
//!
//! actix-web would listen for TLS by itself, but lets a client send heads of HTTP/2 by the megabyte, which take many
//! times that in memory, and of more headers than its header map can hold, which is a panic. So the
//! services of actix are put together here around a [`stream`] that measures heads.

mod heads;
mod stream;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, Protocol};
use actix_server::Server;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, map_config};
use actix_tls::accept::rustls_0_23::reexports::ServerConfig;
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use actix_tls::accept::{TlsError, max_concurrent_tls_connect};
use actix_web::dev::{AppConfig, Extensions};
use actix_web::{rt, web};

use crate::connection;
use crate::routes::app;
use crate::server::HEAD_TIMEOUT;
use crate::state::AppState;
use stream::MeasuredStream;

/// How long a client may take for its part of a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How many handshakes each worker has under way before no more connections are accepted. It is large, as
/// clients that begin one and do no more keep out everybody else until their time is up.
const HANDSHAKES: usize = 4_096;
/// How long a client may take to close a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The protocols that clients choose from, the best one first.
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];
const HTTP_2: &[u8] = b"h2";

/// Marks connections over TLS, among their data.
pub(crate) struct OverTls;

/// Serves requests that come in at the listener.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) fn serve(
    listener: TcpListener,
    tls: &ServerConfig,
    state: web::Data<AppState>,
    workers: usize,
    shutdown_timeout_seconds: u64,
) -> io::Result<Server> {
    let mut tls = tls.clone();
    tls.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    let tls = Arc::new(tls);
    max_concurrent_tls_connect(HANDSHAKES);
    let server = Server::build()
        .workers(workers)
        .shutdown_timeout(shutdown_timeout_seconds)
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let server = server.listen("https", listener, move || {
        let stopping = stopping.clone();
        let drain = state.services.drain.clone();
        let app = app(state.clone()).into_factory();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(CLOSE_TIMEOUT)
            .on_connect_ext(move |stream: &MeasuredStream, data: &mut Extensions| {
                data.insert(OverTls);
                connection::watch(stream.socket(), stream.is_http2(), data, &drain);
            })
            .finish(map_config(
                app.map_err(|error| error.error_response()),
                |()| AppConfig::default(),
            ));
        let mut acceptor = Acceptor::new(ServerConfig::clone(&tls));
        acceptor.set_handshake_timeout(HANDSHAKE_TIMEOUT);
        acceptor
            .map_err(TlsError::into_service_error)
            .map(|tls: TlsStream<rt::net::TcpStream>| {
                let (socket, session) = tls.get_ref();
                let peer = socket.peer_addr().ok();
                // Small frames go back and forth, each of which the system would else hold back for a while. Where
                // it cannot be told so, it does.
                let _ = socket.set_nodelay(true);
                let is_http2 = session.alpn_protocol() == Some(HTTP_2);
                let protocol = if is_http2 {
                    Protocol::Http2
                } else {
                    Protocol::Http1
                };
                (MeasuredStream::new(tls, is_http2), protocol, peer)
            })
            .and_then(http.map_err(TlsError::Service))
    })?;
    Ok(server.run())
}
