-- Crons: the app's own (agent_id null), which make calls, and agents', which ask before each run.
-- calls: JSON (wire::CronCall), empty for an agent's. paused_by, paused_at: an admin's own pause.
-- next_at: when it is due, null where nothing is; handled_at: no moment of the schedule up to that is
-- begun any more. obstacle: why it did not start last, JSON (wire::Error), null where it could.
-- deleted_at: gone, and can be restored for a day.
create table crons (
    id text primary key not null,
    name text not null,
    agent_id text,
    agent_name text,
    schedule text not null,
    zone text not null,
    calls text not null,
    missed text not null,
    limit_min integer not null,
    created_at integer not null,
    paused_by text,
    paused_at integer,
    next_at integer,
    handled_at integer not null,
    obstacle text,
    deleted_at integer,
    check ((paused_by is null) = (paused_at is null))
) strict;
create index crons_due on crons (next_at) where next_at is not null;
create index crons_handled on crons (handled_at);
-- What each depends on. integration_name: its last one, for when it is gone. held_since: its failure
-- paused the cron then, and nobody has resumed it.
create table cron_depends (
    cron_id text not null references crons (id) on delete cascade,
    integration_id text not null,
    integration_name text not null,
    held_since integer,
    primary key (cron_id, integration_id)
) strict, without rowid;
create index cron_depends_integration on cron_depends (integration_id);
-- Each run. due_at: the moment of the schedule that it is for; the index lets no moment run twice.
-- app_run: the run of the app that made it: what it left running was interrupted. calls: JSON
-- (wire::RunCall), as far as it came.
create table cron_runs (
    id text primary key not null,
    cron_id text not null references crons (id) on delete cascade,
    due_at integer,
    begun_at integer not null,
    ended_at integer,
    outcome text not null,
    cause text not null,
    error text,
    calls text not null,
    app_run integer not null
) strict;
create unique index cron_runs_due on cron_runs (cron_id, due_at) where due_at is not null;
create unique index cron_runs_one on cron_runs (cron_id) where outcome = 'running';
create index cron_runs_begun on cron_runs (cron_id, begun_at, id);
