//! What must hold before a call leaves: the integration may be called, the tool is there and was
//! accepted, and policy or an admin lets it.
//!
//! Owns: the order of these, and that what was approved is exactly what runs. Must not know: how a call
//! is made, or what is written down of it.

use super::{
    Wanted,
    approval::{self, Question},
    policy::{self, By, Exact, Rules},
};
use crate::{
    Engine,
    connectors::{
        Caller, Config,
        fit::{self, Fit},
    },
    integrations::Integration,
    store::{self, Kept, tasks::TaskRow, tools::ToolRow},
};
use rusqlite::Connection;
use std::sync::Arc;
use wire::{AgentId, CallId, Choice, Error, ErrorCode, IntegrationId, Reason, Risk, TaskId, Time};

/// What stands in the store about a call.
pub(super) struct Known {
    pub found: Integration,
    tool: Option<ToolRow>,
    /// It is as an admin took it.
    accepted: bool,
    rules: Rules,
    /// Where an agent calls and is still paired: what it may.
    paired: Option<Paired>,
    task: Option<TaskRow>,
    /// For how many days what is said is kept; `None`: it is not.
    pub body_days: Option<u32>,
}

/// What an agent may, as it was paired.
struct Paired {
    /// It was given this tool, and has it still: what it may use may change while a call waits.
    has: bool,
    read_only: bool,
    until: Option<Time>,
}

/// A tool, and who calls it in which task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    integration: IntegrationId,
    tool: String,
    agent: Option<AgentId>,
    task: Option<TaskId>,
}

/// What was looked up for earlier calls.
#[derive(Default)]
pub(crate) struct Looked(Kept<Key, Known>);

/// What stands in the store now, looked up anew only where it may have changed.
///
/// # Errors
/// `IntegrationUnknown`, `StoreFailed`.
pub(super) fn known(
    engine: &Engine,
    (id, tool): (IntegrationId, &str),
    by: &By,
) -> Result<Arc<Known>, Error> {
    let key = Key {
        integration: id,
        tool: tool.to_owned(),
        agent: by.agent(),
        task: by.task(),
    };
    let looked = &engine.0.looked.0;
    looked.get(engine.store(), key, Known::read)
}

impl Known {
    fn read(conn: &Connection, key: &Key) -> Result<Self, Error> {
        let (id, name) = (key.integration, key.tool.as_str());
        let found = Integration::get(conn, id)?;
        let tool = store::tools::find(conn, id, name)?;
        let pin = store::pins::find(conn, id, name)?;
        let task = match key.task {
            Some(task) => store::tasks::find(conn, task)?,
            None => None,
        };
        let agent = match key.agent {
            Some(agent) => store::agents::find(conn, agent)?,
            None => None,
        };
        let paired = match agent {
            Some(agent) => Some(Paired {
                has: store::agents::has(conn, &agent, (id, name))?,
                read_only: agent.read_only,
                until: agent.expires_at,
            }),
            None => None,
        };
        Ok(Self {
            found,
            paired,
            accepted: match (&tool, pin) {
                (Some(tool), Some(pin)) => pin.holds(&tool.hash),
                (Some(_), None) | (None, _) => false,
            },
            tool,
            task,
            body_days: store::bodies::days(conn, id)?,
            rules: store::policies::rules(conn, (id, name), key.agent)?,
        })
    }
}

/// How a call was let go.
pub(super) struct Passed {
    /// Who approved it, where anybody did.
    pub person: Option<String>,
    /// Its arguments were not held against the tool's schema, which cannot be used.
    pub unchecked: bool,
}

