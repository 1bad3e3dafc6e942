//! What an integration needs while the app runs.
//!
//! Owns: each integration's connector, made on first need and anew after its credential or document
//! changed, and its calls under way, whichever connector they began with. Must not know: what a call says.

use crate::{
    Engine,
    connectors::{self, Connector, Supplies},
    health,
    integrations::Integration,
    store, tokens,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU32},
};
use tokio_util::sync::CancellationToken;
use wire::{Error, IntegrationId};

/// An integration's connector, and how to end its calls.
pub(crate) struct Live {
    /// As it is called now.
    name: Mutex<String>,
    pub connector: Arc<Connector>,
    /// Cancelled by Disconnect: calls in flight fail by name. The next connector has the same one.
    pub ended: CancellationToken,
    /// Its calls, those of earlier connectors too.
    pub in_flight: Arc<AtomicU32>,
    /// One refresh at a time; what the last one came to. The next connector has the same one.
    pub refreshing: Refreshing,
    pub is_sample: bool,
    /// Ends the wait for the server's word that its tools changed.
    _listens: tokio_util::sync::DropGuard,
    /// On this computer: reached without a network.
    pub is_local: bool,
}

impl Live {
    /// As it is called now.
    pub fn name(&self) -> String {
        lock(&self.name).clone()
    }
}

/// Those of all integrations.
#[derive(Default)]
pub(crate) struct Lives(Mutex<Held>);

#[derive(Default)]
struct Held {
    live: HashMap<IntegrationId, Arc<Live>>,
    /// The calls of each that was ever live and is not disconnected.
    calls: HashMap<IntegrationId, Calls>,
    /// How often a connector was forgotten: one that was begun before that is of old data.
    forgotten: u64,
}

type Refreshing = Arc<tokio::sync::Mutex<tokens::LastRefresh>>;

#[derive(Clone)]
struct Calls {
    ended: CancellationToken,
    in_flight: Arc<AtomicU32>,
    refreshing: Refreshing,
}

/// A connector that was made and is not in use yet.
struct Made {
    name: String,
    connector: Connector,
    is_sample: bool,
    is_local: bool,
}

impl Engine {
    /// What an integration needs while the app runs, made on first need.
    pub(crate) async fn live(&self, id: IntegrationId) -> Result<Arc<Live>, Error> {
        loop {
            let forgotten = {
                let held = self.lives();
                if let Some(live) = held.live.get(&id) {
                    return Ok(live.clone());
                }
                held.forgotten
            };
            let made = self.make(id).await?;
            if let Some(live) = self.keep(id, made, forgotten) {
                return Ok(live);
            }
        }
    }

    async fn make(&self, id: IntegrationId) -> Result<Made, Error> {
        let found = self
            .store()
            .read(move |conn| Integration::get(conn, id))
            .await?;
        let is_sample = found.kind() == wire::Kind::Sample;
        let sample = if is_sample {
            Some(self.sample().await?.url())
        } else {
            None
        };
        let supplies = Supplies {
            sample,
            operations: self.operations(id, &found.config).await?,
            repeats_arguments: self
                .store()
                .read(move |conn| store::tools::any_with(conn, id, connectors::REPEATED))
                .await?,
        };
        Ok(Made {
            connector: Connector::new(&found.config, self.http(), supplies)?,
            is_local: health::is_local(&health::origin(&found)),
            is_sample,
            name: found.row.name,
        })
    }

    /// `None` where a connector was forgotten since `forgotten` was read: what was made may be of what
    /// stood before.
    fn keep(&self, id: IntegrationId, made: Made, forgotten: u64) -> Option<Arc<Live>> {
        let changed = made.connector.tools_changed();
        let (live, listening) = {
            let mut held = self.lives();
            if held.forgotten != forgotten {
                return None;
            }
            if let Some(live) = held.live.get(&id) {
                return Some(live.clone());
            }
            let calls = || Calls {
                ended: self.stopping().child_token(),
                in_flight: Arc::default(),
                refreshing: Arc::default(),
            };
            let kept = held.calls.entry(id).or_insert_with(calls);
            if kept.ended.is_cancelled() {
                // Those of a Disconnect that is under way: what comes after it is not ended by it.
                *kept = calls();
            }
            let Calls {
                ended,
                in_flight,
                refreshing,
            } = kept.clone();
            let listening = ended.child_token();
            let live = Arc::new(Live {
                name: Mutex::new(made.name),
                connector: Arc::new(made.connector),
                _listens: listening.clone().drop_guard(),
                ended,
                in_flight,
                refreshing,
                is_sample: made.is_sample,
                is_local: made.is_local,
            });
            held.live.insert(id, live.clone());
            (live, listening)
        };
        if let Some(changed) = changed {
            tokio::spawn(health::follow_tools(self.clone(), id, changed, listening));
        }
        Some(live)
    }

