//! One run: its calls one after the other, by the one path of every call, and how it ended.

use super::{depend, stuck};
use crate::{
    Engine,
    calls::{self, Wanted, policy::By},
    finish::to_the_end,
    store::{
        self, Durability,
        crons::{CronRow, RunRow},
    },
    tasks,
};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use wire::{
    Because, CronRunId, Error, ErrorCode, IntegrationId, RunCall, RunOutcome, TaskId, Time,
};

/// How long calls that are cancelled have to write down their outcome.
const CANCELLED_MS: u64 = 5_000;

/// How it ended, and why.
type Ended = (RunOutcome, Option<Error>);

/// A run that was written down as begun.
#[derive(Clone, Debug)]
pub struct Begun {
    pub cron: CronRow,
    pub run: RunRow,
}

/// Makes its calls, writes down how it ended, and lets the next one have its place.
pub fn start(engine: &Engine, begun: Begun, place: Option<OwnedSemaphorePermit>) {
    let engine = engine.clone();
    tokio::spawn(async move {
        let how = perform(&engine, &begun).await;
        let how = how.unwrap_or_else(|error| (RunOutcome::Interrupted, Some(error)));
        let now = engine.now();
        if let Err(error) = end(&engine, &begun, how.clone(), now).await {
            tracing::error!(%error, run = %begun.run.id, "a run of a cron could not be written down yet");
            drop(place);
            end_later(&engine, &begun, how, now).await;
        }
        engine.crons().wake();
    });
}

/// The same again and again, since a cron whose run is not over does not run.
async fn end_later(engine: &Engine, begun: &Begun, how: Ended, at: Time) {
    const LONGEST_MS: i64 = 60_000;
    let (stopping, clock) = (engine.stopping(), engine.clock());
    let mut pause = 1_000;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = clock.sleep_until(engine.now().plus(pause)) => {}
        }
        if end(engine, begun, how.clone(), at).await.is_ok() {
            return;
        }
        pause = (2 * pause).min(LONGEST_MS);
    }
}

/// What its rows of the record say it was for.
fn because(begun: &Begun) -> Because {
    Because::Cron {
        id: begun.cron.id,
        name: begun.cron.name.clone(),
        run: CronRunId(begun.run.id),
    }
}

async fn perform(engine: &Engine, begun: &Begun) -> Result<Ended, Error> {
    // A run is a task: it is stopped as one, from here on by its token and before this by its row.
    let task = tasks::Run::begin(engine, TaskId(begun.run.id), None);
    let cancel = task.stop.clone();
    let (row, id) = (begun.cron.clone(), begun.run.id);
    let (obstacle, is_stopped) = engine
        .store()
        .read(move |conn| {
            Ok((
                depend::obstacle(conn, &row)?,
                store::crons::is_stopped(conn, id)?,
            ))
        })
        .await?;
    if is_stopped {
        // Its row says by whom.
        return Ok((RunOutcome::Failed, None));
    }
    if let Some(error) = obstacle {
        return Ok((RunOutcome::NotStarted, Some(error)));
    }
    let limit = i64::from(begun.cron.limit_min) * 60_000;
    let clock = engine.clock();
    let calls = make_calls(engine, begun, cancel.clone());
    tokio::pin!(calls);
    let ended = tokio::select! {
        biased;
        ended = &mut calls => ended?,
        () = clock.sleep_until(begun.run.begun_at.plus(limit)) => {
            cancel.cancel();
            // The call that was under way still writes down how it ended.
            let _ = tokio::time::timeout(Duration::from_millis(CANCELLED_MS), &mut calls).await;
            let limit = format!("{} min", begun.cron.limit_min);
            (RunOutcome::TimedOut, Some(Error::new(ErrorCode::CronTimedOut).with("limit", limit)))
        }
    };
    if engine.stopping().is_cancelled() {
        return Ok((RunOutcome::Interrupted, None));
    }
    Ok(ended)
}

/// How the calls went: the first that fails is the last.
async fn make_calls(
    engine: &Engine,
    begun: &Begun,
    cancel: CancellationToken,
) -> Result<Ended, Error> {
    let mut told: Vec<RunCall> = Vec::new();
    let because = because(begun);
    let owner = depend::owner(begun.cron.id);
    let by = By::Itself { owner };
    for call in &begun.cron.calls {
        if cancel.is_cancelled() {
            let error = Error::new(ErrorCode::CallCancelled);
            return Ok((RunOutcome::Failed, Some(error)));
        }
        let action = action(engine, call.integration, &call.tool).await?;
        told.push(RunCall {
            action,
            took_ms: None,
            error: None,
        });
        keep(engine, begun, &told).await;
        let arguments = serde_json::from_str(&call.arguments)
            .unwrap_or_else(|_| Value::Object(serde_json::Map::new()));
        let at = engine.now();
        let wanted = Wanted {
            integration: call.integration,
            tool: call.tool.clone(),
            arguments: arguments.clone(),
            because: because.clone(),
        };
        // Also after the run has given it up, until its outcome is written down.
        let (all, by, caller) = (engine.clone(), by.clone(), cancel.clone().into());
        let call = async move { calls::call_as(&all, &by, wanted, caller).await };
        let result = to_the_end(call).await;
        let result = result.map_err(|error| calls::noted(&error, &arguments));
        if let Some(last) = told.last_mut() {
            let took = engine.now().since(at).max(0);
            last.took_ms = Some(u32::try_from(took).unwrap_or(u32::MAX));
            last.error = result.as_ref().err().cloned();
        }
        keep(engine, begun, &told).await;
        if let Err(error) = result {
            return Ok((RunOutcome::Failed, Some(error)));
        }
    }
    Ok((RunOutcome::Ok, None))
}

async fn action(engine: &Engine, id: IntegrationId, tool: &str) -> Result<String, Error> {
    let found = engine
        .store()
        .read(move |conn| store::integrations::find(conn, id))
        .await?;
    let slug = found.map_or_else(String::new, |found| found.slug);
    Ok(format!("{slug}.{tool}"))
}

/// Notes how far it came, for whoever looks: that this cannot be written holds no call back.
async fn keep(engine: &Engine, begun: &Begun, told: &[RunCall]) {
    let (id, told) = (begun.run.id, told.to_vec());
    let kept = engine
        .store()
        .write(Durability::Normal, move |tx| {
            store::crons::keep_calls(tx, id, &told)
        })
        .await;
    if let Err(error) = kept {
        tracing::warn!(%error, run = %id, "how far a run of a cron came could not be noted");
    }
}

/// Writes down how it ended. What kept it from starting is told once, until it starts again.
async fn end(
    engine: &Engine,
    begun: &Begun,
    (outcome, error): Ended,
    now: Time,
) -> Result<(), Error> {
    let (id, cron) = (begun.run.id, begun.cron.id);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            store::crons::finish(tx, id, (outcome, error.as_ref()), now)?;
            match error.filter(|_| outcome == RunOutcome::NotStarted) {
                Some(why) => match store::crons::get(tx, cron) {
                    Ok(row) => stuck::note(tx, &row, &why, now),
                    // Deleted meanwhile: nobody waits for it.
                    Err(error) if error.code == ErrorCode::CronUnknown => Ok(()),
                    Err(error) => Err(error),
                },
                None => stuck::over(tx, cron, now),
            }
        })
        .await
}
