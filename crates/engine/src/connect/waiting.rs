//! Sign-ins that wait for a deep link: kept sealed while they wait, and taken up by the run of the app
//! that the link reaches, which may be the next one.
//!
//! Owns: what is kept, for how long, and who may take it up: one answer, once, within the attempt's ten
//! minutes. Must not know: what comes after the tokens (`connect`), or how anything is sealed.

use super::{
    attempt::{Attempt, Begun, LIFE_MS, Stopped},
    input::Plan,
    sign_in::{self, Asked},
    way::Way,
};
use crate::{
    Engine,
    oauth::{Callback, Client, ClientOut, Discovered, FlowOut, WaitingClient, WaitingFlow},
    store::{
        Durability,
        waiting::{self, WaitingRow},
    },
    vault::waiting::Opened,
};
use serde::{Deserialize, Serialize};
use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};
use wire::{AttemptId, Confirmed, Errand, Error, ErrorCode, IntegrationId, Kind, Time};
use zeroize::Zeroizing;

/// The form of the bytes, their first byte. Another build's are nobody's.
const FORM: u8 = 1;

/// All that the rest of the attempt needs, as it is sealed. What is not here is not there when a browser is
/// waited for: a typed key, the secret that a form brought, an OpenAPI document (they come back by loopback
/// only). Borrows, so that no copy is made.
#[derive(Serialize)]
struct KeptOut<'a> {
    started_at: Time,
    confirmed: Confirmed,
    /// Set on Reconnect.
    integration: Option<IntegrationId>,
    kind: Kind,
    name: Option<&'a str>,
    url: Option<&'a url::Url>,
    health_path: &'a str,
    private_hosts: &'a [String],
    issuer: Option<&'a str>,
    scopes: &'a [String],
    provider: Option<&'a str>,
    way: Option<&'a Way>,
    described: bool,
    flow: FlowOut<'a>,
    client: ClientOut<'a>,
    found: &'a Discovered,
}

/// What [`KeptOut`] was sealed as.
#[derive(Deserialize)]
struct Kept {
    started_at: Time,
    confirmed: Confirmed,
    integration: Option<IntegrationId>,
    kind: Kind,
    name: Option<String>,
    url: Option<url::Url>,
    health_path: String,
    private_hosts: Vec<String>,
    issuer: Option<String>,
    scopes: Vec<String>,
    provider: Option<String>,
    way: Option<Box<Way>>,
    described: bool,
    flow: WaitingFlow,
    client: WaitingClient,
    found: Discovered,
}

/// The sign-ins of earlier runs that a link may still answer.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Vec<Earlier>>);

struct Earlier {
    row: WaitingRow,
    /// The window was told that it cannot go on.
    told: bool,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Vec<Earlier>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rows(&self) -> Vec<WaitingRow> {
        self.lock().iter().map(|each| each.row.clone()).collect()
    }

    /// True for one caller only.
    fn take(&self, id: AttemptId) -> bool {
        let mut all = self.lock();
        let before = all.len();
        all.retain(|each| each.row.id != id);
        all.len() < before
    }

    /// True the first time.
    fn tell(&self, id: AttemptId) -> bool {
        let mut all = self.lock();
        let found = all.iter_mut().find(|each| each.row.id == id && !each.told);
        found.map(|each| each.told = true).is_some()
    }
}

/// What became of an answer by a link.
pub(crate) enum TakenUp {
    /// An attempt of an earlier run goes on.
    Yes,
    /// It is nobody's.
    Nobodys,
    /// It answers an attempt that was over by then.
    Late,
    /// It may be the answer to an attempt that cannot be opened: the window says why.
    Shut,
}

