//! What crons depend on: what a failure pauses, what a repair resumes, and what keeps one from starting.

use super::set_going;
use crate::{
    Engine,
    calls::policy::{self, Exact},
    connectors::fit::{self, Fit},
    health,
    integrations::{self, Integration},
    store::{
        self, Durability, Tx,
        credentials::Form,
        crons::{CronRow, DependRow},
    },
};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeSet;
use wire::{
    Because, Choice, CronBrief, CronCall, CronId, Error, ErrorCode, IntegrationId, Reason, Resumed,
    Status, Time,
};

/// Pauses what depends on an integration that begins to fail, in the commit that learned of it.
pub(crate) fn hold(tx: &Tx<'_>, found: &Integration, now: Time) -> Result<(), Error> {
    let before = store::crons::briefs_of(tx, found.id)?;
    store::crons::hold(tx, found.id, now)?;
    let names: Vec<&str> = before
        .iter()
        .filter(|each| !each.held && !each.paused)
        .map(|each| each.name.as_str())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let what = format!("paused because it is failing: {}", names.join(", "));
    let about = Some((found.id, found.row.name.as_str()));
    integrations::note(tx, now, about, &what, &Because::Health)
}

/// A check proved that it works again by itself. Where it failed by an outage and the admin has set so, its
/// crons go on.
pub(crate) fn proved(
    tx: &Tx<'_>,
    found: &Integration,
    failed: &Reason,
    now: Time,
) -> Result<(), Error> {
    let was_outage = matches!(failed, Reason::Unreachable { .. });
    let waits = was_outage && !store::crons::waiting(tx, found.id)?.is_empty();
    if waits && crate::settings::read(tx)?.resume_after_outage {
        release(tx, found, now, &Because::Health)?;
    }
    Ok(())
}

/// Lifts exactly the pauses of this integration's failure.
fn release(
    tx: &Tx<'_>,
    found: &Integration,
    now: Time,
    because: &Because,
) -> Result<Resumed, Error> {
    let (mut going, mut still_held_by) = (Vec::new(), BTreeSet::new());
    for id in store::crons::release(tx, found.id)? {
        let Ok(row) = store::crons::get(tx, id) else {
            continue;
        };
        let name = row.name.clone();
        let by_admin = row.paused.is_some();
        if set_going(tx, row, now)? {
            going.push(name);
        } else if !by_admin {
            for depend in held(tx, id)? {
                let found = Integration::find(tx, depend.integration)?;
                still_held_by.insert(found.map_or(depend.integration_name, |it| it.row.name));
            }
        }
    }
    if !going.is_empty() {
        let what = format!("resumed: {}", going.join(", "));
        let about = Some((found.id, found.row.name.as_str()));
        integrations::note(tx, now, about, &what, because)?;
    }
    Ok(Resumed {
        going: u32::try_from(going.len()).unwrap_or(u32::MAX),
        still_held_by: still_held_by.into_iter().collect(),
    })
}

/// Whose failures pause it.
fn held(conn: &Connection, id: CronId) -> Result<Vec<DependRow>, Error> {
    let mut held = store::crons::depends_of(conn, id)?;
    held.retain(|each| each.held_since.is_some());
    Ok(held)
}

/// True where nothing that needs it can run.
pub(super) fn is_failing(found: &Integration, now: Time) -> bool {
    found.row.enabled && found.state.shown(now).status() == Status::Failing
}

pub(super) fn held_by(found: &Integration, crons: &str) -> Error {
    Error::new(ErrorCode::CronHeld)
        .with("cron", crons)
        .with("integration", found.row.name.clone())
}

/// Those that this integration's failure paused and that go on once it is resumed: no other failure holds them.
pub(crate) fn ready(
    conn: &Connection,
    id: IntegrationId,
    now: Time,
) -> Result<Vec<CronBrief>, Error> {
    let mut ready = Vec::new();
    for brief in store::crons::briefs_of(conn, id)? {
        if !brief.waits() {
            continue;
        }
        let mut free = true;
        for other in held(conn, brief.id)? {
            let found = Integration::find(conn, other.integration)?;
            free &= !found.is_some_and(|found| found.id != id && is_failing(&found, now));
        }
        if free {
            ready.push(brief);
        }
    }
    Ok(ready)
}

/// True where crons wait for an integration that works, and for no other that fails.
pub(crate) fn resumable(conn: &Connection, id: IntegrationId, now: Time) -> Result<bool, Error> {
    let found = Integration::find(conn, id)?;
    if !found.is_some_and(|found| found.row.enabled && !is_failing(&found, now)) {
        return Ok(false);
    }
    Ok(!ready(conn, id, now)?.is_empty())
}

/// Resumes exactly what this integration's failure paused.
pub(crate) async fn resume_all(engine: &Engine, id: IntegrationId) -> Result<Resumed, Error> {
    let (now, because) = (engine.now(), engine.admin().await);
    let resumed = engine
        .store()
        .write(Durability::Full, move |tx| {
            let found = Integration::get(tx, id)?;
            if is_failing(&found, now) {
                let names: Vec<String> = store::crons::briefs_of(tx, id)?
                    .into_iter()
                    .filter(wire::CronBrief::waits)
                    .map(|each| each.name)
                    .collect();
                return Err(held_by(&found, &names.join(", ")));
            }
            release(tx, &found, now, &because)
        })
        .await?;
    engine.crons().wake();
    Ok(resumed)
}

