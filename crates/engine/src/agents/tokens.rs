//! Whose token is which, all of them in memory: neither a call nor a flood of wrong tokens costs a read of
//! the store.
//!
//! Owns: what was read, until a token is made or refused from now on. Must not know: what an agent may.

use super::lock;
use crate::store;
use rusqlite::Connection;
use std::{collections::HashMap, sync::Mutex};
use wire::{AgentView, Error};

/// A token's SHA-256.
pub(super) type Hash = [u8; 32];

/// Every token that is, or was, an agent's.
pub(super) struct Tokens {
    agents: HashMap<Hash, AgentView>,
    removed: HashMap<Hash, String>,
}

/// Who has a token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Whose {
    /// Its time may be over.
    Agents(AgentView),
    /// One's that was removed, by its name.
    Removed(String),
    Nobodys,
}

impl Tokens {
    /// All, as they stand now. Where those of removed agents cannot be read, they are nobody's.
    ///
    /// # Errors
    /// `StoreFailed`.
    pub fn read(conn: &Connection) -> Result<Self, Error> {
        Ok(Self {
            agents: store::agents::by_token(conn)?.into_iter().collect(),
            removed: store::agents::removed(conn)
                .unwrap_or_default()
                .into_iter()
                .collect(),
        })
    }

    pub fn whose(&self, hash: &Hash) -> Whose {
        match (self.agents.get(hash), self.removed.get(hash)) {
            (Some(agent), _) => Whose::Agents(agent.clone()),
            (None, Some(name)) => Whose::Removed(name.clone()),
            (None, None) => Whose::Nobodys,
        }
    }
}

#[derive(Default)]
pub(super) struct Known(Mutex<State>);

#[derive(Default)]
struct State {
    /// Moves on when what was read no longer holds: what was read before is not remembered then.
    changes: u64,
    tokens: Option<Tokens>,
}

impl Known {
    /// Whose it is; where they must be read first, how many changes there were.
    pub fn whose(&self, hash: &Hash) -> Result<Whose, u64> {
        let known = lock(&self.0);
        let tokens = known.tokens.as_ref().ok_or(known.changes)?;
        Ok(tokens.whose(hash))
    }

    /// What was read when there were so many changes.
    pub fn remember(&self, tokens: Tokens, changes: u64) {
        let mut known = lock(&self.0);
        if known.changes == changes {
            known.tokens = Some(tokens);
        }
    }

    /// After the commit that made a token, or changed what becomes of one.
    pub fn forget(&self) {
        let mut known = lock(&self.0);
        known.changes += 1;
        known.tokens = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(names: &[(u8, &str)]) -> Tokens {
        Tokens {
            agents: HashMap::new(),
            removed: names
                .iter()
                .map(|(of, name)| ([*of; 32], (*name).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn a_flood_of_wrong_tokens_is_read_for_once_and_a_new_one_is_known_at_once() {
        let known = Known::default();
        let changes = known.whose(&[0; 32]).expect_err("nothing was read yet");
        known.remember(read(&[(7, "Old")]), changes);
        for wrong in 10..=255 {
            assert_eq!(known.whose(&[wrong; 32]), Ok(Whose::Nobodys));
        }
        assert_eq!(known.whose(&[7; 32]), Ok(Whose::Removed("Old".to_owned())));
        // Read before a change, it is not remembered after it.
        let before = changes;
        known.forget();
        known.remember(read(&[]), before);
        let changes = known.whose(&[8; 32]).expect_err("it is read anew");
        known.remember(read(&[(8, "New")]), changes);
        assert_eq!(known.whose(&[8; 32]), Ok(Whose::Removed("New".to_owned())));
    }
}
