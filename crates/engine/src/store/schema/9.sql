-- What an admin chose for a tool: for one agent, or for all of them (agent_id empty).
create table policies (
    integration_id text not null references integrations (id) on delete cascade,
    tool text not null,
    agent_id text not null,
    choice text not null check (choice in ('allow', 'ask', 'deny')),
    primary key (integration_id, tool, agent_id)
) strict, without rowid;

-- What runs by itself and was approved beforehand, exactly: owner is whose it is (a cron's id).
create table preapprovals (
    owner text not null,
    integration_id text not null references integrations (id) on delete cascade,
    tool text not null,
    tool_hash text not null,
    arguments_hash text not null,
    approved_by text not null,
    approved_at integer not null,
    primary key (owner, integration_id, tool, tool_hash, arguments_hash)
) strict, without rowid;

-- What each tool told of itself when an admin took it: at the first probe, or since. A tool whose
-- hash is another, or that has no pin, is held back. told: the canonical JSON that the hash is of;
-- null where it is not known. Pins outlive tools that are gone for a while.
create table tool_pins (
    integration_id text not null references integrations (id) on delete cascade,
    name text not null,
    hash text not null,
    told text,
    primary key (integration_id, name)
) strict, without rowid;
insert into tool_pins (integration_id, name, hash) select integration_id, name, hash from tools;
alter table tools add column told text;

-- One piece of an agent's work. key: how the agent named it, or its thread; empty: what it did
-- unnamed. stopped_by: the admin who stopped it. calls, failed, refused: of its calls, those that
-- are over.
create table tasks (
    id text primary key not null,
    agent_id text not null,
    agent_name text not null,
    key text not null,
    title text not null,
    url text,
    begun_at integer not null,
    last_at integer not null,
    stopped_at integer,
    stopped_by text,
    calls integer not null default 0,
    failed integer not null default 0,
    refused integer not null default 0
) strict;
create index tasks_key on tasks (agent_id, key, last_at);
create index tasks_last on tasks (last_at, id);

create table task_integrations (
    task_id text not null references tasks (id) on delete cascade,
    integration_id text not null,
    name text not null,
    primary key (task_id, integration_id)
) strict, without rowid;
