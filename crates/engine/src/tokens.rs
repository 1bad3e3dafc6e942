//! The credential to use now: opened, and renewed first where it is about to end.
//!
//! Owns: single flight (one refresh at a time for each integration, with a second look after the
//! lock) and the rows of token requests. Must not know: what the credential is used for.

mod due;

use crate::{
    Engine, Live, apps,
    calls::{self, Journal},
    connectors::Config,
    finish::to_the_end,
    health::asked_pause_ms,
    integrations::{
        self, After, Integration,
        status::{End, Renewal, Signal},
    },
    oauth::{self, RefreshError},
    steps::{self, Step},
    store::{self, Durability, calls::OutcomeRow},
    vault::{Credential, OAuthCredential, is_superseded},
};
use wire::{Because, Error, ErrorCode, IntegrationId, RowKind, Time};

/// After a refresh that brought nothing, half a minute without another.
const PAUSE_MS: i64 = 30_000;
/// What was refused for good is asked for again after an hour at the earliest.
const REFUSED_MS: i64 = 3_600_000;

/// Which credential will do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// One that is not about to end.
    Current,
    /// One newer than this generation, which was just refused (401), whatever the clock says.
    NewerThan(u64),
    /// A renewed one, though this one still lives: its grant comes to an end, or would die of idleness.
    Renewed,
}

/// A token that was refused as soon as it was new is not the trouble; for five minutes nobody asks for another.
const USELESS_MS: i64 = 5 * 60_000;

/// What the last refresh of an integration came to, where it brought nothing, or nothing that helped.
#[derive(Default)]
pub(crate) struct LastRefresh {
    failed: Option<Failed>,
    useless: Option<Useless>,
}

/// A generation that was refused where its refresh was to help.
struct Useless {
    generation: u64,
    at: Time,
}

struct Failed {
    generation: u64,
    at: Time,
    until: Time,
    error: Error,
}

impl LastRefresh {
    /// The error that answers for a refresh that is not worth another try yet. An admin who presses a
    /// button is not held to it, but for a server that asked to be left alone.
    fn stands(&self, generation: u64, because: &Because, now: Time) -> Option<Error> {
        let failed = self.failed.as_ref()?;
        let asked_for = matches!(because, Because::Admin { .. });
        let stands = failed.generation == generation
            // A clock that went back ends it, too.
            && (failed.at..failed.until).contains(&now)
            && (!asked_for || failed.error.code == ErrorCode::RateLimited);
        stands.then(|| failed.error.clone())
    }

    fn failed(&mut self, generation: u64, error: &Error, now: Time) {
        if self
            .failed
            .as_ref()
            .is_some_and(|last| last.error == *error && now < last.until)
        {
            // The same answer handed on: it does not stand longer for that.
            return;
        }
        let pause = match error.code {
            ErrorCode::OauthInvalidGrant | ErrorCode::OauthClientGone => REFUSED_MS,
            ErrorCode::RateLimited => asked_pause_ms(error),
            _ => PAUSE_MS,
        };
        self.failed = Some(Failed {
            generation,
            at: now,
            until: now.plus(pause),
            error: error.clone(),
        });
    }

    /// The path that was asked for refuses this token, new as it is.
    pub(crate) fn was_useless(&mut self, generation: u64, now: Time) {
        self.useless = Some(Useless {
            generation,
            at: now,
        });
    }

    /// Whether a refresh would be for a path that refuses any token. A check, and an admin, ask all the same.
    fn is_useless(&self, need: Need, because: &Because, now: Time) -> bool {
        self.useless.as_ref().is_some_and(|last| {
            need == Need::NewerThan(last.generation)
                && (last.at..last.at.plus(USELESS_MS)).contains(&now)
                && !matches!(because, Because::Admin { .. } | Because::Health)
        })
    }
}

