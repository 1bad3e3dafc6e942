//! The two rows of what leaves: the intent before, the outcome after.
//!
//! Owns: that each intent that is begun here gets an outcome, also where that cannot be written at once.
//! Must not know: what is asked of whom.

use super::bodies::Saying;
use crate::{
    Engine,
    health::{self, Tells},
    integrations::{self, After},
    store::{
        self, Durability, Tx,
        calls::{CallRow, OutcomeRow, Payload},
    },
};
use tokio::runtime::Handle;
use wire::{Because, CallId, Error, ErrorCode, IntegrationId, Outcome, RowKind, TaskId, Time};

/// A row that was begun: on disk before anything leaves, and finished once.
pub(crate) struct Journal {
    pub(super) call: CallId,
    /// Its place in the record, and when it was begun.
    intent: (i64, Time),
    /// Of which integration: a call of a tool, not of a token.
    of: Option<IntegrationId>,
    /// An admin let it go.
    pub(super) approved: bool,
    /// What the result is like.
    pub(super) got: Option<Payload>,
    /// What was said, where that is kept.
    pub(super) saying: Option<Saying>,
}

impl Journal {
    /// Writes the intent, into the record's own tables: where those take no row, what the answer brings could not be
    /// kept either. Where that fails, the request is not made.
    pub async fn begin(
        engine: &Engine,
        kind: RowKind,
        integration: Option<(IntegrationId, String)>,
        action: &str,
        because: &Because,
    ) -> Result<Self, Error> {
        let row = row(engine, kind, integration, (action, because));
        let mut journal = Self::of(&row);
        let write = move |tx: &mut Tx<'_>| intend(tx, &row, None);
        journal.intent.0 = engine
            .store()
            .write(engine.manner().of_intents(), write)
            .await?;
        Ok(journal)
    }

    /// The same for a row of a call, which is made already and counts in that task: it lies in the intake first.
    pub(super) async fn open(
        engine: &Engine,
        row: CallRow,
        task: Option<TaskId>,
    ) -> Result<Self, Error> {
        let mut journal = Self::of(&row);
        let write = move |tx: &mut Tx<'_>| intend(tx, &row, task);
        journal.intent.0 = engine
            .store()
            .append(engine.manner().of_intents(), write)
            .await?;
        Ok(journal)
    }

    /// Of a row that has no place yet.
    fn of(row: &CallRow) -> Self {
        Self {
            call: row.id,
            intent: (0, row.at),
            of: row.integration.filter(|_| row.kind == RowKind::Call),
            approved: false,
            got: None,
            saying: None,
        }
    }

    /// The row that says how it went.
    pub fn outcome(&self, now: Time, error: Option<&Error>, detail: &str) -> OutcomeRow {
        OutcomeRow {
            intent: self.intent,
            at: now,
            outcome: if error.is_some() {
                Outcome::Failed
            } else {
                Outcome::Ok
            },
            took_ms: Some(u32::try_from(now.since(self.intent.1).max(0)).unwrap_or(u32::MAX)),
            error: error.cloned(),
            detail: detail.to_owned(),
            got: self.got.clone(),
        }
    }

    /// Writes that it failed, which tells nothing of anybody's health.
    pub async fn fail(self, engine: &Engine, error: &Error) -> Result<(), Error> {
        self.finish(engine, Err(error), "", None).await
    }

    /// Writes that it was refused here: nothing left.
    pub async fn refuse(self, engine: &Engine, why: &Error) -> Result<(), Error> {
        let row = refusal(self.intent, engine.now(), why);
        let written = end(engine, row.clone()).await;
        if written.is_err() {
            end_later(engine, row);
        }
        written
    }

