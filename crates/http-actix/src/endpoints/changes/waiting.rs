//! How long a pull may wait for a change.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpMessage as _, HttpRequest};
use convosync_application::access::AuthorizedVisitor;
use futures_util::future::LocalBoxFuture;
use tokio::time::sleep;

use crate::access::client_of;
use crate::connection::ASKED_IN_VAIN_MAX;
use crate::error::ApiError;
use crate::measures::Waited;
use crate::state::AppState;
use crate::streams::Stream;

/// A pull that waits, until its time is over or the server drains.
pub(super) struct Waiting {
    end: LocalBoxFuture<'static, ()>,
    _place: Stream,
}

impl Waiting {
    /// Begins to wait; `None` where there is nothing to wait for. A HEAD asks for what there is now.
    ///
    /// # Errors
    /// 429 or 503 where as many wait as may, and 503 while the server drains: whoever asks again and again is to wait.
    pub(super) fn begin(
        state: &AppState,
        request: &HttpRequest,
        visitor: &AuthorizedVisitor,
        wait: Duration,
    ) -> Result<Option<Self>, ApiError> {
        if wait.is_zero() || request.method() == Method::HEAD {
            return Ok(None);
        }
        let drain = state.services.drain.clone();
        if drain.has_begun() {
            return Err(ApiError::draining());
        }
        request.extensions_mut().insert(Waited);
        let address = client_of(state, request.head());
        let place = state.streams.open(address, visitor.id())?;
        let mut end = Box::pin(async move {
            tokio::select! {
                () = drain.begun() => {}
                () = sleep(wait) => {}
            }
        });
        let mut asked = 0;
        let end = poll_fn(move |context| {
            asked += 1;
            match asked > ASKED_IN_VAIN_MAX {
                true => Poll::Ready(()),
                false => end.as_mut().poll(context),
            }
        });
        Ok(Some(Self {
            end: Box::pin(end),
            _place: place,
        }))
    }

    /// What ends the wait.
    pub(super) fn end(&mut self) -> Pin<&mut (dyn Future<Output = ()> + 'static)> {
        self.end.as_mut()
    }
}