/// Lets the call go, after asking where that is to be.
pub(super) async fn pass(
    engine: &Engine,
    by: &By,
    (wanted, known): (&Wanted, &Known),
    (call, caller): (CallId, &Caller),
) -> Result<Passed, Error> {
    let tool = usable(known, by, &wanted.tool, engine.now())?;
    let id = wanted.integration;
    let Judged { risk, asks } = judged(by, (wanted, known), tool)?;
    let exact = || Exact::new(id, &wanted.tool, &tool.hash, &wanted.arguments);
    let mut passed = Passed {
        person: None,
        // Before anybody is asked.
        unchecked: !fits(engine, (wanted, known), tool).await?,
    };
    match (asks, by) {
        (false, _) | (true, By::Admin) => {}
        (true, By::Itself { owner }) => {
            let (owner, exact) = (owner.clone(), exact());
            let person = engine
                .store()
                .read(move |conn| store::policies::preapproved(conn, &owner, &exact))
                .await?;
            passed.person =
                Some(person.ok_or_else(|| named(ErrorCode::ApprovalNeeded, wanted, known))?);
        }
        (true, By::Agent { id, name, .. }) => {
            let exact = exact();
            let question = Question {
                call: (call, by.task()),
                found: &known.found,
                exact: &exact,
                risk,
                agent: (*id, name),
                because: &wanted.because,
                arguments: &wanted.arguments,
            };
            let person = approval::ask(engine, &question, caller).await?;
            still(engine, by, wanted, &exact).await?;
            passed.person = Some(person);
        }
    }
    Ok(passed)
}

/// What policy says of a call that it does not refuse.
struct Judged {
    risk: Risk,
    asks: bool,
}

/// Whether whoever calls may make this very call.
fn judged(by: &By, (wanted, known): (&Wanted, &Known), tool: &ToolRow) -> Result<Judged, Error> {
    let risk = policy::risk_of(&known.found.config, tool.risk, &wanted.arguments);
    let choice = match by {
        By::Admin => Choice::Allow,
        By::Agent { .. } | By::Itself { .. } => policy::decide(risk, known.rules),
    };
    let who = match by {
        By::Agent { name, .. } => name.as_str(),
        By::Admin | By::Itself { .. } => "",
    };
    let refused = |code| Err(named(code, wanted, known).with("agent", who));
    if known.paired.as_ref().is_some_and(|may| !may.has) {
        // As of one that is not there: an agent is offered only what it was given.
        return Err(named(ErrorCode::ToolUnknown, wanted, known).with("integration", who));
    }
    if risk != Risk::Reads && known.paired.as_ref().is_some_and(|may| may.read_only) {
        return refused(ErrorCode::AgentNotAllowed);
    }
    match choice {
        Choice::Deny => refused(ErrorCode::PolicyDenied),
        Choice::Allow | Choice::Ask => Ok(Judged {
            risk,
            asks: choice == Choice::Ask,
        }),
    }
}

/// An error that names the tool.
fn named(code: ErrorCode, wanted: &Wanted, known: &Known) -> Error {
    let action = format!("{}.{}", known.found.row.slug, wanted.tool);
    Error::new(code).with("tool", crate::http::inert(&action))
}

/// Holds the arguments against the tool's schema. False: an MCP server's, which cannot be used; then the
/// server judges.
async fn fits(
    engine: &Engine,
    (wanted, known): (&Wanted, &Known),
    tool: &ToolRow,
) -> Result<bool, Error> {
    let fit = engine
        .0
        .schemas
        .check(&tool.hash, &tool.input_schema_json, &wanted.arguments)
        .await;
    match fit {
        Fit::Fits => Ok(true),
        Fit::Misfit(argument, why) => {
            let action = format!("{}.{}", known.found.row.slug, wanted.tool);
            Err(fit::invalid(&action, &argument, &why))
        }
        Fit::Unchecked => Ok(!matches!(
            known.found.config,
            Config::Sample | Config::Mcp { .. }
        )),
    }
}

/// What was approved is exactly what runs: everything is looked at once more, whoever calls may still call
/// it, and the tool is the same.
async fn still(engine: &Engine, by: &By, wanted: &Wanted, approved: &Exact) -> Result<(), Error> {
    let id = wanted.integration;
    let known = known(engine, (id, &wanted.tool), by)?;
    let tool = usable(&known, by, &wanted.tool, engine.now())?;
    judged(by, (wanted, &known), tool)?;
    let now = Exact::new(id, &wanted.tool, &tool.hash, &wanted.arguments);
    let changed = || named(ErrorCode::ToolChanged, wanted, &known);
    (now == *approved).then_some(()).ok_or_else(changed)
}

