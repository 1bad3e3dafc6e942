//! The keyring: asked on a thread of its own, under a time limit.
//!
//! A keyring call blocks, may wait for a person, may never return, and on Linux may not be made
//! inside an async worker at all. So one thread makes them, one after the other. A call that runs
//! over its limit is answered with [`KeyringError::Hanging`], its thread is left to itself, and the
//! next call gets a new one. What still waits behind a call that hangs is dropped, never done late:
//! a write or delete that nobody waits for must not happen.

#[cfg(any(target_os = "linux", target_os = "freebsd"))]
#[path = "keyring/secret_service.rs"]
mod system;

#[cfg(any(target_os = "macos", target_os = "windows"))]
#[path = "keyring/native.rs"]
mod system;

use crate::ports::{Keyring, KeyringError};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};
use tokio::sync::oneshot;
use wire::{Error, ErrorCode, Fix};

pub use system::SystemKeyring;

/// It answers, and has no key of ours.
pub(super) fn lost() -> Error {
    Error::new(ErrorCode::KeyringLost).fix(Fix::Reconnect)
}

/// The service name of the app's items.
pub const SERVICE: &str = "app.chief.integrations";

/// How long a call may take.
pub(super) const LIMIT: Duration = Duration::from_secs(5);
/// How long a person may take over the keyring's own prompt.
const PROMPT_LIMIT: Duration = Duration::from_secs(120);

type Job = Box<dyn FnOnce(&dyn Keyring) + Send>;

/// The thread that asks, and its replacement when it hangs.
pub(super) struct Asker {
    keyring: Arc<dyn Keyring>,
    limit: Duration,
    thread: Mutex<Option<mpsc::Sender<Job>>>,
}

impl Asker {
    /// Asks nothing yet, and starts no thread.
    pub(super) fn new(keyring: Arc<dyn Keyring>, limit: Duration) -> Self {
        Self {
            keyring,
            limit,
            thread: Mutex::new(None),
        }
    }

    /// One call, within the limit.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Keyring) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let (answer, answered) = oneshot::channel();
        self.send(job(call, answer))?;
        match tokio::time::timeout(self.limit, answered).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(no_thread())),
            Err(_) => {
                *self.thread() = None;
                Err(KeyringError::Hanging)
            }
        }
    }

    /// The keyring's own prompt: on a thread apart, since a person answers it.
    pub(super) async fn unlock(&self) -> Result<(), KeyringError> {
        let (answer, answered) = oneshot::channel();
        let keyring = Arc::clone(&self.keyring);
        let job = job(|keyring| keyring.unlock(), answer);
        spawn(move || job(&*keyring))?;
        match tokio::time::timeout(PROMPT_LIMIT, answered).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(no_thread())),
            Err(_) => Err(KeyringError::Hanging),
        }
    }

    fn send(&self, job: Job) -> Result<(), KeyringError> {
        let mut thread = self.thread();
        let job = match &*thread {
            None => job,
            Some(queue) => match queue.send(job) {
                Ok(()) => return Ok(()),
                Err(mpsc::SendError(job)) => job,
            },
        };
        let (queue, jobs) = mpsc::channel::<Job>();
        let keyring = Arc::clone(&self.keyring);
        spawn(move || {
            for job in jobs {
                job(&*keyring);
            }
        })?;
        queue.send(job).map_err(|_| no_thread())?;
        *thread = Some(queue);
        Ok(())
    }

    fn thread(&self) -> MutexGuard<'_, Option<mpsc::Sender<Job>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn job<T: Send + 'static>(
    call: impl FnOnce(&dyn Keyring) -> Result<T, KeyringError> + Send + 'static,
    answer: oneshot::Sender<Result<T, KeyringError>>,
) -> Job {
    Box::new(move |keyring| {
        if answer.is_closed() {
            return;
        }
        let result = catch_unwind(AssertUnwindSafe(|| call(keyring)))
            .unwrap_or_else(|_| Err(KeyringError::Failed("its library panicked".into())));
        // Too late is no error here: whoever asked has been told that it hangs.
        let _ = answer.send(result);
    })
}

fn spawn(work: impl FnOnce() + Send + 'static) -> Result<(), KeyringError> {
    std::thread::Builder::new()
        .name("keyring".into())
        .spawn(work)
        .map(|_| ())
        .map_err(|_| no_thread())
}

fn no_thread() -> KeyringError {
    KeyringError::Failed("its thread could not run".into())
}

#[cfg(test)]
mod tests;
