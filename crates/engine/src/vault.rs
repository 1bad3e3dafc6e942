//! The vault: seals credentials, opens them, and destroys them.
//!
//! Owns: the one key in the OS keyring, the sealed rows, the anchor beside the database, and the
//! secrets of a run that keeps nothing. Must not know: what a credential is for, OAuth, networks.
//!
//! What holds:
//! - A credential and its metadata change in one commit that is on disk before anybody is told.
//! - A key is made only where nothing is sealed that it could not open, or where the admin gives a
//!   fresh credential after the keyring lost the old one. Locked, absent and hanging keyrings are
//!   never written, and nothing in them is deleted.
//! - A credential older than the newest that was used is never opened ([`anchor`]).
//! - After [`Vault::destroy`] no copy of the database made before it opens anything.

mod anchor;
mod apps;
mod beside;
mod credential;
mod destroy;
pub mod keyring;
mod load;
pub(crate) mod record;
mod seal;
mod tidy;
pub(crate) mod waiting;

pub use credential::{ClientAuth, Credential, LIMIT, OAuthCredential};

use crate::{
    ports::{Keyring, KeyringError},
    store::{
        Durability, Kept, Store, Tx,
        credentials::{self, CredentialRow, Form, Sealed},
        integrations,
    },
};
use anchor::{Age, Anchor};
use keyring::Asker;
use seal::{Key, Place};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::RwLock;
use wire::{Error, ErrorCode, Fix, IntegrationId, KeyringView, Topic};
use zeroize::Zeroizing;

/// Characters of a keyring's own words that are shown.
const WORDS: usize = 300;
/// Looks at the row, at most, while it changes under the reader.
const LOOKS: u32 = 20;
/// Between a commit and the memory that learns of it.
const A_MOMENT: Duration = Duration::from_millis(5);
/// What a lost race says, so that callers can tell ([`is_superseded`]).
const SUPERSEDED: &str = "a newer credential was saved meanwhile";

/// See the module. Cloning is cheap.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    store: Store,
    asker: Asker,
    anchor_file: PathBuf,
    /// Names and sealed rows, as they were last read.
    rows: Kept<IntegrationId, (String, Option<CredentialRow>)>,
    state: Mutex<State>,
    /// Held by the one task that owes a backup.
    settling: Arc<tokio::sync::Mutex<()>>,
    /// Held by whoever asks the keyring for keys or changes which there are.
    keys: tokio::sync::Mutex<()>,
    /// Many save at once; a destroy, which changes the key under all of them, does so alone.
    gate: RwLock<()>,
    anchor_writing: tokio::sync::Mutex<()>,
    /// Held by whoever tells the anchor of the record.
    telling: tokio::sync::Mutex<()>,
    /// See [`Vault::still`].
    still: Arc<tokio::sync::Mutex<()>>,
    #[cfg(test)]
    on_step: Mutex<Option<OnStep>>,
}

#[cfg(test)]
type OnStep = Box<dyn Fn(destroy::Step) + Send>;

struct State {
    view: KeyringView,
    /// Credentials are kept in memory only, as the admin chose.
    session_only: bool,
    /// By generation; only those in use.
    keys: BTreeMap<u64, Key>,
    current: Option<Current>,
    anchor: Option<Anchor>,
    /// The file lacks what the memory has: it is written again.
    anchor_is_behind: bool,
    session: BTreeMap<IntegrationId, (u64, Zeroizing<Vec<u8>>)>,
    /// How the keyring was when it was last asked in vain.
    fault: Option<KeyringError>,
    /// Times that the keyring was asked: those who wait for one answer share it.
    asked: u64,
    /// Something is left to clean up in the keyring or on disk.
    leftovers: bool,
    record: record::Known,
}

/// The key that seals.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Current {
    generation: u64,
}

impl Vault {
    /// Asks nothing yet. The anchor lies in `folder`.
    #[must_use]
    pub fn new(store: Store, keyring: Arc<dyn Keyring>, folder: &Path) -> Self {
        Self::with_limit(store, keyring, folder, keyring::LIMIT)
    }

