//! The body of an answer: bytes at once, or lines as they come. Never waits by itself.

use crate::shell::{LogReader, Plane};
use bytes::Bytes;
use cluster::WatchId;
use hyper::body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What a connection still has to send.
pub(crate) enum ApiBody {
    /// All of it, until taken.
    Full(Option<Bytes>),
    /// Events of a watch.
    Watch(Watch),
    /// Lines of a container's log.
    Log(LogReader),
}

/// A watch that ends on the server when its connection does.
pub(crate) struct Watch {
    shell: Plane,
    id: WatchId,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shell.close_watch(self.id);
    }
}

impl ApiBody {
    pub(super) fn full(bytes: Vec<u8>) -> Self {
        Self::Full(Some(Bytes::from(bytes)))
    }

    pub(super) fn watch(shell: Plane, id: WatchId) -> Self {
        Self::Watch(Watch { shell, id })
    }
}

impl Body for ApiBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match self.get_mut() {
            Self::Full(bytes) => bytes.take().filter(|bytes| !bytes.is_empty()),
            Self::Watch(watch) => ready!(watch.shell.poll_watch(watch.id, cx)).map(Bytes::from),
            Self::Log(reader) => ready!(reader.poll_lines(cx)).map(Bytes::from),
        };
        Poll::Ready(data.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Watch(_) | Self::Log(_) => SizeHint::default(),
        }
    }
}
