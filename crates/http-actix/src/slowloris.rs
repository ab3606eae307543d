//! The guard against slow heads of requests (the attack called Slowloris).
//!
//! actix closes a connection that stays silent after an answer, and one whose first head does not
//! arrive in time; but not one whose client sends a later head byte by byte. So each connection has a
//! task that shuts it down when no request has begun long enough after the last answer.

use std::any::Any;
use std::cell::Cell;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::body::BodySize;
use actix_web::dev::Extensions;
use actix_web::rt;
use actix_web::rt::task::JoinHandle;

/// How long the head of the next request may take, beside the time that the last answer takes to arrive.
const IDLE_MAX: Duration = Duration::from_secs(15);
/// How fast a client is taken to receive an answer, in bytes a second.
const LEAST_RATE: u64 = 1_024;

/// The guard of a connection; dropping it ends its task.
#[derive(Debug)]
pub(crate) struct Connection {
    deadline: Rc<Deadline>,
    guard: JoinHandle<()>,
}

/// When the head of the next request has to be there; none while a request is served, and before the first.
type Deadline = Cell<Option<Instant>>;

/// Watches a connection that was just made.
pub(crate) fn watch(stream: &dyn Any, connection: &mut Extensions) {
    let socket = stream
        .downcast_ref::<rt::net::TcpStream>()
        .and_then(|stream| stream.as_fd().try_clone_to_owned().ok());
    // Without a second handle the connection has no guard: the process is out of file descriptors then,
    // and actix closes connections by itself.
    if let Some(socket) = socket {
        let deadline = Rc::default();
        connection.insert(Connection {
            deadline: Rc::clone(&deadline),
            guard: rt::spawn(shut_down_at(deadline, TcpStream::from(socket))),
        });
    }
}

async fn shut_down_at(deadline: Rc<Deadline>, socket: TcpStream) {
    loop {
        let left = deadline.get().map_or(IDLE_MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        });
        if left.is_zero() {
            // It fails only where the client has closed the connection already.
            let _ = socket.shutdown(Shutdown::Both);
            return;
        }
        rt::time::sleep(left).await;
    }
}

impl Connection {
    /// A request has begun.
    pub(crate) fn begin_request(&self) -> Served {
        self.deadline.set(None);
        Served(Rc::clone(&self.deadline))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Its handle of the socket would hold the connection open.
        self.guard.abort();
    }
}

/// A request that is served.
#[derive(Debug)]
pub(crate) struct Served(Rc<Deadline>);

impl Served {
    /// The request has got an answer of this size.
    pub(crate) fn end(self, answer: BodySize) {
        let bytes = match answer {
            BodySize::Sized(bytes) => bytes,
            BodySize::None | BodySize::Stream => 0,
        };
        let takes = Duration::from_secs(bytes / LEAST_RATE);
        self.0.set(Instant::now().checked_add(IDLE_MAX + takes));
    }
}
