-- Of an integration that an agent may use, these tools only, by their servers' names. Without a row, all
-- of them, also those that come later. Kept where a tool is gone for a while.
create table agent_tools (
    agent_id text not null references agents (id) on delete cascade,
    integration_id text not null references integrations (id) on delete cascade,
    tool text not null,
    primary key (agent_id, integration_id, tool)
) strict, without rowid;
