//! The one path of every request an integration makes: written down, sent, its outcome written down,
//! and what it tells of the integration's health handed on.
//!
//! Owns: [`Journal`] (the two rows of the record), [`exchange`] (credential, one renewal after a
//! 401, the end by Disconnect) and [`call`]. Must not know: how a connector speaks.

use crate::{
    Engine, Live,
    connectors::Connector,
    health::{self, Asked, Tells},
    integrations::{self, Integration},
    store::{
        self, Durability, Tx,
        calls::{CallRow, OutcomeRow},
    },
    tokens::{self, Need},
    vault::Credential,
};
use futures::future::BoxFuture;
use std::sync::{Arc, atomic::Ordering};
use tokio_util::sync::CancellationToken;
use wire::{
    Because, CallId, Error, ErrorCode, IntegrationId, LastUsed, Outcome, Reason, RowKind, Time,
};

/// A row that was begun: on disk before anything leaves, and finished once.
pub(crate) struct Journal {
    call: CallId,
    begun: Time,
    /// Whose use is noted with the outcome, and why: a tool's, not a token's.
    used: Option<(IntegrationId, Because)>,
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
        let begun = engine.now();
        let row = CallRow {
            id: CallId(uuid::Uuid::now_v7()),
            at: begun,
            kind,
            integration: integration.as_ref().map(|(id, _)| *id),
            integration_name: integration.map(|(_, name)| name).unwrap_or_default(),
            action: action.to_owned(),
            because: because.clone(),
        };
        let call = row.id;
        let used = match (kind, row.integration) {
            (RowKind::Call, Some(id)) => Some((id, because.clone())),
            (_, _) => None,
        };
        engine
            .store()
            .write(engine.manner().of_intents(), move |tx| {
                store::calls::begin(tx, &row)
            })
            .await?;
        Ok(Self { call, begun, used })
    }

    /// The row that says how it went.
    pub fn outcome(&self, now: Time, error: Option<&Error>, detail: &str) -> OutcomeRow {
        OutcomeRow {
            call: self.call,
            at: now,
            outcome: if error.is_some() {
                Outcome::Failed
            } else {
                Outcome::Ok
            },
            took_ms: Some(u32::try_from(now.since(self.begun).max(0)).unwrap_or(u32::MAX)),
            error: error.cloned(),
            detail: detail.to_owned(),
        }
    }

    /// Writes that it failed, which tells nothing of anybody's health.
    pub async fn fail(self, engine: &Engine, error: &Error) -> Result<(), Error> {
        self.finish(engine, Err(error), "", None).await
    }

    /// Writes that it was refused here: nothing left.
    async fn refuse(self, engine: &Engine, why: &Error) -> Result<(), Error> {
        let mut row = self.outcome(engine.now(), Some(why), "");
        row.outcome = Outcome::Refused;
        row.took_ms = None;
        engine
            .store()
            .write(Durability::Normal, move |tx| store::calls::finish(tx, &row))
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
        let outcome = self.outcome(now, result.err(), detail);
        let mut signal = None;
        if let Some(Tells { id, asked, consent }) = tells {
            signal = health::signal_of(engine, id, asked, result)
                .await
                .map(|signal| (id, consent, signal));
        }
        let used = self.used;
        let durability = if signal.is_some() && result.is_err() {
            Durability::Full
        } else {
            Durability::Normal
        };
        let after = engine
            .store()
            .write(durability, move |tx| {
                store::calls::finish(tx, &outcome)?;
                if let Some((id, because)) = used {
                    note_use(tx, id, LastUsed { at: now, because })?;
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

/// Notes that the integration was used, and its agent's call, where both are still there.
fn note_use(tx: &Tx<'_>, id: IntegrationId, used: LastUsed) -> Result<(), Error> {
    if let Because::Task {
        agent: Some(agent), ..
    } = &used.because
    {
        store::agents::count_call(tx, agent.id, used.at)?;
    }
    // Gone meanwhile: its history stays in the record.
    if Integration::find(tx, id)?.is_some() {
        store::integrations::set_last_used(tx, id, &used)?;
        integrations::touch(tx, id);
    }
    Ok(())
}

/// Calls a tool in a task. Arguments are a JSON object; the result has the shape of MCP's
/// `CallToolResult`.
///
/// # Errors
/// `IntegrationOff`, `IntegrationFailing` (nothing was sent), `IntegrationDisconnected`,
/// `ToolUnknown`, and whatever the far side says.
pub async fn call(
    engine: &Engine,
    id: IntegrationId,
    tool: &str,
    arguments: serde_json::Value,
    because: Because,
    cancel: CancellationToken,
) -> Result<serde_json::Value, Error> {
    let name = tool.to_owned();
    let (found, known) = engine
        .store()
        .read(move |conn| {
            let known = store::tools::has(conn, id, &name)?;
            Ok((Integration::get(conn, id)?, known))
        })
        .await?;
    let action = format!("{}.{tool}", found.row.slug);
    let journal = Journal::begin(
        engine,
        RowKind::Call,
        Some((id, found.row.name.clone())),
        &action,
        &because,
    )
    .await?;
    if let Err(refusal) = may_call(&found, tool, known, engine.now()) {
        journal.refuse(engine, &refusal).await?;
        return Err(refusal);
    }
    let result = {
        let name = tool.to_owned();
        exchange(engine, id, &because, move |connector, credential| {
            let (name, arguments, cancel) = (name.clone(), arguments.clone(), cancel.clone());
            Box::pin(async move { connector.call(&credential, &name, arguments, cancel).await })
        })
        .await
    };
    journal
        .finish(
            engine,
            result.as_ref().map(|_| ()),
            "",
            Some(Tells {
                id,
                asked: Asked::Call { tool },
                consent: found.state.consent,
            }),
        )
        .await?;
    result
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

fn may_call(found: &Integration, tool: &str, known: bool, now: Time) -> Result<(), Error> {
    let named = |code| Error::new(code).with("integration", found.row.name.clone());
    if !found.row.enabled {
        return Err(named(ErrorCode::IntegrationOff).fix(wire::Fix::SwitchOn));
    }
    if !known {
        return Err(named(ErrorCode::ToolUnknown).with("tool", crate::http::inert(tool)));
    }
    match found.state.shown(now) {
        // A task that already has it may still try where it is merely out of reach.
        Reason::Ok
        | Reason::RateLimited { .. }
        | Reason::EndsOn { .. }
        | Reason::Unreachable { .. } => Ok(()),
        reason @ (Reason::Rejected { .. }
        | Reason::NeedsAccess { .. }
        | Reason::IssuerChanged
        | Reason::RestoredFromBackup
        | Reason::KeyringLost) => {
            let error = named(ErrorCode::IntegrationFailing).with("why", reason.as_str());
            Err(match reason.fix(found.takes_key()) {
                Some(fix) => error.fix(fix),
                None => error,
            })
        }
    }
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
