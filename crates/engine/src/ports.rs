//! The three things the engine asks of its surroundings, each with a real and a fake form.

use std::{future::Future, pin::Pin, sync::Arc};
use wire::{Changed, NoticeId, Time};
use zeroize::Zeroizing;

/// The time of day, and waiting for it. Real: [`SystemClock`]. Fake: `fakes::FakeClock`.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time; may jump either way.
    fn now(&self) -> Time;
    /// Ends once `now()` has reached `until`. Wakes at least every 30 s to look at the wall clock
    /// again, since the machine may have slept.
    fn sleep_until(&self, until: Time) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// What only a desktop process can do. Real: the shell. Fake: `fakes::FakeDesk`.
pub trait Desk: Send + Sync + 'static {
    /// Opens the system's browser, without a shell. `url` is https, or http on loopback: the
    /// implementation refuses anything else. Errors: a short reason.
    fn open_url(&self, url: &str) -> Result<(), String>;
    /// Brings the window to the front.
    fn raise(&self);
    /// Puts the window away, where its task bar or dock keeps it.
    fn lower(&self);
    /// Ends the app.
    fn quit(&self);
    /// Whether the app starts when this person signs in to the computer. Errors: a short reason.
    fn starts_at_login(&self) -> Result<bool, String>;
    /// From now on it does, or does not. Errors: a short reason.
    fn start_at_login(&self, on: bool) -> Result<(), String>;
    /// Tells the UI what changed.
    fn changed(&self, changed: &Changed);
    /// Whether the system lets a popup be replaced and taken back. Where it does not, a popup is
    /// shown once at most, and stays.
    fn replaces(&self) -> bool;
    /// Shows a popup, or replaces the one that `handle` names. Ends within seconds. Its handle, which
    /// outlives this run. Asked twice for the same `popup.id` without a handle, one popup is seen.
    /// Errors: a short reason.
    fn notify<'a>(&'a self, popup: &'a Popup, handle: Option<&'a str>) -> Done<'a, String>;
    /// Takes a popup off the screen; no error where it is gone already. Ends within seconds.
    fn withdraw<'a>(&'a self, handle: &'a str) -> Done<'a, ()>;
}

/// What ends later, well or with a short reason.
pub type Done<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// A notification of the system's own. All text is inert and short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Popup {
    /// The same for each telling of the same thing.
    pub id: NoticeId,
    pub title: String,
    pub body: String,
    pub urgency: Urgency,
    /// Its buttons and their labels. A press anywhere else is [`Press::Open`].
    pub buttons: Vec<(Press, String)>,
}

/// Whether a popup may go by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// It goes after a while.
    Normal,
    /// It stays until it is seen.
    Critical,
}

/// What of a popup was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// Show what it is about.
    Open,
    /// Mend it.
    Fix,
    /// Let the crons go on that its failure had paused.
    Resume,
    /// Say no to it: to a call that waits.
    Deny,
}

/// What the system says of popups, by handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PopupEvent {
    Pressed {
        handle: String,
        press: Press,
    },
    /// It is off the screen: dismissed, or its time was over.
    Closed {
        handle: String,
    },
    /// Whoever shows popups has just come.
    Ready,
}

/// The place that keeps the one key. Real: `vault::keyring::SystemKeyring`. Fake:
/// `fakes::MemoryKeyring`. Calls block and may hang: only the vault's own thread makes them, under
/// a time limit.
pub trait Keyring: Send + Sync + 'static {
    /// The item's bytes; `Ok(None)` only where the keyring is unlocked and has no such item.
    fn read(&self, item: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError>;
    /// Writes or replaces the item.
    fn write(&self, item: &str, bytes: &[u8]) -> Result<(), KeyringError>;
    /// Removes the item; no error where it is gone already.
    fn delete(&self, item: &str) -> Result<(), KeyringError>;
    /// Asks the system to unlock, by its own prompt. Returns once the person has answered.
    fn unlock(&self) -> Result<(), KeyringError>;
}

/// Why the keyring did not do it. "Locked" and "absent" are never "missing".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    #[error("no keyring answers on this computer")]
    Absent,
    #[error("the keyring is locked")]
    Locked,
    #[error("the keyring did not answer in time")]
    Hanging,
    /// Any other word of the keyring's, without bytes of the item.
    #[error("the keyring refused: {0}")]
    Failed(String),
}

/// The ports of one engine.
#[derive(Clone)]
pub struct Ports {
    pub clock: Arc<dyn Clock>,
    pub desk: Arc<dyn Desk>,
    pub keyring: Arc<dyn Keyring>,
}

/// The computer's own clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, until: Time) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        const LOOK_AGAIN_MS: i64 = 30_000;
        Box::pin(async move {
            loop {
                let left = until.since(self.now());
                if left <= 0 {
                    return;
                }
                let step = u64::try_from(left.min(LOOK_AGAIN_MS)).unwrap_or(0);
                tokio::time::sleep(std::time::Duration::from_millis(step)).await;
            }
        })
    }
}
