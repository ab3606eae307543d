//! The application behind a real socket.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web;

use super::Ports;
use crate::server::serve;

/// Serves on a free port; returns where, and the handle to stop it.
pub(crate) fn start(ports: Ports) -> (String, ServerHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let settings = ports.settings();
    let server = serve(listener, ports.into_services(), settings).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (address, handle)
}

/// Sends bytes and reads until the server closes the connection.
pub(crate) async fn exchange(address: &str, request: impl Into<Vec<u8>>) -> String {
    let (address, request) = (address.to_owned(), request.into());
    let exchanged = web::block(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream.write_all(&request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    exchanged.await.unwrap()
}

pub(crate) fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}
