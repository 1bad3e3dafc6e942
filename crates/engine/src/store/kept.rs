//! What is looked up over and over between two changes: read once, and anew after any commit that may
//! have changed it.

use super::Store;
use rusqlite::Connection;
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};
use wire::Error;

/// Values at most; they are all forgotten when there are more.
const MOST: usize = 500;

/// Values by their keys, each with the edition of the data that it was read from.
pub(crate) struct Kept<K, V>(Mutex<HashMap<K, (u64, Arc<V>)>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Kept<K, V> {
    /// The value of `key` as of the last commit that may have changed it. `read` must read nothing that
    /// changes but the store, and of it nothing that a write of [`super::Tx::only_records`] changes.
    ///
    /// # Errors
    /// Those of `read`, which is then asked again the next time.
    pub fn get(
        &self,
        store: &Store,
        key: K,
        read: impl FnOnce(&Connection, &K) -> Result<V, Error>,
    ) -> Result<Arc<V>, Error> {
        // Before the read: what is read then is of this edition or of a later one.
        let edition = store.edition();
        let all = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, value)) = all().get(&key)
            && *of == edition
        {
            return Ok(value.clone());
        }
        let value = Arc::new(store.glance(|connection| read(connection, &key))?);
        let mut all = all();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(key, (edition, value.clone()));
        Ok(value)
    }
}