    fn with_limit(store: Store, keyring: Arc<dyn Keyring>, folder: &Path, limit: Duration) -> Self {
        Self(Arc::new(Inner {
            store,
            asker: Asker::new(keyring, limit),
            anchor_file: anchor::file(folder),
            rows: Kept::default(),
            state: Mutex::new(State {
                view: KeyringView::Unasked,
                session_only: false,
                keys: BTreeMap::new(),
                current: None,
                anchor: None,
                anchor_is_behind: false,
                session: BTreeMap::new(),
                fault: None,
                asked: 0,
                leftovers: false,
                record: record::Known::default(),
            }),
            settling: Arc::default(),
            keys: tokio::sync::Mutex::new(()),
            gate: RwLock::new(()),
            anchor_writing: tokio::sync::Mutex::new(()),
            telling: tokio::sync::Mutex::new(()),
            still: Arc::default(),
            #[cfg(test)]
            on_step: Mutex::new(None),
        }))
    }

    /// How the keyring is, as far as it was asked.
    #[must_use]
    pub fn state(&self) -> KeyringView {
        self.lock().view
    }

    /// Makes sure that credentials can be opened and saved: the key is in memory, made on first
    /// use. Asks the keyring once a run; a failure is asked anew by the next call.
    ///
    /// # Errors
    /// `KeyringAbsent`, `KeyringLocked`, `KeyringHanging` (after 5 s), `KeyringFailed`;
    /// `KeyringLost` where the keyring answers but the key that sealed is gone (then
    /// [`Vault::ready_to_save`] may still be well); those of the store.
    pub async fn ready(&self) -> Result<(), Error> {
        if self.lock().session_only {
            return Ok(());
        }
        self.load(load::Need::KEY).await
    }

    /// Like [`Vault::ready`], but well where the old key is lost: a fresh credential can be saved
    /// under a new one. What to ask before connecting or reconnecting.
    ///
    /// # Errors
    /// Those of [`Vault::ready`] but `KeyringLost`.
    pub async fn ready_to_save(&self) -> Result<(), Error> {
        match self.ready().await {
            Err(error) if error.code == ErrorCode::KeyringLost => Ok(()),
            other => other,
        }
    }

    /// Asks the keyring to unlock by its own prompt, waits for the person (two minutes at most),
    /// and looks again. Ends session-only where the keyring then answers.
    pub async fn unlock(&self) -> KeyringView {
        // The view tells how it went.
        let answers = match self.load(load::Need::UNLOCK).await {
            Ok(()) => true,
            Err(error) => error.code == ErrorCode::KeyringLost,
        };
        if answers {
            self.lock().session_only = false;
        } else if self.lock().session_only {
            return self.use_session_only();
        }
        self.state()
    }

    /// From now on credentials are kept in memory for this run only, and the keyring is not asked.
    pub fn use_session_only(&self) -> KeyringView {
        self.lock().session_only = true;
        self.show(KeyringView::SessionOnly);
        KeyringView::SessionOnly
    }

    /// Seals `credential` and puts it in the place of the integration's in one commit with `also`
    /// (which adds the integration itself where it is new). With `expect`, only where that is still
    /// the stored generation: it is a renewed one, which a server has put in the place of the old, and is
    /// kept as by [`Store::append`]. Goes through also where the caller stops waiting.
    ///
    /// Returns the new generation and what `also` returned.
    ///
    /// # Errors
    /// The keyring's as in [`Vault::ready_to_save`]; `IntegrationUnknown` where there is no such
    /// integration (any more); one that [`is_superseded`] knows where `expect` was not met; those
    /// of `also` and of the store. Nothing is changed then.
    pub async fn save<T: Send + 'static>(
        &self,
        id: IntegrationId,
        credential: Credential,
        expect: Option<u64>,
        also: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<(u64, T), Error> {
        let vault = self.clone();
        run(async move { vault.save_now(id, &credential, expect, also).await }).await
    }

