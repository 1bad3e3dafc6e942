//! Work that is finished, though nobody waits for it any longer.

use futures::{FutureExt as _, future::BoxFuture};
use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::runtime::Handle;
use wire::{Error, ErrorCode};

/// Where it is dropped before its end, it goes on as a task of its own.
pub(crate) struct Finishes<T: Send + 'static>(Option<BoxFuture<'static, Result<T, Error>>>);

impl<T: Send + 'static> Finishes<T> {
    /// A panic of `work` becomes `Internal`.
    pub fn new(work: impl Future<Output = Result<T, Error>> + Send + 'static) -> Self {
        let whole = AssertUnwindSafe(work).catch_unwind().map(|ended| {
            ended.unwrap_or_else(|_| {
                Err(Error::new(ErrorCode::Internal).with("why", "a call panicked"))
            })
        });
        Self(Some(whole.boxed()))
    }
}

impl<T: Send + 'static> Future for Finishes<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.0 else {
            // Asked again after its end.
            return Poll::Pending;
        };
        let ended = ready!(work.poll_unpin(context));
        self.0 = None;
        Poll::Ready(ended)
    }
}

impl<T: Send + 'static> Drop for Finishes<T> {
    fn drop(&mut self) {
        // Without a runtime the app itself is ending.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn what_nobody_waits_for_any_longer_is_finished() {
        let (go, gone) = oneshot::channel::<()>();
        let (done, ended) = oneshot::channel();
        let work = Finishes::new(async move {
            let _ = gone.await;
            let _ = done.send("finished");
            Ok(())
        });
        tokio::select! {
            biased;
            _ = work => panic!("it waits"),
            () = std::future::ready(()) => {}
        }
        let _ = go.send(());
        assert_eq!(ended.await, Ok("finished"));
    }

    #[tokio::test]
    async fn what_was_never_waited_for_is_done_too() {
        let (done, ended) = oneshot::channel();
        drop(Finishes::new(async move {
            let _ = done.send("finished");
            Ok(())
        }));
        assert_eq!(ended.await, Ok("finished"));
    }

    #[tokio::test]
    async fn an_end_and_a_panic_are_told() {
        assert_eq!(Finishes::new(async { Ok(7) }).await, Ok(7));
        let broken = Finishes::<()>::new(async { panic!("for the test") }).await;
        assert_eq!(broken.expect_err("it panicked").code, ErrorCode::Internal);
    }
}
