//! Of which integrations an agent may use some tools only.

use crate::store::{Tx, failed, text};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;
use wire::{AgentId, AgentTools, AgentView, ChosenTools, Error, IntegrationId, Topic};

/// Puts these in the place of what was chosen for it; of any integration that is not named, all tools.
///
/// # Errors
/// `StoreUnwritable`; `StoreFailed` where the agent or an integration is gone.
pub fn choose(tx: &Tx<'_>, agent: AgentId, chosen: &[ChosenTools]) -> Result<(), Error> {
    let agent = agent.to_string();
    tx.execute("delete from agent_tools where agent_id = ?1", [&agent])
        .map_err(failed)?;
    let mut statement = tx
        .prepare_cached(
            "insert or ignore into agent_tools (agent_id, integration_id, tool) values (?1, ?2, ?3)",
        )
        .map_err(failed)?;
    for each in chosen {
        for tool in &each.tools {
            statement
                .execute(params![agent, each.integration.to_string(), tool])
                .map_err(failed)?;
        }
    }
    tx.touch(Topic::Agents);
    Ok(())
}

/// The tools of this integration that were chosen for this agent; `None`: all of them.
///
/// # Errors
/// `StoreFailed`.
pub fn chosen_of(
    connection: &Connection,
    agent: AgentId,
    id: IntegrationId,
) -> Result<Option<BTreeSet<String>>, Error> {
    let found: BTreeSet<String> = connection
        .prepare_cached("select tool from agent_tools where agent_id = ?1 and integration_id = ?2")
        .and_then(|mut statement| {
            statement
                .query_map(params![agent.to_string(), id.to_string()], |row| row.get(0))?
                .collect()
        })
        .map_err(failed)?;
    Ok((!found.is_empty()).then_some(found))
}

/// Whether this agent was given this tool.
///
/// # Errors
/// `StoreFailed`.
pub fn has(
    connection: &Connection,
    agent: &AgentView,
    (id, tool): (IntegrationId, &str),
) -> Result<bool, Error> {
    let integrations = agent.integrations.as_ref();
    Ok(integrations.is_none_or(|ids| ids.contains(&id))
        && chosen_of(connection, agent.id, id)?.is_none_or(|tools| tools.contains(tool)))
}

/// What was chosen for every agent.
///
/// # Errors
/// `StoreFailed`.
pub fn all_chosen(connection: &Connection) -> Result<Vec<AgentTools>, Error> {
    connection
        .prepare_cached(
            "select c.agent_id, c.integration_id, json_group_array(c.tool), count(t.name), \
             (select count(*) from tools where integration_id = c.integration_id) \
             from agent_tools c left join tools t \
             on t.integration_id = c.integration_id and t.name = c.tool \
             group by c.agent_id, c.integration_id",
        )
        .and_then(|mut statement| {
            statement
                .query_map([], |row| {
                    Ok(AgentTools {
                        agent: text::id(row, 0)?,
                        chosen: ChosenTools {
                            integration: text::id(row, 1)?,
                            tools: text::from_json_or_null(row, 2)?.unwrap_or_default(),
                        },
                        there: row.get(3)?,
                        of: row.get(4)?,
                    })
                })?
                .collect()
        })
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{agents, schema};
    use anyhow::Result;
    use uuid::Uuid;
    use wire::Time;

    const ID: IntegrationId = IntegrationId(Uuid::from_u128(1));

    fn agent(n: u128) -> AgentView {
        AgentView {
            id: AgentId(Uuid::from_u128(n)),
            name: "Chief".to_owned(),
            integrations: Some(vec![ID]),
            read_only: false,
            paired_at: Time(1),
            expires_at: None,
            last_used_at: None,
            calls: 0,
        }
    }

    fn database() -> Result<Connection> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection, schema::MIGRATIONS)?;
        connection.execute_batch(
            "pragma foreign_keys = on;
             insert into integrations
               (id, slug, name, kind, config, connected_by, connected_at, enabled, state)
             values ('00000000-0000-0000-0000-000000000001', 's', 'S', 'mcp', '{}', 'Ann', 0, 1, '{}');
             insert into tools
               (integration_id, position, name, description, input_schema, annotations, hash, risk)
             select id, value, 'tool ' || value, '', '{}', '{}', '', 'writes'
             from integrations, (select 1 as value union select 2 union select 3)",
        )?;
        Ok(connection)
    }

    #[test]
    fn tools_chosen_for_one_agent_bind_no_other_and_go_with_it() -> Result<()> {
        let connection = database()?;
        let tx = Tx::new(&connection);
        let (mine, other) = (agent(2), agent(3));
        agents::add(&tx, &mine, &[2; 32])?;
        agents::add(&tx, &other, &[3; 32])?;
        let only = ChosenTools {
            integration: ID,
            tools: ["tool 1", "gone", "tool 1"].map(str::to_owned).to_vec(),
        };
        choose(&tx, mine.id, &[only])?;
        let has = |id, tool| {
            let found = agents::find(&connection, id)?;
            found.map_or(Ok(false), |agent| has(&connection, &agent, (ID, tool)))
        };
        assert!(has(mine.id, "tool 1")?);
        assert!(!has(mine.id, "tool 2")?, "it was not chosen");
        assert!(has(other.id, "tool 2")?);
        let all = all_chosen(&connection)?;
        assert_eq!((all.len(), all[0].there, all[0].of), (1, 1, 3));
        assert_eq!(all[0].chosen.tools, ["gone", "tool 1"]);

        agents::set_use(
            &tx,
            &AgentView {
                integrations: Some(vec![]),
                ..other.clone()
            },
        )?;
        assert!(!has(other.id, "tool 1")?);

        agents::remove(&tx, mine.id, Time(2))?;
        assert!(!has(mine.id, "tool 1")?, "it was removed");
        assert!(all_chosen(&connection)?.is_empty());
        Ok(())
    }

    #[test]
    fn without_a_choice_all_tools_are_its_own_also_those_that_come_later() -> Result<()> {
        let connection = database()?;
        let tx = Tx::new(&connection);
        let mine = agent(2);
        agents::add(&tx, &mine, &[2; 32])?;
        let later = |tool| has(&connection, &mine, (ID, tool));
        assert!(later("a tool that comes later")?);
        let only = |tools: &[&str]| ChosenTools {
            integration: ID,
            tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
        };
        choose(&tx, mine.id, &[only(&["tool 1"])])?;
        assert!(!later("a tool that comes later")?);
        choose(&tx, mine.id, &[])?;
        assert!(later("a tool that comes later")?, "all of them again");
        Ok(())
    }
}
