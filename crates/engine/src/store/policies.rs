//! Policies: what an admin chose for tools, and what was approved before it runs by itself.

use super::{Tx, failed, text};
use crate::calls::policy::{Exact, Rules};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use wire::{AgentChoice, AgentId, Choice, Error, IntegrationId, Time, Topic};

/// Sets what happens when agents call a tool, for one agent or for all; `None`: what holds by itself.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn set(
    tx: &Tx<'_>,
    (id, tool): (IntegrationId, &str),
    agent: Option<AgentId>,
    choice: Option<Choice>,
) -> Result<(), Error> {
    let agent = agent.map(|agent| agent.to_string()).unwrap_or_default();
    let id_text = id.to_string();
    match choice {
        None => tx.execute(
            "delete from policies where integration_id = ?1 and tool = ?2 and agent_id = ?3",
            params![id_text, tool, agent],
        ),
        Some(choice) => tx.execute(
            "insert or replace into policies (integration_id, tool, agent_id, choice) \
             values (?1, ?2, ?3, ?4)",
            params![id_text, tool, agent, text::word(&choice)?],
        ),
    }
    .map_err(failed)?;
    tx.touch(Topic::Integration(id));
    tx.touch(Topic::Integrations);
    tx.touch(Topic::Agents);
    Ok(())
}

/// What an admin chose for one tool and, where an agent calls, for that agent.
///
/// # Errors
/// `StoreFailed`.
pub fn rules(
    connection: &Connection,
    (id, tool): (IntegrationId, &str),
    agent: Option<AgentId>,
) -> Result<Rules, Error> {
    let agent = agent.map(|agent| agent.to_string()).unwrap_or_default();
    let mut rules = Rules::default();
    let mut statement = connection
        .prepare_cached(
            "select agent_id, choice from policies \
             where integration_id = ?1 and tool = ?2 and agent_id in ('', ?3)",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map(params![id.to_string(), tool, agent], |row| {
            Ok((row.get::<_, String>(0)?, text::from_word(row, 1)?))
        })
        .map_err(failed)?;
    for row in rows {
        match row.map_err(failed)? {
            (of, choice) if of.is_empty() => rules.everyone = Some(choice),
            (_, choice) => rules.agent = Some(choice),
        }
    }
    Ok(rules)
}

/// Every choice for the tools of every integration that holds for this agent.
///
/// # Errors
/// `StoreFailed`.
pub fn all_for(
    connection: &Connection,
    agent: AgentId,
) -> Result<BTreeMap<(IntegrationId, String), Rules>, Error> {
    let mut found: BTreeMap<(IntegrationId, String), Rules> = BTreeMap::new();
    let mut statement = connection
        .prepare_cached(
            "select integration_id, tool, agent_id, choice from policies where agent_id in ('', ?1)",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map([agent.to_string()], |row| {
            let key = (text::id(row, 0)?, row.get::<_, String>(1)?);
            Ok((key, row.get::<_, String>(2)?, text::from_word(row, 3)?))
        })
        .map_err(failed)?;
    for row in rows {
        let (key, of, choice) = row.map_err(failed)?;
        let rules = found.entry(key).or_default();
        if of.is_empty() {
            rules.everyone = Some(choice);
        } else {
            rules.agent = Some(choice);
        }
    }
    Ok(found)
}

/// The choices for one integration's tools: for all agents, and for each that has one of its own.
pub type Chosen = BTreeMap<String, (Option<Choice>, Vec<AgentChoice>)>;

/// # Errors
/// `StoreFailed`.
pub fn of_integration(connection: &Connection, id: IntegrationId) -> Result<Chosen, Error> {
    let mut found = Chosen::new();
    let mut statement = connection
        .prepare_cached(
            "select tool, nullif(agent_id, ''), choice from policies where integration_id = ?1",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map([id.to_string()], |row| {
            let agent: Option<AgentId> = text::id_or_null(row, 1)?;
            Ok((row.get::<_, String>(0)?, agent, text::from_word(row, 2)?))
        })
        .map_err(failed)?;
    for row in rows {
        let (tool, agent, choice) = row.map_err(failed)?;
        let (everyone, agents) = found.entry(tool).or_default();
        match agent {
            None => *everyone = Some(choice),
            Some(agent) => agents.push(AgentChoice { agent, choice }),
        }
    }
    Ok(found)
}

/// Forgets what was chosen for an agent that is removed.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn forget_agent(tx: &Tx<'_>, agent: AgentId) -> Result<(), Error> {
    tx.execute(
        "delete from policies where agent_id = ?1",
        [agent.to_string()],
    )
    .map(drop)
    .map_err(failed)
}

/// An admin saw exactly what will run for `owner`, and approved it.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn preapprove(
    tx: &Tx<'_>,
    owner: &str,
    exact: &Exact,
    (person, now): (&str, Time),
) -> Result<(), Error> {
    tx.execute(
        "insert or replace into preapprovals (owner, integration_id, tool, tool_hash, \
         arguments_hash, approved_by, approved_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            owner,
            exact.integration.to_string(),
            exact.tool,
            exact.tool_hash,
            exact.arguments_hash,
            person,
            now.0
        ],
    )
    .map(drop)
    .map_err(failed)
}

/// Who approved exactly this for `owner`; `None`: nobody, or something else.
///
/// # Errors
/// `StoreFailed`.
pub fn preapproved(
    connection: &Connection,
    owner: &str,
    exact: &Exact,
) -> Result<Option<String>, Error> {
    use rusqlite::OptionalExtension as _;
    connection
        .prepare_cached(
            "select approved_by from preapprovals where owner = ?1 and integration_id = ?2 \
             and tool = ?3 and tool_hash = ?4 and arguments_hash = ?5",
        )
        .and_then(|mut statement| {
            statement
                .query_row(
                    params![
                        owner,
                        exact.integration.to_string(),
                        exact.tool,
                        exact.tool_hash,
                        exact.arguments_hash
                    ],
                    |row| row.get(0),
                )
                .optional()
        })
        .map_err(failed)
}

/// Nothing of `owner` is approved any longer.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub fn forget_preapprovals(tx: &Tx<'_>, owner: &str) -> Result<(), Error> {
    tx.execute("delete from preapprovals where owner = ?1", [owner])
        .map(drop)
        .map_err(failed)
}