    async fn save_now<T: Send + 'static>(
        &self,
        id: IntegrationId,
        credential: &Credential,
        expect: Option<u64>,
        also: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<(u64, T), Error> {
        let about = credential.about();
        let secret = match credential {
            Credential::None => None,
            Credential::Bearer { .. }
            | Credential::Header { .. }
            | Credential::Query { .. }
            | Credential::Basic { .. }
            | Credential::OAuth(_) => Some(credential.to_bytes()?),
        };
        let session_only = self.lock().session_only;
        if secret.is_some() && !session_only {
            self.load(load::Need::SEAL).await?;
        }
        let gate = self.0.gate.read().await;
        let key = self.current_key();
        let known = self
            .lock()
            .anchor
            .as_ref()
            .map_or(0, |anchor| anchor.newest(id));
        let kept = session_only.then(|| secret.clone()).flatten();
        let put = move |tx: &mut Tx<'_>| {
            tx.undoable()?;
            let before = credentials::find(tx, id)?.map_or(0, |row| row.generation);
            if expect.is_some_and(|expected| expected != before) {
                return Err(superseded(tx, id)?);
            }
            let value = also(tx)?;
            integrations::get(tx, id)?;
            let generation = before.max(known) + 1;
            let form = match &secret {
                None => Form::None,
                Some(_) if session_only => Form::Session,
                Some(secret) => {
                    let (key_generation, key) = key.ok_or_else(no_key)?;
                    let place = Place {
                        integration: id,
                        generation,
                    };
                    let (wrapped_key, sealed) = seal::seal(&key, place, secret)?;
                    Form::Sealed(Sealed {
                        key_generation,
                        wrapped_key,
                        sealed,
                    })
                }
            };
            let held = matches!(form, Form::Sealed(_));
            credentials::put(
                tx,
                &CredentialRow {
                    integration: id,
                    generation,
                    form,
                    held,
                },
                &about,
            )?;
            crate::steps::reached(crate::steps::Step::Sealed);
            Ok((generation, value))
        };
        let store = &self.0.store;
        let (generation, value) = match expect {
            Some(_) => store.append(Durability::Full, put).await?,
            None => store.write(Durability::Full, put).await?,
        };
        crate::steps::reached(crate::steps::Step::Committed);
        self.remember(id, generation, kept).await;
        drop(gate);
        Ok((generation, value))
    }

    /// Opens the integration's credential; its generation comes with it.
    ///
    /// # Errors
    /// The keyring's as in [`Vault::ready`]; `IntegrationUnknown`; `CredentialRestored`
    /// (`integration`) where a newer one was used: it must not be sent; `CredentialUnreadable`
    /// (`integration`) where its bytes do not open, or were kept for an earlier run only.
    pub async fn open(&self, id: IntegrationId) -> Result<(Credential, u64), Error> {
        let mut looked_at = None;
        // Again where a save or a destroy came between the row and the memory.
        for _ in 0..LOOKS {
            // Whoever opens one after another lets others go on, too.
            tokio::task::coop::consume_budget().await;
            let row = self.0.rows.get(&self.0.store, id, |connection, id| {
                let name = integrations::get(connection, *id)?.name;
                Ok((name, credentials::find(connection, *id)?))
            })?;
            let (name, row) = &*row;
            let row = row
                .as_ref()
                .ok_or_else(|| about(ErrorCode::CredentialUnreadable, name))?;
            let opened = match &row.form {
                Form::None => return Ok((Credential::None, row.generation)),
                Form::Session => self.kept_in_memory(id, row.generation, name),
                Form::Sealed(sealed) => self.unseal(id, row.generation, sealed, name),
            };
            match (opened, &row.form) {
                (Some(Ok(opened)), _) => return Ok(opened),
                // The memory learns of a save after its commit: a row that was read before it looks
                // as old as one from a backup. Read anew, only that one is still the same.
                (Some(Err(error)), _) if looked_at == Some(row.generation) => return Err(error),
                (Some(Err(_)), _) => looked_at = Some(row.generation),
                (None, Form::Sealed(sealed)) => {
                    self.load(load::Need::generation(sealed.key_generation))
                        .await?;
                }
                (None, Form::None | Form::Session) => tokio::time::sleep(A_MOMENT).await,
            }
        }
        Err(keyring::lost())
    }

    /// `None` where its key or the anchor is not in memory.
    fn unseal(
        &self,
        id: IntegrationId,
        generation: u64,
        sealed: &Sealed,
        name: &str,
    ) -> Option<Result<(Credential, u64), Error>> {
        let (key, age) = {
            let state = self.lock();
            let key = state.keys.get(&sealed.key_generation)?.clone();
            (key, state.anchor.as_ref()?.age(id, generation))
        };
        match age {
            Age::Restored => return Some(Err(about(ErrorCode::CredentialRestored, name))),
            Age::Newest => {}
        }
        let place = Place {
            integration: id,
            generation,
        };
        let opened = seal::open(&key, place, &sealed.wrapped_key, &sealed.sealed)
            .and_then(|bytes| Credential::from_bytes(&bytes))
            .map(|credential| (credential, generation))
            .ok_or_else(|| about(ErrorCode::CredentialUnreadable, name));
        Some(opened)
    }

    /// `None` where the memory holds another generation: a save is under way.
    fn kept_in_memory(
        &self,
        id: IntegrationId,
        generation: u64,
        name: &str,
    ) -> Option<Result<(Credential, u64), Error>> {
        let state = self.lock();
        let opened = match state.session.get(&id) {
            Some((kept, _)) if *kept != generation => return None,
            Some((_, bytes)) => Credential::from_bytes(bytes),
            // Kept for an earlier run only.
            None => None,
        };
        Some(
            opened
                .map(|credential| (credential, generation))
                .ok_or_else(|| about(ErrorCode::CredentialUnreadable, name)),
        )
    }

    /// After a commit: the anchor learns of it, and the run's own memory.
    async fn remember(&self, id: IntegrationId, generation: u64, kept: Option<Zeroizing<Vec<u8>>>) {
        {
            let mut state = self.lock();
            match kept {
                Some(bytes) => state.session.insert(id, (generation, bytes)),
                None => state.session.remove(&id),
            };
            if let Some(anchor) = &mut state.anchor {
                anchor.raise(id, generation);
            }
        }
        if let Err(error) = self.write_anchor().await {
            // The next load raises it: until then a restored database may go unseen, no more.
            tracing::error!(%error, "the anchor could not be written");
        }
    }

    /// Where a test may look at everything as a crash would leave it.
    #[cfg(test)]
    fn reached(&self, step: destroy::Step) {
        if let Some(look) = &*self
            .0
            .on_step
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
        {
            look(step);
        }
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self)]
    fn reached(&self, _step: destroy::Step) {}

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows how the keyring is, and says so where that is news.
    fn show(&self, view: KeyringView) {
        let before = std::mem::replace(&mut self.lock().view, view);
        if before != view {
            self.0.store.announce([Topic::App]);
        }
    }
}