    /// Writes the outcome, and takes its signal in, in one commit. Where that fails, the outcome is written
    /// as soon as it can be.
    pub async fn finish(
        self,
        engine: &Engine,
        result: Result<(), &Error>,
        detail: &str,
        tells: Option<Tells<'_>>,
    ) -> Result<(), Error> {
        let now = engine.now();
        let mut outcome = self.outcome(now, result.err(), detail);
        if self.approved && result.is_ok() {
            outcome.outcome = Outcome::Approved;
        }
        let mut signal = None;
        if let Some(Tells {
            id,
            asked,
            consent,
            heard,
        }) = tells
        {
            signal = health::signal_of(engine, id, asked, heard)
                .await
                .map(|signal| (id, consent, signal));
        }
        let edition = engine.store().edition();
        let is_news = signal.as_ref().is_some_and(|(id, consent, signal)| {
            integrations::is_news(engine, (*id, *consent), signal, now)
        });
        let (call, of, saying) = (self.call, self.of, self.saying);
        let is_waited_for = is_news || saying.is_some();
        let durability = if is_news && result.is_err() {
            Durability::Full
        } else {
            Durability::Normal
        };
        let row = outcome.clone();
        let write = move |tx: &mut Tx<'_>| {
            let said = saying.and_then(|said| said.body());
            // What was no news may be some after what was written meanwhile.
            let signal = signal.filter(|_| is_news || tx.is_past(edition));
            if signal.is_none() {
                tx.only_records();
            }
            if signal.is_some() || said.is_some() {
                tx.undoable()?;
            }
            store::calls::finish(tx, &outcome)?;
            if let (Some(id), Some(body)) = (of, said) {
                store::bodies::keep(tx, (call, id), &body, now)?;
            }
            signal
                .map(|(id, consent, signal)| {
                    let after = integrations::apply_answer(tx, (id, consent), &signal, now)?;
                    Ok((id, after))
                })
                .transpose()
        };
        if is_waited_for {
            let written = engine.store().append(durability, write).await;
            return settled(engine, row, written);
        }
        let (waiting, runtime) = (engine.clone(), Handle::current());
        engine.store().append_along(write, move |written| {
            let _inside = runtime.enter();
            if let Err(error) = settled(&waiting, row, written) {
                tracing::error!(%error, "how a call went could not be written yet");
            }
        });
        Ok(())
    }
}

fn intend(tx: &Tx<'_>, row: &CallRow, task: Option<TaskId>) -> Result<i64, Error> {
    tx.only_records();
    store::calls::begin(tx, row, task)
}

/// Hands on what the outcome has changed, or sees to it that it is written later.
pub(crate) fn settled(
    engine: &Engine,
    row: OutcomeRow,
    written: Result<Option<(IntegrationId, After)>, Error>,
) -> Result<(), Error> {
    match written {
        Ok(changed) => {
            if let Some((id, after)) = changed {
                engine.network().ask(id, after);
            }
            Ok(())
        }
        Err(error) => {
            end_later(engine, row);
            Err(error)
        }
    }
}

/// An intent without arguments.
pub(super) fn row(
    engine: &Engine,
    kind: RowKind,
    integration: Option<(IntegrationId, String)>,
    (action, because): (&str, &Because),
) -> CallRow {
    CallRow {
        id: CallId(uuid::Uuid::now_v7()),
        at: engine.now(),
        kind,
        integration: integration.as_ref().map(|(id, _)| *id),
        integration_name: integration.map(|(_, name)| name).unwrap_or_default(),
        action: action.to_owned(),
        because: because.clone(),
        sent: None,
    }
}

/// The outcome of what was not sent.
pub(super) fn refusal(intent: (i64, Time), at: Time, why: &Error) -> OutcomeRow {
    let denied = matches!(
        why.code,
        ErrorCode::PolicyDenied | ErrorCode::ApprovalDenied | ErrorCode::ApprovalLate
    );
    OutcomeRow {
        intent,
        at,
        outcome: if denied {
            Outcome::Denied
        } else {
            Outcome::Refused
        },
        took_ms: None,
        error: Some(why.clone()),
        detail: String::new(),
        got: None,
    }
}

async fn end(engine: &Engine, row: OutcomeRow) -> Result<(), Error> {
    engine
        .store()
        .append(Durability::Normal, move |tx| {
            tx.only_records();
            store::calls::finish(tx, &row)
        })
        .await
}

/// Writes an outcome that could not be written, again and again for a quarter of an hour: until then, or
/// until the next start, its call seems to run.
fn end_later(engine: &Engine, row: OutcomeRow) {
    const TIMES: u32 = 20;
    const LONGEST_MS: i64 = 60_000;
    let engine = engine.clone();
    let (stopping, clock) = (engine.stopping(), engine.clock());
    tokio::spawn(async move {
        for time in 0..TIMES {
            let pause = (1_000 << time.min(6)).min(LONGEST_MS);
            tokio::select! {
                () = stopping.cancelled() => return,
                () = clock.sleep_until(engine.now().plus(pause)) => {}
            }
            if end(&engine, row.clone()).await.is_ok() {
                return;
            }
        }
        tracing::error!(call = row.intent.0, "how a call went could not be written");
    });
}
