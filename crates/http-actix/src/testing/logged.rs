//! What the application logs.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use actix_web::test::TestRequest;
use tracing_subscriber::fmt::MakeWriter;

use super::Ports;

/// While there is but one subscriber, the thread that comes to an event first decides for all of them
/// whether it is of interest, and other tests log on threads that have none.
static ANOTHER_SUBSCRIBER: LazyLock<tracing::Dispatch> =
    LazyLock::new(|| tracing::Dispatch::new(tracing_subscriber::registry()));

/// What is logged while a request is answered.
pub(crate) async fn logged(ports: Ports, request: TestRequest) -> String {
    logged_by(async {
        ports.send(request).await;
    })
    .await
}

/// What is logged until this is done.
pub(crate) async fn logged_by(work: impl Future<Output = ()>) -> String {
    LazyLock::force(&ANOTHER_SUBSCRIBER);
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .without_time()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    work.await;
    drop(guard);
    let lines = log.0.lock().unwrap();
    String::from_utf8(lines.clone()).unwrap()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
