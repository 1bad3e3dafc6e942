//! Work that is finished, though nobody waits for it any longer.

use wire::{Error, ErrorCode};

/// Begins `work` as a task of its own, which goes on where what is returned here is dropped.
///
/// # Errors
/// Those of `work`; `Internal` where it panicked, or the app ended meanwhile.
pub fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> impl Future<Output = Result<T, Error>> + Send {
    let task = tokio::spawn(work);
    async {
        task.await.unwrap_or_else(|error| {
            Err(Error::new(ErrorCode::Internal).with("why", error.to_string()))
        })
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
        let work = to_the_end(async move {
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
        drop(to_the_end(async move {
            let _ = done.send("finished");
            Ok(())
        }));
        assert_eq!(ended.await, Ok("finished"));
    }

    #[tokio::test]
    async fn an_end_and_a_panic_are_told() {
        assert_eq!(to_the_end(async { Ok(7) }).await, Ok(7));
        let broken = to_the_end::<()>(async { panic!("for the test") }).await;
        assert_eq!(broken.expect_err("it panicked").code, ErrorCode::Internal);
    }
}
