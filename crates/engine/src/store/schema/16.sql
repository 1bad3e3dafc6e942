-- A cron that could not start is a notice, too: integration_id and integration_name are the cron's then,
-- and obstacle says why (JSON, wire::Error).
alter table notices add column obstacle text;
-- The newest runs of all crons stand among the tasks.
create index cron_runs_newest on cron_runs (begun_at, id);
