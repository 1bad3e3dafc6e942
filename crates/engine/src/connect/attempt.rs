//! One attempt, as it stands: its phase, the question it waits on, and the ways it ends.
//!
//! Owns: attempts in memory, ten minutes each. One that the app did not live to finish has left nothing
//! behind, unless it waits for a link (`connect::waiting`). Must not know: what an attempt does.

use super::{Plan, Proof, keep, leftovers::Leftovers, prove, waiting};
use crate::{
    Engine,
    oauth::{LetterBox, Loopback},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;
use wire::{
    AttemptId, AttemptView, Changed, Confirmed, Error, ErrorCode, IntegrationId, Kind, Phase,
    Question, Time, Topic,
};

/// Ten minutes (RFC 9700 section 4.7.1 asks for short-lived state).
pub(super) const LIFE_MS: i64 = 10 * 60_000;
/// An attempt that is over can still be read for as long.
const KEPT_MS: i64 = LIFE_MS;

/// Why an attempt stopped short.
pub(crate) enum Stopped {
    Failed(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// How an attempt began.
pub(super) struct Begun {
    pub id: AttemptId,
    /// Set on Reconnect.
    pub integration: Option<IntegrationId>,
    pub confirmed: Confirmed,
    pub started_at: Time,
}

/// One try to connect or reconnect.
pub(crate) struct Attempt {
    pub id: AttemptId,
    pub integration: Option<IntegrationId>,
    pub host: String,
    name: Mutex<String>,
    kind: Kind,
    pub started_at: Time,
    phase: Mutex<Phase>,
    confirmed: watch::Sender<Confirmed>,
    link: Mutex<Option<String>>,
    letters: Mutex<Option<LetterBox>>,
    leftovers: Mutex<Option<Leftovers>>,
    /// It is kept for a link that may come in another run.
    kept: AtomicBool,
    pub cancel: CancellationToken,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Attempt {
    pub(super) fn new(engine: &Engine, begun: Begun, plan: &Plan) -> Arc<Self> {
        let name = plan.name.clone().unwrap_or_else(|| plan.host());
        Self::named(engine, begun, (plan.host(), name, plan.kind))
    }

    /// One of an earlier run, of which nothing but that can be read.
    pub(super) fn unknown(engine: &Engine, id: AttemptId, started_at: Time) -> Arc<Self> {
        let begun = Begun {
            id,
            integration: None,
            confirmed: Confirmed::default(),
            started_at,
        };
        Self::named(engine, begun, (String::new(), String::new(), Kind::Api))
    }

    fn named(
        engine: &Engine,
        begun: Begun,
        (host, name, kind): (String, String, Kind),
    ) -> Arc<Self> {
        Arc::new(Self {
            id: begun.id,
            integration: begun.integration,
            host,
            name: Mutex::new(name),
            kind,
            started_at: begun.started_at,
            phase: Mutex::new(Phase::Checking),
            confirmed: watch::Sender::new(begun.confirmed),
            link: Mutex::new(None),
            letters: Mutex::new(None),
            leftovers: Mutex::new(None),
            kept: AtomicBool::new(false),
            cancel: engine.stopping().child_token(),
        })
    }

    pub fn view(&self) -> AttemptView {
        AttemptView {
            id: self.id,
            name: lock(&self.name).clone(),
            kind: self.kind,
            integration: self.integration,
            phase: lock(&self.phase).clone(),
            started_at: self.started_at,
            expires_at: self.started_at.plus(LIFE_MS),
        }
    }

    pub fn confirmed(&self) -> Confirmed {
        *self.confirmed.borrow()
    }

    /// From now on it goes by the name that the card will have.
    pub fn rename(&self, name: &str) {
        name.clone_into(&mut lock(&self.name));
    }

    pub fn set(&self, engine: &Engine, phase: Phase) {
        *lock(&self.phase) = phase;
        engine.tell(&Changed {
            topics: vec![Topic::Attempts],
        });
    }

    /// Waits until the admin has confirmed what `yes` looks at.
    pub async fn ask(
        &self,
        engine: &Engine,
        question: Question,
        yes: impl Fn(&Confirmed) -> bool,
    ) -> Result<(), Stopped> {
        let before = lock(&self.phase).clone();
        let mut answers = self.confirmed.subscribe();
        self.set(engine, Phase::Asking { question });
        self.or_stopped(async {
            // The sender is `self`, so it outlives this wait.
            let _ = answers.wait_for(|confirmed| yes(confirmed)).await;
            Ok(())
        })
        .await?;
        self.set(engine, before);
        Ok(())
    }

    /// Checks that `url` may be called; a private address is asked about once, and then may.
    pub async fn reach_or_ask(
        &self,
        engine: &Engine,
        url: &Url,
        private_hosts: &mut Vec<String>,
    ) -> Result<(), Stopped> {
        loop {
            let reach = crate::http::Reach {
                private_hosts: private_hosts.clone(),
            };
            let error = match self.or_stopped(engine.http().check(url, &reach)).await {
                Ok(()) => return Ok(()),
                Err(Stopped::Failed(error)) => error,
            };
            if error.code != ErrorCode::AddressPrivate {
                return Err(error.into());
            }
            let argument = |name: &str| error.args.get(name).cloned().unwrap_or_default();
            let host = argument("host");
            if !self.confirmed().private_address {
                let question = Question::PrivateAddress {
                    host: host.clone(),
                    address: argument("address"),
                };
                self.ask(engine, question, |confirmed| confirmed.private_address)
                    .await?;
            }
            // Each private host is confirmed by its own name: the next one asks again.
            self.confirmed
                .send_modify(|confirmed| confirmed.private_address = false);
            let host = url.host_str().map_or(host, str::to_ascii_lowercase);
            if private_hosts.contains(&host) {
                return Err(error.into());
            }
            private_hosts.push(host);
        }
    }

    /// Opens a page of the server's, and keeps its address for "open again" and "copy".
    pub fn open_page(&self, engine: &Engine, page: &str) {
        if let Err(why) = engine.desk().open_url(page) {
            tracing::warn!(why, "the browser could not be opened");
        }
        *lock(&self.link) = Some(page.to_owned());
    }

    /// Opens the browser at the loopback link, and keeps the link for "open again" and "copy".
    pub fn open_browser(&self, engine: &Engine, loopback: &Loopback) {
        // Where it fails it is not the end: the link can be copied and opened by hand.
        self.open_page(engine, &loopback.start_link());
    }

    /// Where a deep link's answer is put from now on, where that is the way back.
    pub(super) fn takes_links(&self, letters: Option<LetterBox>) {
        *lock(&self.letters) = letters;
    }

    /// What the authorization server now knows of this attempt, to be forgotten where it fails.
    pub(super) fn leaves(&self, left: Leftovers) {
        *lock(&self.leftovers) = Some(left);
    }

    /// The authorization server forgets what it knows of a try that came to nothing.
    pub(super) async fn clear_leftovers(&self, engine: &Engine) {
        let left = lock(&self.leftovers).take();
        if let Some(left) = left {
            left.clear(engine.http()).await;
        }
    }

    /// From now on it is on disk.
    pub(super) fn is_kept(&self) {
        self.kept.store(true, Ordering::Release);
    }

    /// True once: who asks takes it from the disk.
    pub(super) fn was_kept(&self) -> bool {
        self.kept.swap(false, Ordering::AcqRel)
    }

    /// `work`, unless the admin cancels first.
    pub async fn or_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Error::new(ErrorCode::AttemptCancelled).into()),
            result = work => Ok(result?),
        }
    }

    fn link(&self) -> Result<String, Error> {
        lock(&self.link)
            .clone()
            .ok_or_else(|| Error::new(ErrorCode::AttemptUnknown))
    }

    fn is_over(&self) -> bool {
        lock(&self.phase).is_over()
    }

    fn asks_about_other_account(&self) -> bool {
        matches!(
            &*lock(&self.phase),
            Phase::Asking {
                question: Question::OtherAccount { .. }
            }
        )
    }
}

/// The attempts of this run.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<AttemptId, Arc<Attempt>>>);

impl Attempts {
    /// Starts an attempt in the background.
    pub fn start(
        &self,
        engine: &Engine,
        plan: Plan,
        integration: Option<IntegrationId>,
        confirmed: Confirmed,
    ) -> AttemptView {
        let begun = Begun {
            id: AttemptId(uuid::Uuid::now_v7()),
            integration,
            confirmed,
            started_at: engine.now(),
        };
        let attempt = Attempt::new(engine, begun, &plan);
        let view = attempt.view();
        let (with, own) = (engine.clone(), attempt.clone());
        self.go(
            engine,
            attempt,
            async move { prove(&with, &own, plan).await },
        );
        view
    }

    /// Runs `work` to its end in the background, and keeps what it proves.
    pub(super) fn go(
        &self,
        engine: &Engine,
        attempt: Arc<Attempt>,
        work: impl Future<Output = Result<Proof, Stopped>> + Send + 'static,
    ) {
        self.remember(engine, attempt.clone());
        let engine = engine.clone();
        tokio::spawn(async move {
            let ends = engine.clock();
            let proved = tokio::select! {
                biased;
                result = work => result,
                () = ends.sleep_until(attempt.started_at.plus(LIFE_MS)) => {
                    Err(Error::new(ErrorCode::AttemptExpired).into())
                }
            };
            // Outside of the race: what is being saved is not called expired a moment later.
            let over = match proved {
                Ok(_) if attempt.cancel.is_cancelled() => {
                    Err(Error::new(ErrorCode::AttemptCancelled))
                }
                Ok(proof) => keep(&engine, &attempt, proof).await,
                Err(Stopped::Failed(error)) => Err(error),
            };
            match over {
                // It is kept by the vault from here on, and nowhere else.
                Ok(()) => drop(lock(&attempt.leftovers).take()),
                Err(error) => end(&engine, &attempt, error).await,
            }
        });
    }

    /// An attempt that is over before it could go on.
    pub(super) fn show_failed(&self, engine: &Engine, attempt: Arc<Attempt>, why: ErrorCode) {
        self.remember(engine, attempt.clone());
        let error = Error::new(why);
        attempt.set(engine, Phase::Failed { error });
    }

    fn remember(&self, engine: &Engine, attempt: Arc<Attempt>) {
        let now = engine.now();
        let mut all = lock(&self.0);
        all.retain(|_, old| !old.is_over() || now.since(old.started_at) < LIFE_MS + KEPT_MS);
        all.insert(attempt.id, attempt);
    }

    pub fn get(&self, id: AttemptId) -> Result<Arc<Attempt>, Error> {
        lock(&self.0)
            .get(&id)
            .cloned()
            .ok_or_else(|| Error::new(ErrorCode::AttemptUnknown))
    }

    /// Says yes to what the attempt asks just now, and to nothing that it may ask later.
    pub fn answer(&self, id: AttemptId, mut yes: Confirmed) -> Result<AttemptView, Error> {
        let attempt = self.get(id)?;
        if attempt.is_over() {
            return Err(Error::new(ErrorCode::AttemptUnknown));
        }
        let mut phase = lock(&attempt.phase);
        if let Phase::Asking { question } = &*phase
            && *flag(&mut yes, question)
        {
            let confirm = |confirmed: &mut Confirmed| *flag(confirmed, question) = true;
            attempt.confirmed.send_modify(confirm);
            // What the reply shows is no longer the question, though the attempt wakes a moment later.
            *phase = Phase::Checking;
        }
        drop(phase);
        Ok(attempt.view())
    }

    /// Gives the query of a deep link to the sign-in that waits for it. False where none does: wrong,
    /// late, or answered already.
    pub fn link_came(&self, query: &str) -> bool {
        let waiting: Vec<LetterBox> = lock(&self.0)
            .values()
            .filter(|attempt| !attempt.is_over() && !attempt.cancel.is_cancelled())
            .filter_map(|attempt| lock(&attempt.letters).clone())
            .collect();
        waiting.iter().any(|letters| letters.put(query))
    }

    /// Stops it; no error where it is over or unknown.
    pub fn cancel(&self, id: AttemptId) {
        if let Ok(attempt) = self.get(id) {
            attempt.cancel.cancel();
        }
    }

    /// Stops those of an integration that is being disconnected: nothing is to be signed in anew for it.
    pub(super) fn cancel_all_of(&self, id: IntegrationId) {
        for attempt in lock(&self.0).values() {
            if attempt.integration == Some(id) {
                attempt.cancel.cancel();
            }
        }
    }

    /// The loopback link that leads to the sign-in page.
    pub fn link(&self, id: AttemptId) -> Result<String, Error> {
        let attempt = self.get(id)?;
        if attempt.is_over() {
            return Err(Error::new(ErrorCode::AttemptUnknown));
        }
        attempt.link()
    }
}

/// The attempt came to nothing: nothing of it stays, here or at the authorization server. Where it is the
/// app that ends, an answer may still come to the next run of it.
async fn end(engine: &Engine, attempt: &Attempt, error: Error) {
    tracing::info!(error = %error, "attempt ended");
    let app_ends = engine.stopping().is_cancelled() && attempt.kept.load(Ordering::Acquire);
    let was_other_account = attempt.asks_about_other_account();
    attempt.set(engine, Phase::Failed { error });
    if app_ends {
        return;
    }
    if let Err(error) = waiting::drop_kept(engine, attempt).await {
        tracing::warn!(error = %error, "a sign-in that is over could not be forgotten");
    }
    let left = lock(&attempt.leftovers).take();
    if let Some(mut left) = left {
        // Another person's grant is another one, whoever the client is.
        if !was_other_account {
            left.spare_shared(engine).await;
        }
        left.clear(engine.http()).await;
    }
}

/// Which yes answers it.
fn flag<'a>(of: &'a mut Confirmed, question: &Question) -> &'a mut bool {
    match question {
        Question::PrivateAddress { .. } => &mut of.private_address,
        Question::Duplicate { .. } => &mut of.duplicate,
        Question::OtherAccount { .. } => &mut of.other_account,
        Question::OtherIssuer { .. } => &mut of.other_issuer,
    }
}
