//! Whether the tools that an agent is listed have become others.
//!
//! Owns: what counts as another list. Must not know: how an agent is told.

use super::{Which, listing};
use crate::{Engine, store};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use wire::{AgentView, Changed, Error, Topic};

/// Changes that come close together are one, since a look reads every tool.
const COALESCE: Duration = Duration::from_secs(1);

/// One agent's list, from one look to the next.
pub struct Watch {
    engine: Engine,
    changes: broadcast::Receiver<Changed>,
    agent: AgentView,
    /// The SHA-256 of its token when it began.
    token: Option<[u8; 32]>,
    only: Option<String>,
    seen: [u8; 32],
    /// The edition of the data that was looked at: calls that are counted make no other.
    edition: u64,
    /// How often it was looked at.
    #[cfg(feature = "fakes")]
    pub looks: u32,
    /// Something may have changed since the last look.
    due: bool,
}

impl Watch {
    /// `only`: one integration, by its slug.
    ///
    /// # Errors
    /// `StoreFailed`.
    pub async fn begin(
        engine: &Engine,
        agent: &AgentView,
        only: Option<&str>,
    ) -> Result<Self, Error> {
        let id = agent.id;
        let token = engine
            .store()
            .read(move |conn| store::agents::token_of(conn, id));
        let mut watch = Self {
            engine: engine.clone(),
            // Before the first look: nothing between the two is missed.
            changes: engine.store().changes(),
            agent: agent.clone(),
            token: token.await?,
            only: only.map(str::to_owned),
            seen: [0; 32],
            edition: engine.store().edition(),
            #[cfg(feature = "fakes")]
            looks: 1,
            due: false,
        };
        watch.seen = watch.look().await?;
        Ok(watch)
    }

    /// Waits until the list is another. False: the agent's token holds no longer, or the app ends. Nothing
    /// is missed where the wait is given up and begun again.
    pub async fn changed(&mut self) -> bool {
        let stopping = self.engine.stopping().clone();
        loop {
            if !self.due {
                let next = tokio::select! {
                    () = stopping.cancelled() => return false,
                    next = self.changes.recv() => next,
                };
                self.due = match next {
                    Ok(changed) => changed.topics.iter().any(is_of_lists),
                    Err(RecvError::Lagged(_)) => true,
                    Err(RecvError::Closed) => return false,
                };
                if !self.due {
                    continue;
                }
            }
            tokio::select! {
                () = stopping.cancelled() => return false,
                () = tokio::time::sleep(COALESCE) => {}
            }
            let fresh = self.changes.resubscribe();
            match self.holds().await {
                Ok(true) => {}
                Ok(false) => return false,
                Err(_) => continue,
            }
            // Before the look: what is read then is of this edition or of a later one.
            let edition = self.engine.store().edition();
            let looked = if edition == self.edition {
                Ok(self.seen)
            } else {
                self.look().await
            };
            #[cfg(feature = "fakes")]
            {
                self.looks += u32::from(edition != self.edition);
            }
            self.changes = fresh;
            self.due = false;
            // The same; or it cannot be read now, and the next change looks again.
            let Ok(now) = looked else {
                continue;
            };
            self.edition = edition;
            if now != self.seen {
                self.seen = now;
                return true;
            }
        }
    }

    /// Whether its token is the one of then, and not at its end.
    async fn holds(&self) -> Result<bool, Error> {
        let (id, now) = (self.agent.id, self.engine.now());
        let read = move |conn: &Connection| {
            let agent = store::agents::find(conn, id)?;
            let ended = agent.is_none_or(|agent| agent.expires_at.is_some_and(|end| end <= now));
            Ok((ended, store::agents::token_of(conn, id)?))
        };
        let (ended, token) = self.engine.store().read(read).await?;
        Ok(!ended && token == self.token)
    }

    async fn look(&self) -> Result<[u8; 32], Error> {
        let which = match &self.only {
            Some(slug) => Which::Of { slug: slug.clone() },
            None => Which::All,
        };
        let (now, agent) = (self.engine.now(), self.agent.id);
        self.engine
            .store()
            .read(move |conn| {
                let promised = store::tools::hashes(conn)?;
                let mut hash = Sha256::new();
                let all = listing(conn, agent, &which, now)?;
                hash.update([u8::from(all.are_many)]);
                for one in all.tools.iter().filter(|one| one.listed) {
                    let of = promised.get(&one.integration);
                    let promise = of.and_then(|of| of.get(&one.tool));
                    let promise = promise.map_or("", String::as_str);
                    for part in [&one.slug, &one.name, &one.tool, promise] {
                        hash.update((part.len() as u64).to_be_bytes());
                        hash.update(part);
                    }
                }
                Ok(hash.finalize().into())
            })
            .await
    }
}

fn is_of_lists(topic: &Topic) -> bool {
    matches!(
        topic,
        Topic::Integrations | Topic::Integration(_) | Topic::Agents
    )
}
