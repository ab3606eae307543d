//! A connection over TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::heads::HeadMeter;

/// A connection over TLS, whose heads of HTTP/2 are measured: it ends where one is too long.
pub(super) struct MeasuredStream {
    tls: TlsStream<TcpStream>,
    /// Where HTTP/2 is spoken.
    heads: Option<HeadMeter>,
}

impl MeasuredStream {
    pub(super) fn new(tls: TlsStream<TcpStream>, is_http2: bool) -> Self {
        let heads = is_http2.then(HeadMeter::new);
        Self { tls, heads }
    }

    pub(super) fn socket(&self) -> &TcpStream {
        self.tls.get_ref().0
    }

    pub(super) fn is_http2(&self) -> bool {
        self.heads.is_some()
    }
}

impl AsyncRead for MeasuredStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { tls, heads } = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(tls).poll_read(context, buffer))?;
        if let Some(heads) = heads {
            let read = buffer.filled().get(before..).unwrap_or_default();
            heads.pass(read).map_err(io::Error::other)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for MeasuredStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tls).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tls).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tls).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tls).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }
}
