//! An answer on its way.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

use super::Served;

/// The body of an answer; as long as the connection has not taken all of it, its request is in flight.
#[derive(Debug)]
pub(super) struct FollowedBody {
    body: BoxBody,
    _served: Served,
}

impl FollowedBody {
    pub(super) fn new(body: BoxBody, served: Served) -> Self {
        Self {
            body,
            _served: served,
        }
    }
}

impl MessageBody for FollowedBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}
