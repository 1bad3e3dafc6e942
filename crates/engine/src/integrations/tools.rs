//! The tools of an integration as the window shows them, and what an admin decides about them.
//!
//! Owns: the view, choosing a policy, accepting what is held back. Must not know: what a choice does to
//! a call (`calls::policy`), or what is held (`pins`).

use super::{Integration, access, change, pins};
use crate::{
    Engine,
    calls::policy,
    store::{self, tools::ToolRow},
};
use std::time::Instant;
use wire::{AgentId, Error, ErrorCode, IntegrationId, PolicyView, SeenTool, SetPolicy, ToolView};

/// Its tools, in the server's order.
pub(crate) async fn tools(engine: &Engine, id: IntegrationId) -> Result<Vec<ToolView>, Error> {
    engine
        .store()
        .read(move |conn| {
            let found = Integration::get(conn, id)?;
            let pins = store::pins::list(conn, id)?;
            let mut chosen = store::policies::of_integration(conn, id)?;
            let rows = store::tools::list(conn, id)?;
            let until = Instant::now() + pins::DIFFS_TIME;
            let views = rows
                .into_iter()
                .map(|row| {
                    let held = pins::held(&row, &pins, until);
                    let (everyone, agents) = chosen.remove(&row.name).unwrap_or_default();
                    let policy = PolicyView {
                        default: policy::by_itself(row.risk),
                        chosen: everyone,
                        agents,
                    };
                    ToolView {
                        policy,
                        held,
                        ..view(row)
                    }
                })
                .collect();
            Ok(access::told(&found, views))
        })
        .await
}

fn view(tool: ToolRow) -> ToolView {
    let pretty = serde_json::from_str::<serde_json::Value>(&tool.input_schema_json)
        .and_then(|schema| serde_json::to_string_pretty(&schema));
    ToolView {
        name: tool.name,
        title: tool.title,
        description: tool.description,
        input_schema: pretty.unwrap_or(tool.input_schema_json),
        risk: tool.risk,
        hash: tool.hash.chars().take(8).collect(),
        policy: PolicyView {
            default: policy::by_itself(tool.risk),
            chosen: None,
            agents: vec![],
        },
        held: None,
        lacks: None,
    }
}

/// Sets what happens when agents call a tool.
pub(crate) async fn set_policy(engine: &Engine, ask: SetPolicy) -> Result<(), Error> {
    change(engine, ask.id, move |tx, found| {
        if store::tools::find(tx, ask.id, &ask.tool)?.is_none() {
            return Err(Error::new(ErrorCode::ToolUnknown)
                .with("integration", found.row.name.clone())
                .with("tool", crate::http::inert(&ask.tool)));
        }
        let of = match ask.agent {
            Some(agent) => format!("for {}", agent_name(tx, agent)?),
            None => "for every agent".to_owned(),
        };
        store::policies::set(tx, (ask.id, &ask.tool), ask.agent, ask.choice)?;
        let choice = ask.choice.map_or("as by itself", wire::Choice::as_str);
        let tool = crate::http::inert(&ask.tool);
        Ok((format!("policy of {tool} {of}: {choice}"), ()))
    })
    .await
}

fn agent_name(conn: &rusqlite::Connection, id: AgentId) -> Result<String, Error> {
    let agents = store::agents::list(conn)?;
    let found = agents.into_iter().find(|agent| agent.id == id);
    found.map(|agent| agent.name).ok_or_else(|| {
        Error::new(ErrorCode::FieldInvalid)
            .with("field", "Agent")
            .with("why", "it was removed")
    })
}

/// Takes held tools as they were seen: all, or none where one tells something else by now.
pub(crate) async fn accept(
    engine: &Engine,
    id: IntegrationId,
    seen: Vec<SeenTool>,
) -> Result<(), Error> {
    change(engine, id, move |tx, found| {
        for tool in &seen {
            let row = store::tools::find(tx, id, &tool.name)?
                .filter(|row| row.hash == tool.hash)
                .ok_or_else(|| {
                    let action = format!("{}.{}", found.row.slug, tool.name);
                    Error::new(ErrorCode::ToolChanged).with("tool", crate::http::inert(&action))
                })?;
            store::pins::put(tx, id, &tool.name, &row.pin())?;
        }
        let names: Vec<&str> = seen.iter().map(|tool| tool.name.as_str()).collect();
        Ok((format!("accepted: {}", pins::listed(&names)), ()))
    })
    .await
}