/// Right before it is sent, which may be a while after it was let go: somebody still waits for it, and what
/// an admin changed meanwhile does not refuse it. (What asks now and did not before has been let go.)
pub(super) fn again(
    engine: &Engine,
    by: &By,
    (wanted, then): (&Wanted, &Arc<Known>),
    caller: &Caller,
) -> Result<(), Error> {
    if caller.hung_up.is_cancelled() {
        return Err(named(ErrorCode::ApprovalWithdrawn, wanted, then));
    }
    let now = known(engine, (wanted.integration, &wanted.tool), by)?;
    if Arc::ptr_eq(&now, then) {
        return Ok(());
    }
    let tool = usable(&now, by, &wanted.tool, engine.now())?;
    judged(by, (wanted, &now), tool)?;
    let same = then
        .tool
        .as_ref()
        .is_some_and(|then| then.hash == tool.hash);
    let changed = || named(ErrorCode::ToolChanged, wanted, &now);
    same.then_some(()).ok_or_else(changed)
}

/// Why nothing more is sent for this agent in this task, where an admin removed the one or stopped the other.
pub(super) fn called_off(conn: &Connection, by: &By) -> Result<Option<Error>, Error> {
    if let Some(agent) = by.agent()
        && store::agents::find(conn, agent)?.is_none()
    {
        return Ok(Some(Error::new(ErrorCode::AgentUnknown)));
    }
    let task = match by.task() {
        Some(task) => store::tasks::find(conn, task)?,
        None => None,
    };
    Ok(task.as_ref().and_then(stopped))
}

/// Why nothing of this task is sent, where an admin stopped it.
fn stopped(task: &TaskRow) -> Option<Error> {
    let (_, person) = task.stopped.as_ref()?;
    let error = Error::new(ErrorCode::TaskStopped).with("person", person.clone());
    let title = match task.title.as_str() {
        "" => words::text("task-no-name"),
        title => crate::http::inert(title),
    };
    Some(error.with("task", title))
}

/// The tool, where whoever calls is still known, its integration may be called, and an admin has taken it as
/// it is.
fn usable<'a>(known: &'a Known, by: &By, name: &str, now: Time) -> Result<&'a ToolRow, Error> {
    let found = &known.found;
    let lasts = |may: &Paired| may.until.is_none_or(|until| now < until);
    if by.agent().is_some() && !known.paired.as_ref().is_some_and(lasts) {
        return Err(Error::new(ErrorCode::AgentUnknown));
    }
    if let Some(stopped) = known.task.as_ref().and_then(stopped) {
        return Err(stopped);
    }
    let named = |code| Error::new(code).with("integration", found.row.name.clone());
    if !found.row.enabled {
        return Err(named(ErrorCode::IntegrationOff).fix(wire::Fix::SwitchOn));
    }
    let Some(tool) = &known.tool else {
        return Err(named(ErrorCode::ToolUnknown).with("tool", crate::http::inert(name)));
    };
    if !known.accepted {
        return Err(named(ErrorCode::ToolHeld).with("tool", crate::http::inert(name)));
    }
    match found.state.shown(now) {
        Reason::Ok
        | Reason::RateLimited { .. }
        | Reason::EndsOn { .. }
        | Reason::VendorEnds { .. } => match found.state.rests(now) {
            None => Ok(tool),
            Some(seconds) => Err(Error::new(ErrorCode::RateLimited)
                .with("host", found.row.name.clone())
                .with("seconds", seconds.to_string())),
        },
        // A task that already has it may still try where it is merely out of reach; and so may an admin.
        Reason::Unreachable { since }
            if known.task.as_ref().is_none_or(|task| task.begun_at < since) =>
        {
            Ok(tool)
        }
        reason @ (Reason::Unreachable { .. }
        | Reason::Rejected { .. }
        | Reason::NeedsAccess { .. }
        | Reason::IssuerChanged
        | Reason::RestoredFromBackup
        | Reason::KeyringLost
        | Reason::RunEnded) => {
            let error = named(ErrorCode::IntegrationFailing).with("why", reason.as_str());
            Err(match reason.fix(found.takes_key()) {
                Some(fix) => error.fix(fix),
                None => error,
            })
        }
    }
}
