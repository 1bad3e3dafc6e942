-- Programs that may call through the gateway. token_hash: SHA-256 of the token, which is kept nowhere.
-- integrations: JSON list of ids, null for all. Revoking removes the row: the record names the agent.
create table agents (
    id text primary key not null,
    name text not null,
    token_hash blob not null unique,
    integrations text,
    read_only integer not null,
    paired_at integer not null,
    expires_at integer,
    last_used_at integer,
    calls integer not null
) strict;