/// The credential of `id` and its generation, renewed first where `need` asks for it, and a renewal may help.
pub(crate) async fn credential(
    engine: &Engine,
    id: IntegrationId,
    need: Need,
    because: &Because,
) -> Result<(Credential, u64), Error> {
    let (credential, generation) = engine.vault().open(id).await?;
    if !must_renew(&credential, generation, need, engine.now()) {
        return Ok((credential, generation));
    }
    let live = engine.live(id).await?;
    // A 401 is an answer: the network is back, though the monitor may not know yet.
    let nothing_answers =
        engine.network().is_offline() && !live.is_local && !matches!(need, Need::NewerThan(_));
    if nothing_answers {
        // No token request then: what is at hand is tried, and fails by itself.
        return Ok((credential, generation));
    }
    let need = match need {
        Need::Renewed => Need::NewerThan(generation),
        Need::Current | Need::NewerThan(_) => need,
    };
    // Also where whoever asked is gone meanwhile: the row of the request gets its outcome. And also where
    // the app ends: the server has put the new pair in the place of the old one.
    let (own, because) = (engine.clone(), because.clone());
    let renewing = async move { renewed(&own, (id, &live), need, &because).await };
    to_the_end(engine.renewals().track_future(renewing)).await
}

/// The same, by one at a time.
async fn renewed(
    engine: &Engine,
    (id, live): (IntegrationId, &Live),
    need: Need,
    because: &Because,
) -> Result<(Credential, u64), Error> {
    // Whoever waits here finds the new pair, or why there is none, and asks for nothing.
    let mut last = live.refreshing.lock().await;
    let (credential, generation) = engine.vault().open(id).await?;
    if !must_renew(&credential, generation, need, engine.now()) {
        return Ok((credential, generation));
    }
    let Credential::OAuth(old) = &credential else {
        return Ok((credential, generation));
    };
    if last.is_useless(need, because, engine.now()) {
        return Ok((credential, generation));
    }
    if engine.stopping().is_cancelled() {
        return Err(Error::new(ErrorCode::CallCancelled).with("host", live.name()));
    }
    let renewed = match last.stands(generation, because, engine.now()) {
        Some(error) => Err(error),
        None => renew(engine, id, old, generation, because).await,
    };
    if let Err(error) = &renewed {
        last.failed(generation, error, engine.now());
    }
    match renewed {
        Ok(renewed) => Ok(renewed),
        // A token that still lives serves on while its issuer has a bad moment.
        Err(error)
            if still_lives(old, need, engine.now())
                && error.code != ErrorCode::OauthInvalidGrant =>
        {
            tracing::warn!(integration = %id, error = %error, "refresh failed; the token still lives");
            Ok((credential, generation))
        }
        Err(error) => Err(error),
    }
}

fn must_renew(credential: &Credential, generation: u64, need: Need, now: Time) -> bool {
    let Credential::OAuth(oauth) = credential else {
        return false;
    };
    if oauth.refresh.is_none() {
        return false;
    }
    match need {
        Need::Renewed => true,
        Need::NewerThan(refused) => generation <= refused,
        Need::Current => oauth
            .expires_at
            .is_some_and(|end| now >= due::renew_from(oauth.received_at, end)),
    }
}

fn still_lives(credential: &OAuthCredential, need: Need, now: Time) -> bool {
    need == Need::Current && credential.expires_at.is_none_or(|end| now < end)
}

