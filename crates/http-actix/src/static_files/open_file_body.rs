//! An answer that has its file open.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use tokio::sync::OwnedSemaphorePermit;

/// The body of an answer, with the place among the open files that it takes until it goes.
pub(super) struct OpenFileBody {
    body: BoxBody,
    _place: OwnedSemaphorePermit,
}

impl OpenFileBody {
    pub(super) fn boxed(body: BoxBody, place: OwnedSemaphorePermit) -> BoxBody {
        BoxBody::new(Self {
            body,
            _place: place,
        })
    }
}

impl MessageBody for OpenFileBody {
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
