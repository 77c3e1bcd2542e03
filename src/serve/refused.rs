//! What a request is told that is none: the parser answers it by itself, with a status
//! and nothing else. The bytes of such an answer are replaced by one with a body, as all
//! other errors have.
//!
//! They are known by when they are written. An answer of ours begins when the parser
//! hands over a request, and has ended when its body is done and all of it is flushed;
//! whatever is written at another time the parser wrote.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::problem::Problem;

const BETWEEN: u8 = 0;
const ANSWERING: u8 = 1;
const FLUSHING: u8 = 2;

/// Where the answers of a connection are.
#[derive(Clone, Default)]
pub(super) struct AnswerState(Arc<AtomicU8>);

impl AnswerState {
    /// A request has come.
    pub(super) fn begins(&self) {
        self.0.store(ANSWERING, Ordering::Release);
    }

    /// The body of its answer, whose end is taken note of.
    pub(super) fn watch(&self, body: Body) -> Body {
        let state = self.clone();
        Body::new(WatchedBody { body, state })
    }

    fn flushed(&self) {
        let (done, next) = (FLUSHING, BETWEEN);
        let _ = (self.0).compare_exchange(done, next, Ordering::AcqRel, Ordering::Acquire);
    }

    fn is_between(&self) -> bool {
        self.0.load(Ordering::Acquire) == BETWEEN
    }
}

struct WatchedBody {
    body: Body,
    state: AnswerState,
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.state.0.store(FLUSHING, Ordering::Release);
    }
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream on which what the parser answers by itself gets a body.
pub(super) struct RefusedRequests<T> {
    stream: T,
    state: AnswerState,
    /// What is written in the place of such an answer, and how much of it was.
    instead: Vec<u8>,
    written: usize,
}

impl<T> RefusedRequests<T> {
    pub(super) fn new(stream: T, state: AnswerState) -> RefusedRequests<T> {
        RefusedRequests {
            stream,
            state,
            instead: Vec::new(),
            written: 0,
        }
    }

    /// Whether these bytes are such an answer: then they are taken, and another is
    /// written.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        let status = bytes
            .strip_prefix(b"HTTP/1.1 ")
            .and_then(<[u8]>::first_chunk);
        let problem = match status {
            Some(b"400") => Problem::NotHttp,
            Some(b"414") => Problem::UriTooLong,
            Some(b"431") => Problem::HeadTooLarge,
            _ => return false,
        };
        let whole = self.state.is_between() && bytes.ends_with(b"\r\n\r\n");
        if whole {
            self.instead = problem.to_last_answer();
        }
        whole
    }
}

impl<T: AsyncWrite + Unpin> RefusedRequests<T> {
    fn poll_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.instead.get(self.written..).filter(|it| !it.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for RefusedRequests<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for RefusedRequests<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.replaces(bytes) {
            true => Poll::Ready(Ok(bytes.len())),
            false => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices {
            [bytes] if self.replaces(bytes) => Poll::Ready(Ok(bytes.len())),
            _ => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.state.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
