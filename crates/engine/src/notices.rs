//! Notices: an admin is told once of each episode, by every channel.
//!
//! Owns: the workers that deliver what the outbox (`store::deliveries`) holds, what is said, and the
//! inbox. Must not know: when an episode begins or ends (`integrations::status`).
//!
//! A notice and its deliveries are written in the commit of the status that caused them. A worker for
//! each channel brings what the channel shows to what it should show ([`plan`]), and notes it in a
//! commit of its own. Where the app dies between the two, the next run tells again under the same id:
//! what takes its own place is seen once. A channel that cannot replace is noted first and told then.

pub mod icons;
mod inbox;
mod plan;
#[cfg(target_os = "linux")]
pub mod popups;
pub(crate) mod slack;
mod text;

pub(crate) use inbox::{list, see, snooze};

use crate::{
    Engine,
    agents::ends::agent_of,
    calls::approval,
    crons,
    health::origin,
    integrations::Integration,
    ports::{PopupEvent, Press},
    store::{
        Durability, Tx,
        deliveries::{self, CHANNELS, Channel, Item, Told},
        notices::{self, NoticeRow},
    },
};
use plan::{Act, Can};
use rusqlite::Connection;
use std::sync::{Mutex, PoisonError};
use tokio::sync::broadcast::error::RecvError;
use wire::{Errand, Error, IntegrationId, NoticeId, NoticeKind, Reason, Time, Topic};

/// The first pause after a failure, in milliseconds; each further one is twice as long.
const RETRY_MS: i64 = 5_000;
/// The longest pause.
const RETRY_MAX_MS: i64 = 5 * 60_000;
/// A worker that waits for nothing looks this often.
const REST_MS: i64 = 3_600_000;

/// What the workers and the window share.
#[derive(Default)]
pub(crate) struct Outbox {
    /// One delivery at a time: a press waits for the handle that is just being noted.
    native: tokio::sync::Mutex<()>,
    slack: tokio::sync::Mutex<()>,
    unfound: slack::Unfound,
    errand: Mutex<Option<Errand>>,
}

impl Outbox {
    /// Where a pressed popup leads, once.
    pub fn take_errand(&self) -> Option<Errand> {
        self.errand().take()
    }

    /// Where the page is to go next, in the place of any other.
    pub fn leave(&self, errand: Errand) {
        *self.errand() = Some(errand);
    }

    fn errand(&self) -> std::sync::MutexGuard<'_, Option<Errand>> {
        self.errand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, channel: Channel) -> &tokio::sync::Mutex<()> {
        match channel {
            Channel::Native => &self.native,
            Channel::Slack => &self.slack,
        }
    }
}

/// Opens a notice and puts it on its way, in the commit that learned of its cause.
pub(crate) fn open(tx: &Tx<'_>, found: &Integration, notice: NoticeRow) -> Result<(), Error> {
    notices::open(tx, &notice)?;
    deliveries::queue(tx, &notice, &cause(found, notice.kind, &notice.reason))
}

/// The same for a cron that cannot start.
pub(crate) fn open_stuck(tx: &Tx<'_>, notice: NoticeRow, why: &Error) -> Result<(), Error> {
    let of = why.args.get("integration").map_or("", String::as_str);
    notices::open(tx, &notice)?;
    deliveries::queue(tx, &notice, &format!("cron {:?} {of}", why.code))
}

/// The same for an agent whose token ends.
pub(crate) fn open_of_agent(tx: &Tx<'_>, notice: NoticeRow) -> Result<(), Error> {
    notices::open(tx, &notice)?;
    deliveries::queue(tx, &notice, "expiring agent")
}

/// What a channel tells of, or should.
fn pending(conn: &Connection, channel: Channel, now: Time) -> Result<Vec<Vec<Item>>, Error> {
    let mut bundles = deliveries::pending(conn, channel)?;
    for item in bundles.iter_mut().flatten() {
        item.resumes = item.notice.well_since.is_some()
            && item.notice.kind == NoticeKind::Failing
            && crons::resumable(conn, item.notice.integration, now)?;
    }
    Ok(bundles)
}

/// What makes two notices one: what fails at one provider or host for one reason, and what fails
/// everywhere for a reason that lies here.
fn cause(found: &Integration, kind: NoticeKind, reason: &Reason) -> String {
    let place = match reason {
        Reason::Unreachable { .. }
        | Reason::RestoredFromBackup
        | Reason::KeyringLost
        | Reason::RunEnded => String::new(),
        Reason::Ok
        | Reason::RateLimited { .. }
        | Reason::EndsOn { .. }
        | Reason::VendorEnds { .. }
        | Reason::Rejected { .. }
        | Reason::NeedsAccess { .. }
        | Reason::IssuerChanged => found.row.provider.clone().unwrap_or_else(|| origin(found)),
    };
    let kind = match kind {
        NoticeKind::Expiring => "expiring",
        NoticeKind::Failing => "failing",
    };
    format!("{kind} {} {place}", reason.as_str())
}

