//! Clients that trust the authority of a test.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use ureq::Agent;
use ureq::http::{Request, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::TlsServer;

/// How long a server may be silent before a test fails.
const TIMEOUT: Duration = Duration::from_secs(60);

impl TlsServer {
    /// A client that is like those of the users.
    pub(super) fn agent(&self) -> Agent {
        let root = Certificate::from_der(self.authority.root()).to_owned();
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
            .root_certs(RootCerts::new_with_certs(&[root]))
            .build();
        Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .tls_config(tls)
            .build()
            .into()
    }

    /// A connection of HTTP/1.1, whose bytes a test sends itself.
    pub(super) fn connect(&self) -> Http1 {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let config = self.client_config(b"http/1.1");
        let session = ClientConnection::new(config, name()).unwrap();
        let mut client = Http1(StreamOwned::new(session, stream));
        client.0.flush().unwrap();
        let session = &client.0.conn;
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        client
    }

    /// A connection of HTTP/2.
    pub(super) async fn connect_http2(&self) -> Http2 {
        self.connect_http2_with(&h2::client::Builder::new()).await
    }

    /// A connection of HTTP/2 with settings of the client's.
    pub(super) async fn connect_http2_with(&self, settings: &h2::client::Builder) -> Http2 {
        let stream = self.connect_for_http2().await;
        let (requests, connection) = settings.handshake(stream).await.unwrap();
        Http2 {
            requests,
            base: self.url(),
            running: tokio::spawn(async move {
                // How it ends does not matter, but that it does.
                let _ = connection.await;
            }),
        }
    }

    /// A connection on which HTTP/2 is to be spoken.
    pub(super) async fn connect_for_http2(&self) -> TlsStream<tokio::net::TcpStream> {
        let stream = tokio::net::TcpStream::connect(self.address()).await;
        let connector = TlsConnector::from(self.client_config(b"h2"));
        let stream = connector.connect(name(), stream.unwrap()).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        stream
    }

    fn client_config(&self, protocol: &[u8]) -> Arc<ClientConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.authority.trusted())
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }
}

fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

pub(super) struct Http1(StreamOwned<ClientConnection, TcpStream>);

impl Http1 {
    /// The certificate that the server has shown.
    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        let chain = self.0.conn.peer_certificates().unwrap();
        chain[0].clone()
    }

    /// Sends bytes; whether the server still took them.
    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).is_ok()
    }

    /// The status of one answer, after which the connection may be used again.
    pub(super) fn get(&mut self, path: &str) -> u16 {
        assert!(self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")));
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).expect("a head");
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).expect("a body");
        head[9..12].parse().unwrap()
    }

    /// Waits until the server closes the connection.
    pub(super) fn wait_for_end(&mut self) {
        let mut some = [0; 1_024];
        loop {
            match self.0.read(&mut some) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    use std::io::ErrorKind::{TimedOut, WouldBlock};
                    assert!(!matches!(error.kind(), TimedOut | WouldBlock), "{error}");
                    return;
                }
            }
        }
    }
}

/// A connection of HTTP/2.
pub(super) struct Http2 {
    requests: SendRequest<Bytes>,
    base: String,
    running: JoinHandle<()>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Http2Answer {
    pub(super) head: Response<()>,
    pub(super) body: String,
}

impl Http2 {
    /// Begins a request, and ends it if it has no body.
    pub(super) async fn begin(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        has_body: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let begun = self.try_begin(method, path, headers, has_body).await;
        begun.expect("a connection")
    }

    /// Begins a request, if the connection still takes one.
    pub(super) async fn try_begin(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        has_body: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut requests = self.requests.clone().ready().await?;
        requests.send_request(request.body(()).unwrap(), !has_body)
    }

    pub(super) async fn get(&self, path: &str) -> Http2Answer {
        let (answer, _) = self.begin("GET", path, &[], false).await;
        whole(answer).await
    }

    /// Begins to post JSON.
    pub(super) async fn begin_post(&self, path: &str) -> (ResponseFuture, SendStream<Bytes>) {
        let json = [("content-type", "application/json")];
        self.begin("POST", path, &json, true).await
    }

    pub(super) async fn post(&self, path: &str, body: String) -> Http2Answer {
        let (answer, mut sent) = self.begin_post(path).await;
        sent.send_data(body.into(), true).unwrap();
        whole(answer).await
    }

    /// Whether the connection is no more.
    pub(super) fn has_ended(&self) -> bool {
        self.running.is_finished()
    }

    /// Waits until the server closes the connection.
    pub(super) async fn wait_for_end(self) {
        let Self {
            requests, running, ..
        } = self;
        tokio::time::timeout(TIMEOUT, running)
            .await
            .expect("an end")
            .unwrap();
        drop(requests);
    }
}

/// Reads an answer to its end.
pub(super) async fn whole(answer: ResponseFuture) -> Http2Answer {
    let answer = tokio::time::timeout(TIMEOUT, answer)
        .await
        .expect("an answer");
    let (head, body) = answer.expect("an answer").into_parts();
    let body = text(body).await;
    let head = Response::from_parts(head, ());
    Http2Answer { head, body }
}

async fn text(mut body: RecvStream) -> String {
    let mut bytes = Vec::new();
    while let Some(some) = body.data().await {
        let some = some.expect("a body");
        body.flow_control().release_capacity(some.len()).unwrap();
        bytes.extend(some);
    }
    String::from_utf8(bytes).unwrap()
}

impl Http2Answer {
    pub(super) fn status(&self) -> u16 {
        self.head.status().as_u16()
    }

    /// The code of an error.
    pub(super) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body["code"].as_str().unwrap().to_owned()
    }
}
