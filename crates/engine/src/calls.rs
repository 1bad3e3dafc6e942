//! The one path of every request an integration makes: written down, sent, its outcome written down,
//! and what it tells of the integration's health handed on.
//!
//! Owns: [`Journal`] (the two rows of the record), [`exchange`] (credential, one renewal after a
//! 401, the end by Disconnect) and [`call_as`]. Must not know: how a connector speaks, or what lets a
//! call go (`calls::gate`).

pub(crate) mod approval;
mod bodies;
mod gate;
pub mod policy;
mod redact;

use crate::{
    Engine, Live,
    connectors::{Caller, Connector, mcp::Ask},
    health::{self, Asked, Tells},
    integrations,
    store::{
        self, Durability,
        calls::{CallRow, OutcomeRow, Payload},
    },
    tasks::Run,
    tokens::{self, Need},
    vault::Credential,
};
use bodies::Saying;
use futures::future::BoxFuture;
pub(crate) use gate::Looked;
use policy::By;
use std::sync::{Arc, atomic::Ordering};
use tokio_util::sync::CancellationToken;
use wire::{Because, CallId, Error, ErrorCode, IntegrationId, Outcome, RowKind, TaskId, Time};

/// A row that was begun: on disk before anything leaves, and finished once.
pub(crate) struct Journal {
    call: CallId,
    /// Its place in the record, and when it was begun.
    intent: (i64, Time),
    /// Of which integration: a call of a tool, not of a token.
    of: Option<IntegrationId>,
    /// An admin let it go.
    approved: bool,
    /// What the result is like.
    got: Option<Payload>,
    /// What was said, where that is kept.
    saying: Option<Saying>,
}

impl Journal {
    /// Writes the intent. Where that fails, the request is not made.
    pub async fn begin(
        engine: &Engine,
        kind: RowKind,
        integration: Option<(IntegrationId, String)>,
        action: &str,
        because: &Because,
    ) -> Result<Self, Error> {
        let row = CallRow {
            id: CallId(uuid::Uuid::now_v7()),
            at: engine.now(),
            kind,
            integration: integration.as_ref().map(|(id, _)| *id),
            integration_name: integration.map(|(_, name)| name).unwrap_or_default(),
            action: action.to_owned(),
            because: because.clone(),
            sent: None,
        };
        Self::open(engine, row, None).await
    }

    /// The same for a row that is made already, which counts in that task.
    async fn open(engine: &Engine, row: CallRow, task: Option<TaskId>) -> Result<Self, Error> {
        let (call, begun) = (row.id, row.at);
        let of = row.integration.filter(|_| row.kind == RowKind::Call);
        let place = engine
            .store()
            .append(engine.manner().of_intents(), move |tx| {
                tx.only_records();
                store::calls::begin(tx, &row, task)
            })
            .await?;
        Ok(Self {
            call,
            intent: (place, begun),
            of,
            approved: false,
            got: None,
            saying: None,
        })
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
    async fn refuse(self, engine: &Engine, why: &Error) -> Result<(), Error> {
        let mut row = self.outcome(engine.now(), Some(why), "");
        let denied = matches!(
            why.code,
            ErrorCode::PolicyDenied | ErrorCode::ApprovalDenied | ErrorCode::ApprovalLate
        );
        row.outcome = if denied {
            Outcome::Denied
        } else {
            Outcome::Refused
        };
        row.took_ms = None;
        engine
            .store()
            .append(Durability::Normal, move |tx| {
                tx.only_records();
                store::calls::finish(tx, &row)
            })
            .await
    }

    /// Writes the outcome, and takes its signal in, in one commit.
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
        let durability = if is_news && result.is_err() {
            Durability::Full
        } else {
            Durability::Normal
        };
        let after = engine
            .store()
            .append(durability, move |tx| {
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
            })
            .await?;
        if let Some((id, after)) = after {
            engine.network().ask(id, after);
        }
        Ok(())
    }
}

/// A call as it is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub integration: IntegrationId,
    /// The tool's own name.
    pub tool: String,
    /// A JSON object.
    pub arguments: serde_json::Value,
    pub because: Because,
}

