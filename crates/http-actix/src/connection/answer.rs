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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::poll_fn;
    use std::net::{TcpListener, TcpStream};
    use std::rc::Rc;
    use std::time::Instant;

    use actix_web::rt;

    use super::super::{Connection, Guarded, Requests};
    use super::*;
    use crate::state::Drain;

    /// A body of a known length, of which a byte comes after some waits.
    struct Slow {
        left: u64,
        waits: u32,
        waited: u32,
    }

    impl MessageBody for Slow {
        type Error = Box<dyn Error>;

        fn size(&self) -> BodySize {
            BodySize::Sized(self.left)
        }

        fn poll_next(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Bytes, Self::Error>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            if self.waited < self.waits {
                self.waited += 1;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.waited = 0;
            self.left -= 1;
            Poll::Ready(Some(Ok(Bytes::from_static(b"."))))
        }
    }

    /// How many bytes of it a connection over HTTP/2 gets.
    async fn sent(bytes: u64, waits: u32) -> u64 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let guarded = Rc::new(Guarded {
            requests: RefCell::new(Requests::none_yet(Instant::now())),
            socket: TcpStream::connect(listener.local_addr().unwrap()).unwrap(),
            is_http2: true,
            drain: Drain::default(),
        });
        let guard = rt::spawn(Rc::clone(&guarded).guard());
        let served = Connection { guarded, guard }.begin_request();
        let mut body = served.answer(BoxBody::new(Slow {
            left: bytes,
            waits,
            waited: 0,
        }));
        let mut sent = 0;
        while let Some(piece) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
            sent += u64::try_from(piece.unwrap().len()).unwrap();
        }
        sent
    }

    #[actix_web::test]
    async fn the_waits_between_the_pieces_of_a_body_do_not_add_up() {
        let bytes = u64::from(ASKED_IN_VAIN_MAX);
        assert_eq!(sent(bytes, 2).await, bytes);
    }

    #[actix_web::test]
    async fn whoever_asks_on_and_on_for_a_piece_gets_none() {
        assert_eq!(sent(2, ASKED_IN_VAIN_MAX + 1).await, 0);
    }
}