/// Delivers until the engine stops: one worker for each channel, so that none delays another.
pub(crate) fn run(engine: &Engine) {
    for channel in CHANNELS {
        tokio::spawn(work(engine.clone(), *channel));
    }
}

async fn work(engine: Engine, channel: Channel) {
    // Before the first look, so that nothing falls between.
    let mut changes = engine.store().changes();
    let (stopping, clock) = (engine.stopping(), engine.clock());
    loop {
        let next = match deliver(&engine, channel).await {
            Ok(next) => next.unwrap_or_else(|| engine.now().plus(REST_MS)),
            Err(error) => {
                tracing::warn!(%error, "notices are not delivered");
                engine.now().plus(RETRY_MS)
            }
        };
        let changed = async {
            loop {
                match changes.recv().await {
                    Ok(changed) if changed.topics.contains(&Topic::Notices) => return true,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return true,
                    Err(RecvError::Closed) => return false,
                }
            }
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = clock.sleep_until(next) => {}
            open = changed => if !open { return },
        }
    }
}

/// Brings what the channel shows to what it should show. When there is more to do by the clock.
pub(crate) async fn deliver(engine: &Engine, channel: Channel) -> Result<Option<Time>, Error> {
    let _turn = engine.outbox().turn(channel).lock().await;
    match channel {
        Channel::Native => on_the_desk(engine).await,
        Channel::Slack => slack::deliver(engine).await,
    }
}

async fn on_the_desk(engine: &Engine) -> Result<Option<Time>, Error> {
    let channel = Channel::Native;
    let can = if engine.desk().replaces() {
        Can::Replace
    } else {
        Can::TellOnce
    };
    let now = engine.now();
    let bundles = engine
        .store()
        .read(move |conn| pending(conn, channel, now))
        .await?;
    let mut next = None;
    for bundle in &bundles {
        let again = match plan::plan(bundle, can, engine.now()) {
            Act::Nothing => None,
            Act::Wait { until } => Some(until),
            Act::Tell { told, news } => tell(engine, (channel, can), bundle, (told, news)).await?,
            Act::Hide { told } => withdraw(engine, (channel, can), (bundle, Some(told))).await?,
            Act::Withdraw => withdraw(engine, (channel, can), (bundle, None)).await?,
        };
        next = sooner(next, again);
    }
    Ok(next)
}

fn sooner(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Tells a bundle. When to try again, where it could not be told.
async fn tell(
    engine: &Engine,
    (channel, can): (Channel, Can),
    bundle: &[Item],
    (told, news): (Vec<Told>, Vec<NoticeId>),
) -> Result<Option<Time>, Error> {
    let Some(first) = bundle.first().map(|item| item.delivery.clone()) else {
        return Ok(None);
    };
    let key = (channel, first.bundle);
    let now = engine.now();
    let members = members(bundle, &told);
    let id = first.bundle;
    let popup = engine
        .store()
        .read(move |conn| text::popup(conn, id, &members, now))
        .await?;
    let note = async |handle: String| {
        let (told, news) = (told.clone(), news.clone());
        let job = move |tx: &mut Tx<'_>| deliveries::tell(tx, key, (&told, &handle), &news, now);
        engine.store().write(Durability::Full, job).await
    };
    if can == Can::TellOnce {
        note(String::new()).await?;
    }
    match engine.desk().notify(&popup, first.handle.as_deref()).await {
        Ok(handle) => {
            if can == Can::Replace {
                note(handle).await?;
            }
            Ok(None)
        }
        Err(why) => {
            if can == Can::TellOnce {
                let undo = move |tx: &mut Tx<'_>| {
                    deliveries::withdraw(tx, channel, id)?;
                    news.iter()
                        .try_for_each(|notice| deliveries::forget(tx, channel, *notice))
                };
                engine.store().write(Durability::Full, undo).await?;
            }
            failed(engine, key, (first.tries, 0), &why).await
        }
    }
}

/// Those of the bundle that are shown.
fn members(bundle: &[Item], told: &[Told]) -> Vec<NoticeRow> {
    let shown = |item: &&Item| {
        let mut told = told.iter();
        told.any(|each| each.notice == item.notice.id && each.reason != plan::WELL)
    };
    let shown = bundle.iter().filter(shown);
    shown.map(|item| item.notice.clone()).collect()
}