async fn renew(
    engine: &Engine,
    id: IntegrationId,
    old: &OAuthCredential,
    generation: u64,
    because: &Because,
) -> Result<(Credential, u64), Error> {
    let found = engine
        .store()
        .read(move |conn| Integration::get(conn, id))
        .await?;
    // What cannot be kept is not asked for: the server would put it in the place of what is held.
    engine.vault().ready_to_save().await?;
    let reach = found.config.reach();
    let journal = Journal::begin(
        engine,
        RowKind::Token,
        Some((id, found.row.name.clone())),
        "token.refresh",
        because,
    )
    .await?;
    steps::reached(Step::Intended);
    let mut answer = oauth::refresh(engine.http(), &reach, old, engine.now()).await;
    if matches!(answer, Err(RefreshError::Ambiguous(_))) {
        // The answer was lost: servers with a grace window take the same token once more.
        answer = oauth::refresh(engine.http(), &reach, old, engine.now()).await;
    }
    if let Err(RefreshError::Transient(error)) = &answer
        && error.code == ErrorCode::OauthClientGone
        && let Some(secret) = apps::newer_secret(engine, found.row.provider.as_deref(), old).await
    {
        let client = OAuthCredential {
            client_secret: Some(secret),
            ..old.clone()
        };
        answer = oauth::refresh(engine.http(), &reach, &client, engine.now()).await;
    }
    let new = match answer {
        Ok(new) => new,
        Err(refusal) => {
            let (error, signal) = match refusal {
                RefreshError::InvalidGrant(error) => (error, Some(Signal::RefreshRefused)),
                RefreshError::Ambiguous(error) => (error, Some(Signal::RefreshAmbiguous)),
                RefreshError::Transient(error) => (error, None),
            };
            let outcome = journal.outcome(engine.now(), Some(&error), "");
            return refused(engine, (id, generation), outcome, signal)
                .await
                .and(Err(error));
        }
    };
    steps::reached(Step::Answered);
    let outcome = journal.outcome(engine.now(), None, "a fresh token");
    let (copy, now) = (new.clone(), engine.now());
    let signal = Signal::Refreshed { end: end_of(&new) };
    let saved = engine
        .vault()
        .save(
            id,
            Credential::OAuth(Box::new(new)),
            Some(generation),
            move |tx| {
                store::calls::finish(tx, &outcome)?;
                integrations::apply(tx, id, &signal, now)
            },
        )
        .await;
    match saved {
        Ok((generation, after)) => {
            steps::reached(Step::Anchored);
            engine.network().ask(id, after);
            Ok((Credential::OAuth(Box::new(copy)), generation))
        }
        // Reconnected meanwhile: what is stored now is newer than what was renewed.
        Err(error) if is_superseded(&error) => {
            journal.fail(engine, &error).await?;
            engine.vault().open(id).await
        }
        Err(error) => {
            journal.fail(engine, &error).await?;
            Err(error)
        }
    }
}

/// Writes that a refresh brought nothing, and takes its signal in: only where the credential that was
/// sent is still the one that stands (a reconnect may have taken its place meanwhile).
async fn refused(
    engine: &Engine,
    (id, sent): (IntegrationId, u64),
    outcome: OutcomeRow,
    signal: Option<Signal>,
) -> Result<(), Error> {
    let (now, row) = (engine.now(), outcome.clone());
    let written = engine
        .store()
        // Also where nothing can be filed just then: it was sent.
        .append(Durability::Full, move |tx| {
            tx.undoable()?;
            store::calls::finish(tx, &outcome)?;
            let stands = store::credentials::generation(tx, id)? == Some(sent);
            let after = match signal.filter(|_| stands) {
                Some(signal) => integrations::apply(tx, id, &signal, now)?,
                None => After::default(),
            };
            Ok(Some((id, after)))
        })
        .await;
    calls::settled(engine, row, written)
}

/// When the connection ends for good: the refresh token's own end, or, without one, the access
/// token's.
pub(crate) fn end(credential: &Credential) -> Option<End> {
    match credential {
        Credential::OAuth(oauth) => end_of(oauth),
        Credential::None
        | Credential::Bearer { .. }
        | Credential::Header { .. }
        | Credential::Query { .. }
        | Credential::Basic { .. } => None,
    }
}

fn end_of(oauth: &OAuthCredential) -> Option<End> {
    let (at, renewal) = match oauth.refresh {
        Some(_) => (oauth.refresh_expires_at, Renewal::ByRefresh),
        None => (oauth.expires_at, Renewal::Never),
    };
    at.map(|at| End {
        renewal,
        ..End::fixed(oauth.received_at, at)
    })
}

impl Config {
    /// The first page of its origin; `None` of the sample.
    #[must_use]
    pub fn root(&self) -> Option<reqwest::Url> {
        let mut root = match self {
            Self::Sample => return None,
            Self::Mcp { url, .. } => reqwest::Url::parse(url).ok()?,
            Self::Api { base_url, .. } => reqwest::Url::parse(base_url).ok()?,
        };
        root.set_path("/");
        root.set_query(None);
        root.set_fragment(None);
        Some(root)
    }

    /// Where requests of this integration may go.
    #[must_use]
    pub fn reach(&self) -> crate::http::Reach {
        let hosts = match self {
            // The sample is this process, on loopback.
            Self::Sample => vec!["127.0.0.1".to_owned()],
            Self::Mcp { private_hosts, .. } | Self::Api { private_hosts, .. } => {
                private_hosts.clone()
            }
        };
        crate::http::Reach {
            private_hosts: hosts,
        }
    }
}