    /// After a new credential or document: the next use makes a fresh connector, and calls under way go
    /// on with the old one.
    pub(crate) async fn forget_live(&self, id: IntegrationId) {
        if let Some(old) = self.take_live(id) {
            old.connector.release().await;
        }
    }

    fn take_live(&self, id: IntegrationId) -> Option<Arc<Live>> {
        let mut held = self.lives();
        held.forgotten += 1;
        held.live.remove(&id)
    }

    /// It is called so from now on, by calls under way too. (A connector in the making is made anew.)
    pub(crate) fn rename_live(&self, id: IntegrationId, name: String) {
        let mut held = self.lives();
        held.forgotten += 1;
        if let Some(live) = held.live.get(&id) {
            *lock(&live.name) = name;
        }
    }

    /// Ends all its calls, also those that began while it was being disconnected. What is left where
    /// that failed begins anew.
    pub(crate) async fn end_live(&self, id: IntegrationId) {
        if let Some(calls) = self.lives().calls.remove(&id) {
            calls.ended.cancel();
        }
        if let Some(old) = self.take_live(id) {
            old.connector.drop_session().await;
        }
    }

    /// Ends everything under way; the app stops.
    pub(crate) async fn end_lives(&self) {
        let live: Vec<Arc<Live>> = {
            let mut held = self.lives();
            held.calls.clear();
            held.live.drain().map(|(_, live)| live).collect()
        };
        for each in live {
            each.ended.cancel();
            each.connector.drop_session().await;
        }
    }

    fn lives(&self) -> MutexGuard<'_, Held> {
        lock(&self.0.live.0)
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use crate::{
        connectors::Config,
        integrations,
        notices::tests::Home,
        store::{Durability, integrations::set_config},
    };
    use anyhow::{Context, Result};
    use std::sync::atomic::Ordering;
    use wire::IntegrationId;

    async fn moves(home: &Home, id: IntegrationId, host: &str) -> Result<()> {
        let config = integrations::to_json(&Config::Api {
            base_url: format!("https://{host}/v1"),
            health_path: "/".into(),
            private_hosts: vec![],
            way: None,
            described: false,
        })?;
        let engine = &home.engine;
        engine
            .store()
            .write(Durability::Full, move |tx| set_config(tx, id, &config))
            .await?;
        engine.forget_live(id).await;
        Ok(())
    }

    #[tokio::test]
    async fn a_connector_of_what_stood_before_a_change_is_not_kept() -> Result<()> {
        let home = Home::new().await?;
        let id = home.add(1, "old.example").await?;
        let forgotten = home.engine.lives().forgotten;
        let made = home.engine.make(id).await?;
        moves(&home, id, "new.example").await?;
        assert!(home.engine.keep(id, made, forgotten).is_none());
        let live = home.engine.live(id).await?;
        let tried = live.connector.ping_in_words();
        assert!(tried.contains("new.example"), "{tried}");
        Ok(())
    }

    #[tokio::test]
    async fn calls_are_ended_with_the_integration_and_not_with_its_connector() -> Result<()> {
        let home = Home::new().await?;
        let id = home.add(1, "old.example").await?;
        let old = home.engine.live(id).await?;
        old.in_flight.fetch_add(1, Ordering::Relaxed);
        moves(&home, id, "new.example").await?;
        let new = home.engine.live(id).await?;
        assert_eq!(new.in_flight.load(Ordering::Relaxed), 1);
        assert!(!old.ended.is_cancelled());
        let _refreshes = old.refreshing.lock().await;
        assert!(new.refreshing.try_lock().is_err(), "one at a time");

        // A Disconnect begins; a reconnect comes before it is over.
        new.ended.cancel();
        assert!(old.ended.is_cancelled());
        moves(&home, id, "between.example").await?;
        let between = home.engine.live(id).await?;
        assert!(!between.ended.is_cancelled());
        home.engine.end_live(id).await;
        assert!(between.ended.is_cancelled());

        let after = home.engine.live(id).await.ok().context("its row stays")?;
        assert!(!after.ended.is_cancelled());
        assert_eq!(after.in_flight.load(Ordering::Relaxed), 0);
        Ok(())
    }
}