/// Calls a tool for an admin. Arguments are a JSON object; the result has the shape of MCP's
/// `CallToolResult`.
///
/// # Errors
/// As [`call_as`], but for those of policy.
pub async fn call(
    engine: &Engine,
    id: IntegrationId,
    tool: &str,
    arguments: serde_json::Value,
    because: Because,
    caller: impl Into<Caller>,
) -> Result<serde_json::Value, Error> {
    let wanted = Wanted {
        integration: id,
        tool: tool.to_owned(),
        arguments,
        because,
    };
    call_as(engine, &By::Admin, wanted, caller.into()).await
}

/// Calls a tool for `by`, where nobody can be asked what the tool wants to know of a person meanwhile.
///
/// # Errors
/// As [`call_asking`].
pub async fn call_as(
    engine: &Engine,
    by: &By,
    wanted: Wanted,
    caller: Caller,
) -> Result<serde_json::Value, Error> {
    call_asking(engine, by, wanted, (caller, None)).await
}

/// Calls a tool for `by`; `ask` answers what the tool asks a person meanwhile. The result has the shape of
/// MCP's `CallToolResult`.
///
/// # Errors
/// `IntegrationOff`, `IntegrationFailing`, `ToolUnknown`, `ToolHeld`, `PolicyDenied`, those of
/// approvals (nothing was sent), `IntegrationDisconnected`,
/// `CallCancelled`, and whatever the far side says.
pub async fn call_asking(
    engine: &Engine,
    by: &By,
    wanted: Wanted,
    (caller, ask): (Caller, Option<Ask>),
) -> Result<serde_json::Value, Error> {
    let run = by.task().map(|task| Run::begin(engine, task, by.agent()));
    let stop = run.as_ref().map(|run| run.stop.clone());
    let id = wanted.integration;
    let known = gate::known(engine, (id, &wanted.tool), by)?;
    let intent = CallRow {
        id: CallId(uuid::Uuid::now_v7()),
        at: engine.now(),
        kind: RowKind::Call,
        integration: Some(id),
        integration_name: known.found.row.name.clone(),
        action: format!("{}.{}", known.found.row.slug, wanted.tool),
        because: wanted.because.clone(),
        sent: Some(Payload::of(&wanted.arguments)),
    };
    let mut journal = Journal::open(engine, intent, by.task()).await?;
    let saying = known.body_days.map(|_| Saying::default());
    let mut caller = caller;
    caller.hung_up = caller.hung_up.child_token();
    let cancel = caller.hung_up.clone();
    // On the heap, as the request below: whatever holds this future would move them along with it.
    let passing = Box::pin(gate::pass(
        engine,
        by,
        (&wanted, &known),
        (journal.call, &caller),
    ));
    let passed = match until_stopped(stop.as_ref(), &cancel, passing).await {
        Ok(passed) => passed,
        Err(refusal) => {
            let refusal = told_of_stop(engine, by, refusal).await;
            journal.refuse(engine, &refusal).await?;
            return Err(refusal);
        }
    };
    let Wanted {
        tool,
        arguments,
        because,
        ..
    } = wanted;
    let result = {
        let (name, saying) = (tool.clone(), saying.clone());
        let sent = exchange(engine, id, &because, move |connector, credential| {
            let (call, caller) = ((name.clone(), arguments.clone()), caller.clone());
            if let Some(saying) = &saying {
                saying.sends(&credential, &call.1);
            }
            let ask = ask.clone();
            Box::pin(async move {
                let (name, arguments) = call;
                connector
                    .call_asking(&credential, (&name, arguments), ask.as_ref(), caller)
                    .await
            })
        });
        until_stopped(stop.as_ref(), &cancel, Box::pin(sent)).await
    };
    let result = match result {
        Err(error) => Err(told_of_stop(engine, by, error).await),
        ok => ok,
    };
    journal.got = result.as_ref().ok().map(Payload::of);
    if let Some(saying) = &saying {
        saying.got(result.as_ref().ok());
    }
    journal.saying = saying;
    journal.approved = passed.person.is_some();
    let approved = passed
        .person
        .map(|person| words::with("approved-by", &[("person", &person)]));
    let unchecked = passed.unchecked.then(|| words::text("arguments-unchecked"));
    let told: Vec<String> = approved.into_iter().chain(unchecked).collect();
    let detail = told.join(" ");
    let trouble = match &result {
        Ok(answer) => engine
            .live(id)
            .await
            .ok()
            .and_then(|live| live.connector.trouble(answer)),
        Err(_) => None,
    };
    let heard = match (&result, &trouble) {
        (Err(error), _) | (Ok(_), Some(error)) => Err(error),
        (Ok(_), None) => Ok(()),
    };
    // What a tool says of itself tells nothing of its server.
    let says_so = match (&result, heard) {
        (Ok(answer), Ok(())) if answer["isError"] == true => Some(
            Error::new(ErrorCode::ToolFailed)
                .with("tool", crate::http::inert(&tool))
                .with("why", "its answer says so"),
        ),
        _ => None,
    };
    let went = says_so.as_ref().map_or(heard, Err);
    journal
        .finish(
            engine,
            went,
            &detail,
            Some(Tells {
                id,
                asked: Asked::Call { tool: &tool },
                consent: known.found.state.consent,
                heard,
            }),
        )
        .await?;
    result
}