/// True for the error of a [`Vault::save`] whose `expect` was not met: another save came first, and
/// its credential stands.
#[must_use]
pub fn is_superseded(error: &Error) -> bool {
    error.code == ErrorCode::Internal && error.args.get("why").is_some_and(|why| why == SUPERSEDED)
}

/// A keyring's words: short, in one line, without control characters.
pub(crate) fn short(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(WORDS)
        .collect()
}

/// Runs to its end also where nobody waits any more.
async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work)
        .await
        .map_err(|_| internal("the vault's task ended"))?
}

fn superseded(tx: &Tx<'_>, id: IntegrationId) -> Result<Error, Error> {
    integrations::get(tx, id)?;
    Ok(internal(SUPERSEDED))
}

fn about(code: ErrorCode, name: &str) -> Error {
    Error::new(code)
        .with("integration", name)
        .fix(Fix::Reconnect)
}

fn no_key() -> Error {
    internal("the vault has no key")
}

fn internal(why: &str) -> Error {
    Error::new(ErrorCode::Internal).with("why", why)
}

fn refused(fault: &KeyringError) -> Error {
    match fault {
        KeyringError::Absent => Error::new(ErrorCode::KeyringAbsent),
        KeyringError::Locked => Error::new(ErrorCode::KeyringLocked),
        KeyringError::Hanging => Error::new(ErrorCode::KeyringHanging)
            .with("seconds", keyring::LIMIT.as_secs().to_string()),
        KeyringError::Failed(why) => Error::new(ErrorCode::KeyringFailed).with("why", short(why)),
    }
    .fix(Fix::Unlock)
}

#[cfg(test)]
mod tests;
