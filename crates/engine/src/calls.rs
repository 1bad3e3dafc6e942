//! The one path of every request an integration makes: written down, sent, its outcome written down,
//! and what it tells of the integration's health handed on.
//!
//! Owns: [`exchange`] (credential, one renewal after a 401, the end by Disconnect) and [`call_as`]. Must
//! not know: how a connector speaks, what lets a call go (`calls::gate`), or how its rows are written
//! (`calls::journal`).

pub(crate) mod approval;
mod bodies;
mod gate;
mod journal;
pub mod policy;
pub(crate) mod redact;

use crate::{
    Engine, Live,
    connectors::{Caller, Connector, mcp::Ask},
    health::{Asked, Tells},
    store::{
        self, Durability,
        calls::{CallRow, Payload},
    },
    tasks::Run,
    tokens::{self, Need},
    vault::Credential,
};
use bodies::Saying;
pub(crate) use bodies::noted;
use futures::future::BoxFuture;
pub(crate) use gate::Looked;
pub(crate) use journal::{Journal, settled};
use journal::{refusal, row};
use policy::By;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};
use tokio_util::sync::CancellationToken;
use wire::{Because, CallId, Error, ErrorCode, IntegrationId, RowKind};

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
    // Anew: a change that was committed before the intent holds for this call.
    let known = match gate::known(engine, (id, &wanted.tool), by) {
        Ok(known) => known,
        Err(gone) => {
            journal.refuse(engine, &gone).await?;
            return Err(gone);
        }
    };
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
    let wanted = Arc::new(wanted);
    let sending = Arc::new(Sending::default());
    let result = {
        let (saying, sending) = (saying.clone(), sending.clone());
        let (this, known, by, all) = (wanted.clone(), known.clone(), by.clone(), engine.clone());
        let sent = exchange(engine, id, &wanted.because, move |connector, credential| {
            // The credential may have taken its time.
            if let Err(why) = gate::again(&all, &by, (&this, &known), &caller) {
                let _ = sending.kept_back.set(why.clone());
                return Box::pin(std::future::ready(Err(why)));
            }
            sending.left.store(true, Ordering::Relaxed);
            let (this, caller) = (this.clone(), caller.clone());
            if let Some(saying) = &saying {
                saying.sends(&credential, &this.arguments);
            }
            let ask = ask.clone();
            Box::pin(async move {
                let call = (this.tool.as_str(), this.arguments.clone());
                connector
                    .call_asking(&credential, call, ask.as_ref(), caller)
                    .await
            })
        });
        until_stopped(stop.as_ref(), &cancel, Box::pin(sent)).await
    };
    let kept_back = sending.kept_back.get().filter(|_| result.is_err());
    let result = match result {
        Err(error) => {
            let why = kept_back.cloned().unwrap_or(error);
            Err(told_of_stop(engine, by, why).await)
        }
        ok => ok,
    };
    if let (Err(why), Some(_), false) = (&result, kept_back, sending.left.load(Ordering::Relaxed)) {
        journal.refuse(engine, why).await?;
        return result;
    }
    let tool = &wanted.tool;
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
                .with("tool", crate::http::inert(tool))
                .with("why", "its answer says so"),
        ),
        _ => None,
    };
    let went = says_so.as_ref().map_or(heard, Err);
    let tells = kept_back.is_none().then_some(Tells {
        id,
        asked: Asked::Call { tool },
        consent: known.found.state.consent,
        heard,
    });
    let noted = went.err().map(|error| noted(error, &wanted.arguments));
    let went = noted.as_ref().map_or(Ok(()), Err);
    // The call was made: whoever made it hears how it went, also where that cannot be written now.
    if let Err(error) = journal.finish(engine, went, &detail, tells).await {
        tracing::error!(%error, "how a call went could not be written yet");
    }
    result
}

/// What became of a request, which goes out once more after a 401.
#[derive(Default)]
struct Sending {
    /// It went out, if only to be refused.
    left: AtomicBool,
    /// Why it did not go out (again).
    kept_back: OnceLock<Error>,
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
    let row = row(engine, RowKind::Call, integration, (action, because));
    let why = why.clone();
    // At once: whoever asked may hang up between two commits.
    engine
        .store()
        .write(Durability::Normal, move |tx| {
            tx.only_records();
            let place = store::calls::begin(tx, &row, None)?;
            store::calls::finish(tx, &refusal((place, row.at), row.at, &why))
        })
        .await
}

/// Runs `work` with the integration's connector and credential. After a 401 the credential is
/// renewed once and `work` runs once more, but where the last renewal was of no use. Disconnect ends it by name.
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
                let (fresh, newer) =
                    tokens::credential(engine, id, Need::NewerThan(generation), because).await?;
                if newer == generation {
                    return Err(error);
                }
                let again = work(live.connector.clone(), Arc::new(fresh)).await;
                if matches!(&again, Err(error) if error.code == ErrorCode::Rejected) {
                    let mut last = live.refreshing.lock().await;
                    last.was_useless(newer, engine.now());
                }
                again
            }
            other => other,
        }
    };
    tokio::select! {
        biased;
        () = live.ended.cancelled() => Err(ended(engine, &live.name())),
        result = attempt => result,
    }
}

/// Why nothing of this integration goes on: it was disconnected, or the app ends.
fn ended(engine: &Engine, integration: &str) -> Error {
    if engine.stopping().is_cancelled() {
        Error::new(ErrorCode::CallCancelled).with("host", integration)
    } else {
        Error::new(ErrorCode::IntegrationDisconnected).with("integration", integration)
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
