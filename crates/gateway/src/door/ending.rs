//! The end of what a program says: it may still wait for answers, for a moment; then its calls end. (rmcp
//! would let them run on for five seconds.)

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::CancellationToken;

/// A little less than the bridge waits.
const GRACE: Duration = Duration::from_millis(1_200);

pub(super) struct Ending<R> {
    read: R,
    close: Option<CancellationToken>,
}

impl<R> Ending<R> {
    pub fn of(read: R, close: CancellationToken) -> Self {
        Self {
            read,
            close: Some(close),
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Ending<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.read).poll_read(context, buffer);
        let is_over = match &read {
            Poll::Ready(Ok(())) => buffer.filled().len() == before && buffer.remaining() > 0,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if is_over && let Some(close) = self.close.take() {
            tokio::spawn(async move {
                tokio::select! {
                    () = close.cancelled() => {}
                    () = tokio::time::sleep(GRACE) => close.cancel(),
                }
            });
        }
        read
    }
}
