//! The guard against chunked bodies that never end.
//!
//! When a handler drops such a body unread, actix keeps the connection open and discards whatever the
//! client goes on to send, for as long as it sends. When the body is still held while the answer goes
//! out, actix closes the connection instead. So this holds the body until then.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header;
use actix_web::{HttpMessage as _, rt};
use futures_util::stream::{StreamExt as _, poll_fn};

/// Longer than it takes to send the head of an answer.
const HELD_FOR: Duration = Duration::from_secs(1);

/// A body that outlives its handler.
pub(super) struct HeldBody(Rc<RefCell<Payload>>);

impl HeldBody {
    /// Holds the body of the request, if it is chunked.
    pub(super) fn of(request: &mut ServiceRequest) -> Option<Self> {
        if !request.headers().contains_key(header::TRANSFER_ENCODING) {
            return None;
        }
        let held = Rc::new(RefCell::new(request.take_payload()));
        let read = Rc::clone(&held);
        let payload = Box::pin(poll_fn(move |context| {
            read.borrow_mut().poll_next_unpin(context)
        }));
        request.set_payload(Payload::Stream { payload });
        Some(Self(held))
    }

    /// Lets go of the body once the answer is on its way.
    pub(super) fn release(self) {
        rt::spawn(async move {
            rt::time::sleep(HELD_FOR).await;
            drop(self.0);
        });
    }
}
