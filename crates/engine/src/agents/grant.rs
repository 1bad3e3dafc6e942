//! What an agent may use, as an admin chooses it: when it is paired, and later.
//!
//! Owns: what can be chosen, and changing it. Must not know: what a choice does to a list or a call
//! (`agents` and `calls::gate`).

use crate::{
    Engine,
    integrations::{self, Integration, pins},
    store::{self, Durability, Tx},
};
use std::collections::{BTreeMap, BTreeSet};
use wire::{AgentId, AgentView, ChangeAgent, ChosenTools, Error, ErrorCode, IntegrationId};

/// What it may use from now on. A call that waits for an approval is looked at once more by it.
pub(crate) async fn change(engine: &Engine, ask: ChangeAgent) -> Result<(), Error> {
    let (now, because) = (engine.now(), engine.admin().await);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            let mut agent = paired(tx, ask.id)?;
            agent.read_only = ask.read_only;
            agent.integrations = ask.integrations;
            let names = keep(tx, &agent, &ask.tools)?;
            let what = format!("what the agent {} may use is now: {names}", agent.name);
            integrations::note(tx, now, None, &what, &because)
        })
        .await?;
    engine.door().forget();
    Ok(())
}

/// One that is there.
///
/// # Errors
/// `FieldInvalid` where it was removed; `StoreFailed`.
pub(super) fn paired(tx: &Tx<'_>, id: AgentId) -> Result<AgentView, Error> {
    store::agents::find(tx, id)?.ok_or_else(|| {
        Error::new(ErrorCode::FieldInvalid)
            .with("field", "Agent")
            .with("why", "it was removed")
    })
}

/// Checks what was chosen for an agent that is there, and keeps it. In a few words, what that is.
///
/// # Errors
/// `FieldEmpty`, `FieldInvalid`, `IntegrationUnknown`, `ToolUnknown`.
pub(super) fn keep(
    tx: &Tx<'_>,
    agent: &AgentView,
    chosen: &[ChosenTools],
) -> Result<String, Error> {
    let ids = agent.integrations.as_ref();
    if ids.is_some_and(Vec::is_empty) {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", "Integrations"));
    }
    let mut counts = BTreeMap::new();
    for each in chosen {
        let found = Integration::get(tx, each.integration)?;
        let named = |code| Error::new(code).with("field", format!("Tools of {}", found.row.name));
        if ids.is_some_and(|ids| !ids.contains(&each.integration))
            || counts.contains_key(&each.integration)
        {
            return Err(named(ErrorCode::FieldInvalid).with(
                "why",
                "they are chosen once, and of an integration that is chosen",
            ));
        }
        let tools: BTreeSet<&String> = each.tools.iter().collect();
        if tools.is_empty() {
            return Err(named(ErrorCode::FieldEmpty));
        }
        are_there(tx, agent, (&found, &tools))?;
        counts.insert(each.integration, tools.len());
    }
    let mut names = Vec::new();
    let narrowed: Vec<IntegrationId> = counts.keys().copied().collect();
    for id in ids.unwrap_or(&narrowed) {
        let name = name_of(tx, *id)?;
        names.push(match counts.get(id) {
            None => name,
            Some(1) => format!("{name} (1 tool)"),
            Some(n) => format!("{name} ({n} tools)"),
        });
    }
    store::agents::set_use(tx, agent)?;
    store::agents::choose(tx, agent.id, chosen)?;
    let listed =
        |names: &[String]| pins::listed(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let names = match ids {
        None if counts.is_empty() => "every integration".to_owned(),
        None => format!(
            "every integration, of these some tools only: {}",
            listed(&names)
        ),
        Some(_) => listed(&names),
    };
    let reads = if agent.read_only {
        ", only what reads"
    } else {
        ""
    };
    Ok(format!("{names}{reads}"))
}

/// One that is gone may stay among those of an agent that had it: its server may tell it again.
fn are_there(
    tx: &Tx<'_>,
    agent: &AgentView,
    (found, tools): (&Integration, &BTreeSet<&String>),
) -> Result<(), Error> {
    let id = found.row.id;
    let had = store::agents::chosen_of(tx, agent.id, id)?.unwrap_or_default();
    for tool in tools {
        if !had.contains(*tool) && store::tools::find(tx, id, tool)?.is_none() {
            return Err(Error::new(ErrorCode::ToolUnknown)
                .with("integration", found.row.name.clone())
                .with("tool", crate::http::inert(tool)));
        }
    }
    Ok(())
}

fn name_of(tx: &Tx<'_>, id: IntegrationId) -> Result<String, Error> {
    Ok(Integration::get(tx, id)?.row.name)
}
