-- Slugs of integrations that were disconnected: an agent that was listed their tools goes on calling them by
-- these names, and must not reach another account by them.
create table retired_slugs (
    slug text primary key not null,
    retired_at integer not null
) strict, without rowid;
-- Agents that were removed, by the SHA-256 of their tokens: one that still knocks is named.
create table removed_agents (
    token_hash blob primary key not null,
    name text not null,
    removed_at integer not null
) strict, without rowid;
