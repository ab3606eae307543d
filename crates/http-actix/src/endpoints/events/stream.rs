//! The events of a stream, each made when the connection has taken the one before.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::web::Bytes;
use convosync_application::live::Follower;
use convosync_application::pull_changes::{PullError, Pulled};
use convosync_domain::ports::StoreError;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::time::{Instant, sleep_until};

use crate::answer::HeldBytes;
use crate::endpoints::changes::page::push_whole_page;
use crate::error::ApiError;
use crate::json::in_one_line;
use crate::request::RequestId;
use crate::state::Drain;
use crate::streams;

/// Tells a browser to wait so long before it connects again, in milliseconds.
const RETRY: &[u8] = b"retry: 2000\n\n";
/// Something for whoever is on the way, who may take a silent connection for a dead one.
const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// A stream that is older ends, and its client, who shows a proof again, is spread anew over the servers.
const LASTS: Duration = Duration::from_secs(3_600);
/// How long to wait for memory.
const MEMORY_PAUSE: Duration = Duration::from_millis(500);
/// How long to wait where the store does not say.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// What is sent on one connection.
pub(super) struct EventStream {
    follower: Follower,
    drain: Drain,
    request_id: RequestId,
    _place: streams::Stream,
    /// What of the last event the connection has not taken.
    unsent: Option<HeldBytes>,
    /// Whether there is nothing to come after that.
    is_over: bool,
    ends_at: Instant,
    keep_alive_at: Instant,
    /// Not to be read before this, after a failure.
    paused_until: Option<Instant>,
}

/// What comes first.
enum Next {
    Readable,
    KeepAlive,
    End,
}

impl EventStream {
    /// Sends what the follower reads until the server drains. The place is given up in the end.
    pub(super) fn new(
        follower: Follower,
        drain: Drain,
        request_id: RequestId,
        place: streams::Stream,
    ) -> Self {
        let now = Instant::now();
        Self {
            follower,
            drain,
            request_id,
            _place: place,
            unsent: None,
            is_over: false,
            ends_at: now + LASTS,
            keep_alive_at: now + KEEP_ALIVE_EVERY,
            paused_until: None,
        }
    }

    /// The pieces, none longer than the connection is given at once.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        unfold((self, Some(RETRY)), async |(mut events, first)| {
            let piece = match first {
                Some(first) => Bytes::from_static(first),
                None => events.next().await?,
            };
            events.keep_alive_at = Instant::now() + KEEP_ALIVE_EVERY;
            Some((Ok(piece), (events, None)))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            // An event of which the end is missing is none: it comes again.
            if self.drain.has_begun() {
                return None;
            }
            if let Some(piece) = self.unsent.as_mut().and_then(HeldBytes::next_piece) {
                return Some(piece);
            }
            self.unsent = None;
            if self.is_over {
                return None;
            }
            match self.wait().await {
                Next::Readable => self.read().await,
                Next::KeepAlive => return Some(Bytes::from_static(KEEP_ALIVE)),
                Next::End => return None,
            }
        }
    }

    async fn wait(&mut self) -> Next {
        if Instant::now() >= self.ends_at {
            return Next::End;
        }
        let (paused_until, follower) = (self.paused_until, &mut self.follower);
        let readable = async {
            match paused_until {
                Some(until) => sleep_until(until).await,
                None => follower.readable().await,
            }
        };
        tokio::select! {
            biased;
            () = self.drain.begun() => Next::End,
            () = readable => Next::Readable,
            () = sleep_until(self.ends_at.min(self.keep_alive_at)) => Next::KeepAlive,
        }
    }

    async fn read(&mut self) {
        self.paused_until = None;
        match self.follower.read().await {
            Ok(Some(pulled)) => self.send(pulled),
            Ok(None) => {}
            Err(PullError::NoMemory) => self.pause(MEMORY_PAUSE),
            Err(PullError::Store(StoreError::Unavailable { retry_after, .. })) => {
                self.pause(retry_after);
            }
            Err(
                error @ (PullError::UnknownVisitor | PullError::Store(StoreError::VisitorGone(_))),
            ) => self.end("event: gone\n", error),
            // With no id the client has none either, and begins at the start when it connects again.
            Err(error @ (PullError::CursorExpired | PullError::InvalidCursor)) => {
                self.end("event: expired\nid:\n", error);
            }
            Err(error @ PullError::Store(_)) => {
                // It logs what is the matter.
                ApiError::from(error).write(&self.request_id);
                self.pause(STORE_PAUSE);
            }
        }
    }

    /// Sends a page, if there is memory to hold it until it is sent.
    fn send(&mut self, mut pulled: Pulled) {
        let mut event = format!("event: change\nid: {}\ndata: ", pulled.cursor).into_bytes();
        let head = event.len();
        push_whole_page(&mut event, &pulled);
        if let Some(page) = event.get_mut(head..) {
            in_one_line(page);
        }
        event.extend_from_slice(b"\n\n");
        if pulled.memory.hold_or_all(event.len()) {
            self.follower.take(&pulled);
            self.unsent = Some(HeldBytes::new(event, pulled.memory));
        } else {
            self.pause(MEMORY_PAUSE);
        }
    }

    /// Tells why nothing more comes.
    fn end(&mut self, fields: &str, error: PullError) {
        let mut event = format!("{fields}data: ").into_bytes();
        event.extend(ApiError::from(error).write(&self.request_id));
        event.extend_from_slice(b"\n\n");
        self.unsent = Some(HeldBytes::uncounted(event));
        self.is_over = true;
    }

    fn pause(&mut self, pause: Duration) {
        self.paused_until = Some(Instant::now() + pause);
    }
}
