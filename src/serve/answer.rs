//! Answers that stay in memory until their clients have read them: together no more than
//! there is room for, and nobody has all of it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};

use super::blocking::PlacePermit;
use super::rate::Payer;
use super::service::Service;

/// Bytes of an answer that need no room: connections are counted.
const SMALL: u64 = 64 << 10;

/// Bytes of a piece of an answer.
const PIECE: usize = 64 << 10;

/// The answer, with the memory that it takes; or that there is none.
pub(super) async fn kept(service: &Service, payer: &Payer, answer: Response) -> Response {
    let Some(bytes) = answer.body().size_hint().exact() else {
        return answer;
    };
    if bytes <= SMALL {
        return answer;
    }
    match service.pools.keep(payer, bytes).await {
        Ok(room) => answer.map(|body| Body::new(Kept { body, _room: room })),
        Err(problem) => problem.into_response(),
    }
}

/// A body, and the room that is given back with it.
struct Kept {
    body: Body,
    _room: PlacePermit,
}

impl HttpBody for Kept {
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

/// A text in pieces of about one size, whose memory is given back as they are sent.
#[derive(Default)]
pub(super) struct Pieces {
    whole: VecDeque<Bytes>,
    /// Bytes of `whole`.
    bytes: usize,
    last: Vec<u8>,
}

impl Pieces {
    pub(super) fn len(&self) -> usize {
        self.bytes.saturating_add(self.last.len())
    }

    /// Where the next part is written.
    pub(super) fn end(&mut self) -> &mut Vec<u8> {
        if self.last.len() >= PIECE {
            self.cut();
        }
        if self.last.capacity() == 0 {
            self.last.reserve_exact(2 * PIECE);
        }
        &mut self.last
    }

    pub(super) fn into_body(mut self) -> Body {
        self.cut();
        Body::new(self)
    }

    fn cut(&mut self) {
        self.bytes = self.len();
        self.whole.push_back(std::mem::take(&mut self.last).into());
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.whole.pop_front();
        self.bytes -= piece.as_ref().map_or(0, Bytes::len);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.whole.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes as u64)
    }
}
