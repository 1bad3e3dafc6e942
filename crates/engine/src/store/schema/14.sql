-- What calls said, secrets hidden: beside the record and no part of its chain, where an integration's
-- setting says so, and for as long as it says.
create table body_settings (
    integration_id text primary key references integrations (id) on delete cascade,
    days integer not null check (days between 1 and 365)
) strict, without rowid;

create table bodies (
    call_id text primary key,
    integration_id text not null,
    at integer not null,
    until integer not null,
    sent text,
    got text
) strict, without rowid;
create index bodies_until on bodies (until);
create index bodies_integration on bodies (integration_id);
