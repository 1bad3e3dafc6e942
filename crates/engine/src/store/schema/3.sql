-- What an admin is told once: one row for each episode of an integration. Kept after Disconnect, so
-- without a foreign key. reason is JSON (wire::Reason).
-- well_since: it works again, and the episode is not over yet; resume_offered_at: when the admin was
-- first offered to resume what the failure had stopped; resolved_at: withdrawn.
create table notices (
    id text primary key not null,
    integration_id text not null,
    integration_name text not null,
    kind text not null check (kind in ('expiring', 'failing')),
    reason text not null,
    opened_at integer not null,
    well_since integer,
    resume_offered_at integer,
    resolved_at integer,
    seen_at integer
) strict;
create unique index notices_open on notices (integration_id, kind) where resolved_at is null;
create index notices_opened on notices (opened_at, id);
