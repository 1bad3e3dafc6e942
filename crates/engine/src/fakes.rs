//! Doubles for the three ports, for tests and the test host. Each port also has a journey with the
//! real thing.

use crate::ports::{Clock, Desk, Done, Keyring, KeyringError, Popup};
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;
use wire::{Changed, Time};
use zeroize::Zeroizing;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clock that stands still until it is told to move.
pub struct FakeClock(watch::Sender<Time>);

impl FakeClock {
    /// Starts at `now`.
    #[must_use]
    pub fn at(now: Time) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Moves by `millis`, which may be negative, and wakes whoever waits.
    pub fn advance(&self, millis: i64) {
        self.0.send_modify(|now| *now = now.plus(millis));
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Time {
        *self.0.borrow()
    }

    fn sleep_until(&self, until: Time) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut moved = self.0.subscribe();
        Box::pin(async move {
            // The sender is `self`, so it outlives this wait.
            let _ = moved.wait_for(|now| *now >= until).await;
        })
    }
}

type Browser = Box<dyn Fn(String) + Send>;

#[derive(Default)]
struct Popups {
    /// On the screen now, by handle.
    shown: BTreeMap<String, Popup>,
    /// Every time one was shown or replaced.
    told: Vec<Popup>,
    /// Why none can be shown.
    fault: Option<String>,
    /// The system has no way to replace one.
    only_once: bool,
}

/// A desk that writes down what it was asked.
#[derive(Default)]
pub struct FakeDesk {
    opened: Mutex<Vec<String>>,
    changes: Mutex<Vec<Changed>>,
    raised: Mutex<u32>,
    lowered: Mutex<u32>,
    quits: Mutex<u32>,
    at_login: Mutex<bool>,
    popups: Mutex<Popups>,
    on_open: Mutex<Option<Browser>>,
}

impl FakeDesk {
    /// URLs opened so far, oldest first.
    pub fn opened(&self) -> Vec<String> {
        lock(&self.opened).clone()
    }

    /// Everything the UI was told, oldest first.
    pub fn changes(&self) -> Vec<Changed> {
        lock(&self.changes).clone()
    }

    /// The popups on the screen now, and their handles.
    pub fn popups(&self) -> Vec<(String, Popup)> {
        lock(&self.popups).shown.clone().into_iter().collect()
    }

    /// Everything that was shown, oldest first: also what took another's place.
    pub fn told(&self) -> Vec<Popup> {
        lock(&self.popups).told.clone()
    }

    /// From now on no popup can be shown or taken back, for this reason; `None`: it works again.
    pub fn no_popups(&self, why: Option<&str>) {
        lock(&self.popups).fault = why.map(str::to_owned);
    }

    /// As on a system that cannot replace popups.
    pub fn shows_only_once(&self) {
        lock(&self.popups).only_once = true;
    }

    /// How often the window was brought to the front.
    pub fn raised(&self) -> u32 {
        *lock(&self.raised)
    }

    /// How often the window was put away.
    pub fn lowered(&self) -> u32 {
        *lock(&self.lowered)
    }

    /// How often the app was to end.
    pub fn quits(&self) -> u32 {
        *lock(&self.quits)
    }

    /// What the browser does with each URL, besides its being written down.
    pub fn on_open(&self, browser: impl Fn(String) + Send + 'static) {
        *lock(&self.on_open) = Some(Box::new(browser));
    }
}

impl Desk for FakeDesk {
    fn open_url(&self, url: &str) -> Result<(), String> {
        lock(&self.opened).push(url.to_owned());
        if let Some(browser) = &*lock(&self.on_open) {
            browser(url.to_owned());
        }
        Ok(())
    }

    fn raise(&self) {
        *lock(&self.raised) += 1;
    }

    fn lower(&self) {
        *lock(&self.lowered) += 1;
    }

    fn quit(&self) {
        *lock(&self.quits) += 1;
    }

    fn starts_at_login(&self) -> Result<bool, String> {
        Ok(*lock(&self.at_login))
    }

    fn start_at_login(&self, on: bool) -> Result<(), String> {
        *lock(&self.at_login) = on;
        Ok(())
    }

    fn changed(&self, changed: &Changed) {
        lock(&self.changes).push(changed.clone());
    }

    fn replaces(&self) -> bool {
        !lock(&self.popups).only_once
    }

    fn notify<'a>(&'a self, popup: &'a Popup, handle: Option<&'a str>) -> Done<'a, String> {
        let mut popups = lock(&self.popups);
        if let Some(why) = popups.fault.clone() {
            return Box::pin(async { Err(why) });
        }
        let handle = handle.map_or_else(|| popup.id.to_string(), str::to_owned);
        popups.told.push(popup.clone());
        popups.shown.insert(handle.clone(), popup.clone());
        Box::pin(async { Ok(handle) })
    }

    fn withdraw<'a>(&'a self, handle: &'a str) -> Done<'a, ()> {
        let mut popups = lock(&self.popups);
        let done = popups.fault.clone().map_or(Ok(()), Err);
        if done.is_ok() {
            popups.shown.remove(handle);
        }
        Box::pin(async { done })
    }
}

/// A keyring in memory that can be told to fail.
#[derive(Default)]
pub struct MemoryKeyring {
    items: Mutex<BTreeMap<String, Zeroizing<Vec<u8>>>>,
    fault: Mutex<Option<KeyringError>>,
}

impl MemoryKeyring {
    /// From now on every call fails like this; `None`: it works again.
    pub fn fail_with(&self, fault: Option<KeyringError>) {
        *lock(&self.fault) = fault;
    }

    /// The names of the items, sorted.
    pub fn items(&self) -> Vec<String> {
        lock(&self.items).keys().cloned().collect()
    }

    /// Removes everything, as a person in the keyring's own program could.
    pub fn clear(&self) {
        lock(&self.items).clear();
    }

    fn check(&self) -> Result<(), KeyringError> {
        lock(&self.fault).clone().map_or(Ok(()), Err)
    }
}

impl Keyring for MemoryKeyring {
    fn read(&self, item: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        self.check()?;
        Ok(lock(&self.items).get(item).cloned())
    }

    fn write(&self, item: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        self.check()?;
        lock(&self.items).insert(item.to_owned(), Zeroizing::new(bytes.to_vec()));
        Ok(())
    }

    fn delete(&self, item: &str) -> Result<(), KeyringError> {
        self.check()?;
        lock(&self.items).remove(item);
        Ok(())
    }

    fn unlock(&self) -> Result<(), KeyringError> {
        if *lock(&self.fault) == Some(KeyringError::Locked) {
            *lock(&self.fault) = None;
        }
        self.check()
    }
}