/// Takes what is told of a bundle back. `kept`: what is kept in mind of it.
async fn withdraw(
    engine: &Engine,
    (channel, can): (Channel, Can),
    (bundle, kept): (&[Item], Option<Vec<Told>>),
) -> Result<Option<Time>, Error> {
    let Some(first) = bundle.first().map(|item| &item.delivery) else {
        return Ok(None);
    };
    let id = first.bundle;
    if let (Some(handle), Can::Replace) = (&first.handle, can)
        && let Err(why) = engine.desk().withdraw(handle).await
    {
        return failed(engine, (channel, id), (first.tries, 0), &why).await;
    }
    // When what is kept in mind is to be told, the next look says.
    let again = kept.as_ref().map(|_| engine.now());
    let job = move |tx: &mut Tx<'_>| match kept {
        Some(kept) => deliveries::hide(tx, (channel, id), &kept),
        None => deliveries::withdraw(tx, channel, id),
    };
    engine.store().write(Durability::Full, job).await?;
    Ok(again)
}

/// Notes that it could not be told. `asked_ms`: how long the far side asked to be left alone.
async fn failed(
    engine: &Engine,
    key: (Channel, NoticeId),
    (tries, asked_ms): (u32, i64),
    why: &str,
) -> Result<Option<Time>, Error> {
    let pause = RETRY_MS
        .saturating_mul(1_i64 << tries.min(16))
        .min(RETRY_MAX_MS)
        .max(asked_ms);
    let again_at = engine.now().plus(pause);
    let why = crate::http::inert(why);
    tracing::info!(why, tries, "a notice could not be told");
    engine
        .store()
        .write(Durability::Full, move |tx| {
            deliveries::fail(tx, key, &why, again_at)
        })
        .await?;
    Ok(Some(again_at))
}

impl Engine {
    /// Raises the window, which goes there.
    fn lead_to(&self, errand: Errand) {
        self.desk().raise();
        self.send(errand);
    }

    /// How many notices an admin is still to look at.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn new_notices(&self) -> Result<u32, Error> {
        let now = self.now();
        let open = self.store().read(notices::open_ones).await?;
        let new = open.iter().filter(|each| plan::is_wanted(each, now));
        Ok(u32::try_from(new.count()).unwrap_or(u32::MAX))
    }

    /// What the system says of the popups that this app has shown, in this run or an earlier one.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn popup_said(&self, event: PopupEvent) -> Result<(), Error> {
        let channel = Channel::Native;
        // What is being told has its handle noted after this.
        let _turn = self.outbox().turn(channel).lock().await;
        let now = self.now();
        match event {
            PopupEvent::Ready => {
                self.store()
                    .write(Durability::Full, move |tx| {
                        deliveries::hurry(tx, channel, now)
                    })
                    .await
            }
            PopupEvent::Closed { handle } => {
                self.store()
                    .write(Durability::Full, move |tx| {
                        match deliveries::find(tx, channel, &handle)?.first() {
                            Some(item) => deliveries::closed(tx, channel, item.delivery.bundle),
                            None => Ok(()),
                        }
                    })
                    .await
            }
            PopupEvent::Pressed { handle, press } => {
                if let Some(errand) = approval::pressed(self, &handle, press).await {
                    if let Some(errand) = errand {
                        self.lead_to(errand);
                    }
                    return Ok(());
                }
                let (errand, offers) = self
                    .store()
                    .read(move |conn| {
                        let all = deliveries::find(conn, channel, &handle)?;
                        Ok((leads(conn, &all, press)?, plan::offered(&all)))
                    })
                    .await?;
                if press == Press::Resume && resume(self, &offers).await {
                    return Ok(());
                }
                self.lead_to(errand);
                Ok(())
            }
        }
    }
}

/// Where a press leads.
fn leads(conn: &Connection, all: &[Item], press: Press) -> Result<Errand, Error> {
    let mut notices = all.iter().map(|item| &item.notice);
    let open: Vec<&NoticeRow> = notices
        .clone()
        .filter(|each| each.resolved_at.is_none())
        .collect();
    if !all.is_empty() && notices.all(|each| each.obstacle.is_some()) {
        return Ok(Errand::Crons);
    }
    // Several, or one that is repaired meanwhile: the list says how they are.
    let [one] = open.as_slice() else {
        return Ok(Errand::Notices);
    };
    if agent_of(conn, one)?.is_some() {
        return Ok(Errand::Agents);
    }
    let integration = one.integration;
    let found = Integration::find(conn, integration)?;
    let takes_key = found.is_some_and(|found| found.takes_key());
    Ok(match (press, one.reason.fix(takes_key)) {
        (Press::Fix, Some(fix)) => Errand::Mend { integration, fix },
        (Press::Fix, None) | (Press::Open | Press::Resume | Press::Deny, _) => {
            Errand::Open { integration }
        }
    })
}

/// Resumes what a popup offers to. False where nothing could be, so that the window is to say why.
async fn resume(engine: &Engine, offers: &[IntegrationId]) -> bool {
    let mut resumed = 0;
    for id in offers {
        match crons::resume_all(engine, *id).await {
            Ok(done) => resumed += done.going,
            Err(error) => tracing::info!(%error, "crons could not be resumed from a notification"),
        }
    }
    resumed > 0
}

#[cfg(test)]
pub(crate) mod tests;