/// At the start of a run: what is stale goes from the disk at once, the rest when its time comes.
pub(crate) async fn begin(engine: &Engine) -> Result<(), Error> {
    let now = engine.now();
    let rows = engine.store().read(waiting::all).await?;
    let Some(last) = rows.iter().map(|row| row.ends_at).max() else {
        return Ok(());
    };
    let stale = rows.iter().filter(|row| !is_open(row.ends_at, now));
    forget(engine, stale.map(|row| row.id).collect()).await?;
    let all: Vec<AttemptId> = rows.iter().map(|row| row.id).collect();
    *engine.waiting().lock() = rows
        .into_iter()
        .map(|row| Earlier { row, told: false })
        .collect();
    let (engine, until) = (engine.clone(), last.clamp(now, now.plus(LIFE_MS)));
    tokio::spawn(async move {
        let stopping = engine.stopping();
        tokio::select! {
            () = end(&engine, all, until) => {}
            () = stopping.cancelled() => {}
        }
    });
    Ok(())
}

/// When their time is over they leave the disk; for as long again an answer is known to come too late.
async fn end(engine: &Engine, all: Vec<AttemptId>, until: Time) {
    engine.clock().sleep_until(until).await;
    if let Err(error) = forget(engine, all).await {
        tracing::warn!(error = %error, "sign-ins that are over could not be forgotten");
    }
    engine.clock().sleep_until(until.plus(LIFE_MS)).await;
    engine.waiting().lock().clear();
}

/// Not over, and of no clock that ran ahead.
fn is_open(ends_at: Time, now: Time) -> bool {
    (1..=LIFE_MS).contains(&ends_at.since(now))
}

/// Keeps what `asked` needs until its answer comes. Where that fails the attempt goes on: only the end of
/// this run would end it.
pub(super) async fn keep(engine: &Engine, attempt: &Attempt, plan: &Plan, asked: &Asked) {
    let kept = KeptOut {
        started_at: attempt.started_at,
        confirmed: attempt.confirmed(),
        integration: attempt.integration,
        kind: plan.kind,
        name: plan.name.as_deref(),
        url: plan.url.as_ref(),
        health_path: &plan.health_path,
        private_hosts: &plan.private_hosts,
        issuer: plan.issuer.as_deref(),
        scopes: &plan.scopes,
        provider: plan.provider.as_deref(),
        way: plan.way.as_deref(),
        described: plan.described,
        flow: FlowOut::of(&asked.flow),
        client: ClientOut::of(&asked.client),
        found: &asked.found,
    };
    let done = async {
        let ends_at = attempt.started_at.plus(LIFE_MS);
        let place = (attempt.id, ends_at);
        engine.vault().keep_waiting(place, bytes(&kept)?).await
    };
    match done.await {
        Ok(()) => attempt.is_kept(),
        Err(error) => {
            tracing::warn!(error = %error, "a sign-in will not outlive this run of the app");
        }
    }
}

/// The answer came, or none will count any more.
pub(super) async fn drop_kept(engine: &Engine, attempt: &Attempt) -> Result<(), Error> {
    if attempt.was_kept() {
        forget(engine, vec![attempt.id]).await?;
    }
    Ok(())
}

async fn forget(engine: &Engine, ids: Vec<AttemptId>) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    engine
        .store()
        // Also where there is no room to file what lies in the intake.
        .append(Durability::Full, move |tx| {
            tx.undoable()?;
            for id in &ids {
                waiting::remove(tx, *id)?;
            }
            Ok(())
        })
        .await
}

