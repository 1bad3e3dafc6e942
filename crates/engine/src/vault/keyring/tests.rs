use super::*;
use anyhow::Result;
use std::sync::{
    Condvar,
    atomic::{AtomicU32, Ordering},
};
use zeroize::Zeroizing;

/// A keyring whose reads hang until it is let go.
#[derive(Default)]
struct Hangs {
    hanging: Mutex<bool>,
    changed: Condvar,
    writes: AtomicU32,
}

impl Hangs {
    fn set(&self, hanging: bool) {
        *self.hanging.lock().unwrap_or_else(PoisonError::into_inner) = hanging;
        self.changed.notify_all();
    }
}

impl Keyring for Hangs {
    fn read(&self, item: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        let mut hanging = self.hanging.lock().unwrap_or_else(PoisonError::into_inner);
        while *hanging {
            hanging = self
                .changed
                .wait(hanging)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Ok(Some(Zeroizing::new(item.as_bytes().to_vec())))
    }

    fn write(&self, _: &str, _: &[u8]) -> Result<(), KeyringError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn delete(&self, _: &str) -> Result<(), KeyringError> {
        panic!("a keyring library that panics")
    }

    fn unlock(&self) -> Result<(), KeyringError> {
        self.read("prompt").map(|_| ())
    }
}

fn asker(keyring: &Arc<Hangs>) -> Asker {
    patient(keyring, Duration::from_millis(200))
}

fn patient(keyring: &Arc<Hangs>, limit: Duration) -> Asker {
    let keyring: Arc<dyn Keyring> = keyring.clone();
    Asker::new(keyring, limit)
}

#[tokio::test]
async fn a_call_that_hangs_ends_in_time_and_blocks_no_later_one() -> Result<()> {
    let keyring = Arc::new(Hangs::default());
    let asker = asker(&keyring);
    keyring.set(true);
    let hung = asker.ask(|k| k.read("a")).await;
    assert!(matches!(hung, Err(KeyringError::Hanging)));
    // The first thread still hangs in its call; a write does not.
    assert_eq!(asker.ask(|k| k.write("a", b"x")).await, Ok(()));
    keyring.set(false);
    let read = asker.ask(|k| k.read("b")).await?;
    assert_eq!(read.as_deref().map(Vec::as_slice), Some(b"b".as_slice()));
    Ok(())
}

#[tokio::test]
async fn what_waits_behind_a_hanging_call_is_not_done_late() {
    let keyring = Arc::new(Hangs::default());
    let asker = asker(&keyring);
    keyring.set(true);
    let (read, write) = tokio::join!(
        asker.ask(|k| k.read("a")),
        asker.ask(|k| k.write("a", b"late")),
    );
    assert!(matches!(read, Err(KeyringError::Hanging)));
    assert_eq!(write, Err(KeyringError::Hanging));
    keyring.set(false);
    // The abandoned thread comes back and finds a write for which nobody waits. Its queue is first
    // in, first out, and this read goes by a thread of its own: give the other one its turn.
    for _ in 0..20 {
        assert!(asker.ask(|k| k.read("b")).await.is_ok());
        std::thread::yield_now();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(keyring.writes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_prompt_that_waits_for_a_person_does_not_hold_up_others() {
    let keyring = Arc::new(Hangs::default());
    let asker = Arc::new(asker(&keyring));
    keyring.set(true);
    let prompt = {
        let asker = asker.clone();
        tokio::spawn(async move { asker.unlock().await })
    };
    assert_eq!(asker.ask(|k| k.write("a", b"x")).await, Ok(()));
    keyring.set(false);
    assert_eq!(prompt.await.ok(), Some(Ok(())));
}

#[tokio::test]
async fn a_panic_of_the_library_is_an_error_and_the_thread_lives_on() {
    let keyring = Arc::new(Hangs::default());
    // Printing a panic takes its time.
    let asker = patient(&keyring, Duration::from_secs(60));
    let panicked = asker.ask(|k| k.delete("a")).await;
    assert!(matches!(panicked, Err(KeyringError::Failed(_))));
    assert_eq!(asker.ask(|k| k.write("a", b"x")).await, Ok(()));
}
