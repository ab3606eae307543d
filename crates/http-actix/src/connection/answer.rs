//! An answer on its way.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

use super::{ASKED_IN_VAIN_MAX, Served};

/// The body of an answer; as long as the connection has not taken all of it, its request is in flight.
#[derive(Debug)]
pub(super) struct FollowedBody {
    body: BoxBody,
    served: Served,
    /// Whether it is made while it is sent: then no time can be told for all of it, but for each piece.
    is_stream: bool,
    /// How often it was asked since it last had something.
    asked_in_vain: u32,
}

impl FollowedBody {
    pub(super) fn new(body: BoxBody, served: Served) -> Self {
        Self {
            is_stream: body.size() == BodySize::Stream,
            body,
            served,
            asked_in_vain: 0,
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
        let Self {
            body,
            served,
            is_stream,
            asked_in_vain,
        } = self.get_mut();
        if *is_stream {
            served.taken();
        }
        let polled = Pin::new(body).poll_next(context);
        match &polled {
            Poll::Ready(Some(Ok(piece))) => {
                *asked_in_vain = 0;
                if *is_stream {
                    served.give(piece.len());
                }
            }
            Poll::Pending if *asked_in_vain >= ASKED_IN_VAIN_MAX => {
                served.shut_down();
                return Poll::Ready(None);
            }
            Poll::Pending => *asked_in_vain += 1,
            Poll::Ready(_) => {}
        }
        polled
    }
}
