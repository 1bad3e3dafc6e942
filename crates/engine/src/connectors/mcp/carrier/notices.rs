//! Notices that a call is no longer wanted, each on a way of its own: rmcp sends one, and waits seconds for a
//! server that takes none, before it sends the next.

use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};

/// On their way at a time, as many as calls may be under way; what is more is not told.
const MOST: u32 = 512;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Notices(Arc<Semaphore>);

impl Default for Notices {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST as usize)))
    }
}

impl Notices {
    pub fn send(&self, post: impl Future<Output = ()> + Send + 'static) {
        let Ok(place) = self.0.clone().try_acquire_owned() else {
            return;
        };
        tokio::spawn(async move {
            let _ = timeout(PATIENCE, post).await;
            drop(place);
        });
    }

    /// Waits until none is on its way.
    pub async fn sent(&self) {
        let _ = self.0.acquire_many(MOST).await;
    }
}
