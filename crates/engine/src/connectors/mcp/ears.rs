//! How far a call is, as its server tells it, handed to whoever waits for it.

use super::super::caller::Progress;
use crate::http::inert;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, mpsc};

type Listeners = HashMap<ProgressToken, (mpsc::Sender<Progress>, Arc<Notify>)>;

/// Clones share the listeners: the connection's.
#[derive(Clone, Default)]
pub(super) struct Ears {
    listeners: Arc<Mutex<Listeners>>,
    /// Held while a request is handed over, so that no news of it comes before its listener is known:
    /// rmcp chooses the token only then.
    pub handing_over: Arc<tokio::sync::Mutex<()>>,
}

/// One listener, until it is dropped.
pub(super) struct Ear {
    ears: Ears,
    token: ProgressToken,
    /// The server told of progress.
    pub news: Arc<Notify>,
}

impl Ears {
    pub fn listen(&self, token: ProgressToken, listener: mpsc::Sender<Progress>) -> Ear {
        let news = Arc::new(Notify::new());
        self.listeners()
            .insert(token.clone(), (listener, news.clone()));
        Ear {
            ears: self.clone(),
            token,
            news,
        }
    }

    /// The server told of progress. A token that nobody waits with is a server's invention, or news that came
    /// too late.
    pub async fn hear(&self, told: ProgressNotificationParam) {
        drop(self.handing_over.lock().await);
        if let Some((listener, news)) = self.listeners().get(&told.progress_token) {
            news.notify_one();
            let _ = listener.try_send(Progress {
                progress: told.progress,
                total: told.total,
                message: told.message.as_deref().map(inert),
            });
        }
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.ears.listeners().remove(&self.token);
    }
}
