//! Between the monitor and the rest of the engine: whether this computer is offline, who answered, and
//! what is to be pinged or renewed soon.
//!
//! Must not know: when silence is called offline (`monitor::schedule`).

use crate::integrations::After;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;
use wire::IntegrationId;

/// What the rest of the engine may ask of the monitor.
#[derive(Default)]
pub(crate) struct Network {
    offline: AtomicBool,
    /// Who outside has answered since the monitor looked last: the last one.
    heard: Mutex<Option<IntegrationId>>,
    /// What changes of health have asked for since the monitor looked last.
    asked: Mutex<BTreeMap<IntegrationId, After>>,
    woken: Notify,
}

impl Network {
    /// True where nothing answers and nothing can: a banner, and no token request.
    pub fn is_offline(&self) -> bool {
        self.offline.load(Ordering::Relaxed)
    }

    /// Hands on what a change of health asks for; the monitor looks at once.
    pub fn ask(&self, id: IntegrationId, after: After) {
        if after == After::default() {
            return;
        }
        self.asked().entry(id).or_default().add(after);
        self.woken.notify_one();
    }

    /// This one outside has answered, whoever asked: so this computer is not offline.
    pub fn answered(&self, id: IntegrationId) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
        if self.is_offline() {
            self.woken.notify_one();
        }
    }

    /// Who has answered since this was asked last.
    pub(super) fn heard(&self) -> Option<IntegrationId> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// The monitor looks at once.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// True where that is news.
    pub(super) fn set_offline(&self, offline: bool) -> bool {
        self.offline.swap(offline, Ordering::Relaxed) != offline
    }

    pub(super) async fn woken(&self) {
        self.woken.notified().await;
    }

    pub(super) fn asked(&self) -> std::sync::MutexGuard<'_, BTreeMap<IntegrationId, After>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
