//! A home whose engine has ended: its folder is free for whoever comes, a test or another process.

use super::{Home, tick};
use anyhow::Result;
use engine::{fakes::MemoryKeyring, ports::Clock};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tempfile::TempDir;

/// See the module.
pub struct Resting {
    folder: Arc<TempDir>,
    clock: Arc<dyn Clock>,
    pub keyring: Arc<MemoryKeyring>,
    replies: Arc<Mutex<Vec<String>>>,
}

impl Home {
    /// Ends this engine and lets go of its folder.
    pub async fn rest(self) -> Result<Resting> {
        let Self {
            engine,
            desk,
            keyring,
            clock,
            folder,
            replies,
        } = self;
        let events: Vec<String> = desk
            .changes()
            .iter()
            .filter_map(|changed| serde_json::to_string(changed).ok())
            .collect();
        replies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(events);
        engine.stop().await;
        drop(engine);
        let lock = std::fs::File::open(folder.path().join("chief.lock"))?;
        let began = Instant::now();
        // What its tasks still hold is let go of in a moment.
        while lock.try_lock().is_err() {
            tick(began, "the engine to close its file").await?;
        }
        Ok(Resting {
            folder,
            clock,
            keyring,
            replies,
        })
    }
}

impl Resting {
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Another engine on the same folder, clock and keyring.
    pub async fn wake(self) -> Result<Home> {
        Home::open(self.folder, self.clock, self.keyring, self.replies).await
    }
}