/// Goes on with the attempt of an earlier run that `query` answers. It is off the disk before its code
/// goes anywhere, so a second answer finds nothing.
///
/// # Errors
/// Those of the store; nothing has been sent then.
pub(crate) async fn take_up(engine: &Engine, query: &str) -> Result<TakenUp, Error> {
    let Some(callback) = Callback::parse(query) else {
        return Ok(TakenUp::Nobodys);
    };
    let mut shut = false;
    for row in engine.waiting().rows() {
        let id = row.id;
        // Its key may have been wrapped anew meanwhile.
        let now_there = engine.store().read(move |conn| waiting::find(conn, id));
        let row = now_there.await?.unwrap_or(row);
        let kept = match engine.vault().open_waiting(&row).await {
            Opened::Bytes(bytes) => read(&bytes),
            Opened::Shut => {
                shut |= tell(engine, &row, ErrorCode::SignInSealed);
                continue;
            }
            Opened::OtherRun => {
                shut |= tell(engine, &row, ErrorCode::SignInForRun);
                continue;
            }
        };
        let Some(kept) = kept.filter(|kept| kept.flow.is_answered_by(&callback)) else {
            continue;
        };
        if !engine.waiting().take(id) {
            return Ok(TakenUp::Nobodys);
        }
        forget(engine, vec![id]).await?;
        return Ok(go_on(engine, id, (kept, callback)));
    }
    Ok(if shut {
        TakenUp::Shut
    } else {
        TakenUp::Nobodys
    })
}

/// The attempt as it was, from the answer on; one that is over says so.
fn go_on(engine: &Engine, id: AttemptId, (kept, callback): (Kept, Callback)) -> TakenUp {
    let is_late = !is_open(kept.started_at.plus(LIFE_MS), engine.now());
    let begun = Begun {
        id,
        integration: kept.integration,
        confirmed: kept.confirmed,
        started_at: kept.started_at,
    };
    let plan = Plan {
        kind: kept.kind,
        name: kept.name,
        url: kept.url,
        sample_url: None,
        health_path: kept.health_path,
        private_hosts: kept.private_hosts,
        typed: None,
        issuer: kept.issuer,
        scopes: kept.scopes,
        granted: vec![],
        all_offered: false,
        provider: kept.provider,
        way: kept.way,
        client_secret: None,
        document: None,
        described: kept.described,
        ends_at: None,
    };
    let attempt = Attempt::new(engine, begun, &plan);
    if is_late {
        engine
            .attempts()
            .show_failed(engine, attempt, ErrorCode::AttemptExpired);
    } else {
        let (flow, client, found) = (kept.flow, kept.client, kept.found);
        let (with, own) = (engine.clone(), attempt.clone());
        engine.attempts().go(engine, attempt, async move {
            let flow = flow.resume(&callback, &found).ok_or_else(wrong_state)?;
            let asked = Asked {
                flow,
                client: Client::from(client),
                found,
            };
            own.leaves(asked.leftovers(&plan));
            let credential = sign_in::redeem(&with, &own, &plan, (asked, &callback)).await?;
            super::prove_credential(&with, &own, plan, credential).await
        });
    }
    engine.send(Errand::Attempt { attempt: id });
    if is_late { TakenUp::Late } else { TakenUp::Yes }
}

fn wrong_state() -> Stopped {
    Error::new(ErrorCode::OauthWrongState).into()
}

/// Says in the window, once, why an attempt of an earlier run cannot go on. False where it is over anyway.
fn tell(engine: &Engine, row: &WaitingRow, why: ErrorCode) -> bool {
    if !is_open(row.ends_at, engine.now()) {
        return false;
    }
    if engine.waiting().tell(row.id) {
        let began = Time(row.ends_at.0 - LIFE_MS);
        let attempt = Attempt::unknown(engine, row.id, began);
        engine.attempts().show_failed(engine, attempt, why);
        engine.send(Errand::Attempt { attempt: row.id });
    }
    true
}

/// As sealed: in one piece of memory that is wiped.
fn bytes(kept: &KeptOut<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let unwritable =
        |_| Error::new(ErrorCode::Internal).with("why", "a sign-in cannot be written down");
    let mut length = Length(0);
    serde_json::to_writer(&mut length, kept).map_err(unwritable)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 + length.0));
    bytes.push(FORM);
    serde_json::to_writer(&mut *bytes, kept).map_err(unwritable)?;
    Ok(bytes)
}

fn read(bytes: &[u8]) -> Option<Kept> {
    let (&form, json) = bytes.split_first()?;
    serde_json::from_slice(json).ok().filter(|_| form == FORM)
}

/// Counts what is written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