/// Lifts an admin's pause of one cron, and those of failures that are over.
pub(crate) async fn resume(engine: &Engine, id: CronId) -> Result<(), Error> {
    let (now, because) = (engine.now(), engine.admin().await);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let mut row = store::crons::get(tx, id)?;
            for depend in store::crons::depends_of(tx, id)? {
                let found = Integration::find(tx, depend.integration)?;
                if let Some(found) = found.filter(|found| is_failing(found, now)) {
                    return Err(held_by(&found, &row.name));
                }
            }
            store::crons::release_one(tx, id)?;
            row.paused = None;
            let what = format!("the cron {} was resumed", row.name);
            set_going(tx, row, now)?;
            integrations::note(tx, now, None, &what, &because)
        })
        .await?;
    engine.crons().wake();
    Ok(())
}

/// True where it calls anything that is not on this computer itself.
pub(super) fn needs_network(conn: &Connection, id: CronId) -> Result<bool, Error> {
    for depend in store::crons::depends_of(conn, id)? {
        let found = Integration::find(conn, depend.integration)?;
        if found.is_some_and(|found| !health::is_local(&health::origin(&found))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// True where it calls anything whose credential is sealed.
pub(super) fn needs_key(conn: &Connection, id: CronId) -> Result<bool, Error> {
    for depend in store::crons::depends_of(conn, id)? {
        let held = store::credentials::find(conn, depend.integration)?;
        if held.is_some_and(|row| matches!(row.form, Form::Sealed(_))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Why these calls cannot be made now, apart from a failing integration; the place of the call in `call`.
pub(super) fn obstacle(conn: &Connection, row: &CronRow) -> Result<Option<Error>, Error> {
    let depends = store::crons::depends_of(conn, row.id)?;
    for depend in &depends {
        match Integration::find(conn, depend.integration)? {
            None => {
                let name = depend.integration_name.clone();
                return Ok(Some(
                    Error::new(ErrorCode::IntegrationGone).with("integration", name),
                ));
            }
            Some(found) if !found.row.enabled => {
                let error = Error::new(ErrorCode::IntegrationOff)
                    .with("integration", found.row.name)
                    .fix(wire::Fix::SwitchOn);
                return Ok(Some(error));
            }
            Some(_) => {}
        }
    }
    for (index, call) in row.calls.iter().enumerate() {
        let why = match fits(conn, call) {
            Ok(fitting) => refusal(conn, row.id, &fitting)?,
            Err(error) => Some(error),
        };
        if let Some(error) = why {
            return Ok(Some(error.with("call", (index + 1).to_string())));
        }
    }
    Ok(None)
}

/// Under what the approvals of a cron stand.
pub(super) fn owner(id: CronId) -> String {
    format!("cron:{id}")
}

/// A call that can be made as it is: exactly what runs, and what may happen to it.
pub(super) struct Fitting {
    pub exact: Exact,
    choice: Choice,
    action: String,
}

/// Policy's no, or that nobody has approved exactly this.
fn refusal(conn: &Connection, id: CronId, call: &Fitting) -> Result<Option<Error>, Error> {
    let named = |code| Error::new(code).with("tool", call.action.clone());
    Ok(match call.choice {
        Choice::Allow => None,
        Choice::Deny => Some(named(ErrorCode::PolicyDenied).with("agent", "")),
        Choice::Ask => store::policies::preapproved(conn, &owner(id), &call.exact)?
            .is_none()
            .then(|| named(ErrorCode::ApprovalNeeded)),
    })
}

/// Whether a call names a tool that is there and was accepted, with arguments that it takes.
pub(super) fn fits(conn: &Connection, call: &CronCall) -> Result<Fitting, Error> {
    let Some(found) = Integration::find(conn, call.integration)? else {
        return Err(Error::new(ErrorCode::IntegrationUnknown));
    };
    let named = |code| {
        Error::new(code)
            .with("integration", found.row.name.clone())
            .with("tool", crate::http::inert(&call.tool))
    };
    let tool = store::tools::find(conn, call.integration, &call.tool)?
        .ok_or_else(|| named(ErrorCode::ToolUnknown))?;
    let pin = store::pins::find(conn, call.integration, &call.tool)?;
    if !pin.is_some_and(|pin| pin.holds(&tool.hash)) {
        return Err(named(ErrorCode::ToolHeld));
    }
    let action = format!("{}.{}", found.row.slug, call.tool);
    let wrong = |why: String| {
        Error::new(ErrorCode::ArgumentsInvalid)
            .with("tool", action.clone())
            .with("why", why)
    };
    let arguments: Value = if call.arguments.trim().is_empty() {
        Value::Object(serde_json::Map::new())
    } else {
        serde_json::from_str(&call.arguments).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            wrong(format!("this is not JSON at {place}"))
        })?
    };
    if !arguments.is_object() {
        return Err(wrong("they must be a JSON object: {…}".to_owned()));
    }
    // A schema that cannot be used holds nothing back here: the server itself judges.
    let schema = fit::Schema::read(&tool.input_schema_json);
    if let Some(Fit::Misfit(argument, why)) = schema.map(|schema| schema.check(&arguments)) {
        return Err(fit::invalid(&action, &argument, &why));
    }
    let risk = policy::risk_of(&found.config, tool.risk, &arguments);
    let rules = store::policies::rules(conn, (call.integration, &call.tool), None)?;
    Ok(Fitting {
        exact: Exact::new(call.integration, &call.tool, &tool.hash, &arguments),
        choice: policy::decide(risk, rules),
        action,
    })
}