/// `work`, which is called off once an admin stops the task, and then ends by itself.
async fn until_stopped<T>(
    stop: Option<&CancellationToken>,
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(stop) = stop else {
        return work.await;
    };
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        result = &mut work => result,
        () = stop.cancelled() => {
            cancel.cancel();
            work.await
        }
    }
}

/// The same error, or that an admin stopped the task or removed the agent, where that is why.
async fn told_of_stop(engine: &Engine, by: &By, error: Error) -> Error {
    let Some(task) = by.task() else {
        return error;
    };
    let by = by.clone();
    let read = move |conn: &_| gate::called_off(conn, &by);
    match engine.store().read(read).await {
        Ok(Some(off)) => {
            engine.running().forget(task);
            off
        }
        Ok(None) | Err(_) => error,
    }
}

/// Writes down a call that is refused before anything of it is made: what was asked for, and why not.
pub(crate) async fn refuse(
    engine: &Engine,
    integration: Option<(IntegrationId, String)>,
    action: &str,
    because: &Because,
    why: &Error,
) -> Result<(), Error> {
    Journal::begin(engine, RowKind::Call, integration, action, because)
        .await?
        .refuse(engine, why)
        .await
}

/// Runs `work` with the integration's connector and credential. After a 401 the credential is
/// renewed once and `work` runs once more. Disconnect ends it by name.
pub(crate) async fn exchange<T: Send + 'static>(
    engine: &Engine,
    id: IntegrationId,
    because: &Because,
    work: impl Fn(Arc<Connector>, Arc<Credential>) -> BoxFuture<'static, Result<T, Error>> + Send + Sync,
) -> Result<T, Error> {
    let live = engine.live(id).await?;
    let _counted = InFlight::one(&live);
    let attempt = async {
        let (credential, generation) =
            tokens::credential(engine, id, Need::Current, because).await?;
        engine.prepare(&live, &credential).await?;
        let renewable = matches!(&credential, Credential::OAuth(oauth) if oauth.refresh.is_some());
        match work(live.connector.clone(), Arc::new(credential)).await {
            Err(error) if error.code == ErrorCode::Rejected && renewable => {
                let (fresh, _) =
                    tokens::credential(engine, id, Need::NewerThan(generation), because).await?;
                work(live.connector.clone(), Arc::new(fresh)).await
            }
            other => other,
        }
    };
    tokio::select! {
        biased;
        () = live.ended.cancelled() => {
            Err(Error::new(ErrorCode::IntegrationDisconnected).with("integration", live.name.clone()))
        }
        result = attempt => result,
    }
}

struct InFlight<'a>(&'a Live);

impl<'a> InFlight<'a> {
    fn one(live: &'a Live) -> Self {
        live.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(live)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
