//! The guard of a connection, against clients that are slow (the attack called Slowloris) or ask for too much
//! at once.
//!
//! actix closes an HTTP/1.1 connection that stays silent after an answer, and one whose first head does not
//! arrive in time; but not one whose client sends a later head byte by byte. Of HTTP/2 connections it
//! closes only those that answer no ping, and takes as many requests at once as a client sends. So each
//! connection has a task that shuts it down when its client has had its time: [`Requests`] says when
//! that is.

mod answer;
mod requests;

use std::cell::RefCell;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd as _;
use std::rc::Rc;
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::Extensions;
use actix_web::rt;
use actix_web::rt::task::JoinHandle;
use actix_web::rt::time::{sleep, timeout};

use answer::FollowedBody;
use requests::{Begun, Requests};

use crate::error::ApiError;
use crate::state::Drain;

/// How often whoever waits is asked in vain before that is no waiting any more. Over HTTP/1.1 actix asks again and again,
/// without a pause, where a client has sent more than it takes while one request is served.
pub(crate) const ASKED_IN_VAIN_MAX: u32 = 10_000;

/// The guard of a connection; dropping it ends its task.
#[derive(Debug)]
pub(crate) struct Connection {
    guarded: Rc<Guarded>,
    guard: JoinHandle<()>,
}

/// A connection as its guard sees it.
#[derive(Debug)]
struct Guarded {
    requests: RefCell<Requests>,
    socket: TcpStream,
    /// Whether it is HTTP/2, and so may have several requests at once.
    is_http2: bool,
    drain: Drain,
}

/// Watches a connection that was just made.
pub(crate) fn watch(
    socket: &rt::net::TcpStream,
    is_http2: bool,
    data: &mut Extensions,
    drain: &Drain,
) {
    // Without a second handle the connection has no guard: the process is out of file descriptors then.
    if let Ok(socket) = socket.as_fd().try_clone_to_owned() {
        let guarded = Rc::new(Guarded {
            requests: RefCell::new(Requests::none_yet(Instant::now())),
            socket: TcpStream::from(socket),
            is_http2,
            drain: drain.clone(),
        });
        let guard = rt::spawn(Rc::clone(&guarded).guard());
        data.insert(Connection { guarded, guard });
    }
}

impl Guarded {
    async fn guard(self: Rc<Self>) {
        loop {
            // actix sees to it by itself that HTTP/1.1 connections end with the server.
            let closing = self.is_http2 && self.drain.is_closing();
            let checked = self.requests.borrow().check(Instant::now(), closing);
            let Some(pause) = checked else {
                self.shut_down();
                return;
            };
            if self.is_http2 && !closing {
                // Either is a reason to look again.
                let _ = timeout(pause, self.drain.closing()).await;
            } else {
                sleep(pause).await;
            }
        }
    }

    fn shut_down(&self) {
        // It fails only where the client has closed the connection already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Connection {
    /// A request has begun.
    pub(crate) fn begin_request(&self) -> Served {
        let closing = self.guarded.is_http2 && self.guarded.drain.is_closing();
        let begun = self.guarded.requests.borrow_mut().begin(closing);
        if begun == Begun::Flood {
            self.guarded.shut_down();
        }
        Served {
            connection: Rc::clone(&self.guarded),
            begun,
            take_until: None,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Its handle of the socket would hold the connection open.
        self.guard.abort();
    }
}

/// A request that is served, until its answer is with the connection or the client gone.
#[derive(Debug)]
pub(crate) struct Served {
    connection: Rc<Guarded>,
    begun: Begun,
    /// By when the client has to have taken the answer, or the piece of it that it was given.
    take_until: Option<Instant>,
}

impl Served {
    /// Why it is not served, if the connection has no room for it.
    pub(crate) fn refusal(&self) -> Option<ApiError> {
        match self.begun {
            Begun::Taken => None,
            Begun::Closing => Some(ApiError::draining()),
            Begun::TooMany | Begun::Flood => {
                Some(ApiError::too_many_in_flight("requests_per_connection"))
            }
        }
    }

    /// The request has got its answer, whose body is followed until the connection has it.
    pub(crate) fn answer(mut self, body: BoxBody) -> BoxBody {
        let mut requests = self.connection.requests.borrow_mut();
        self.take_until = requests.answer(Instant::now(), body.size());
        drop(requests);
        if self.connection.is_http2 || body.size() == BodySize::Stream {
            BoxBody::new(FollowedBody::new(body, self))
        } else {
            // There is no other request meanwhile, and what follows has to begin in time.
            body
        }
    }

    /// The client is given a piece of its answer.
    fn give(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let mut requests = self.connection.requests.borrow_mut();
        self.take_until = Some(requests.give(Instant::now(), bytes));
    }

    /// Ends the connection at once.
    fn shut_down(&self) {
        self.connection.shut_down();
    }

    /// The connection asks for more: it has what the client was given.
    fn taken(&mut self) {
        if let Some(take_until) = self.take_until.take() {
            self.connection.requests.borrow_mut().taken(take_until);
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let mut requests = self.connection.requests.borrow_mut();
        requests.end(Instant::now(), self.begun, self.take_until);
    }
}
