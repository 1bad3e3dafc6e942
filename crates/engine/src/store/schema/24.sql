-- What was added to the record lately (store/intake.rs): on disk at once, in the record's own tables many rows at a
-- time. Without indexes: a commit writes each page anew that it touches.
create table intake_calls (
    seq integer primary key not null,
    id text not null,
    at integer not null,
    kind text not null,
    integration_id text,
    integration_name text not null,
    action text not null,
    because text not null,
    run integer not null,
    agent_id text,
    agent_name text,
    task text,
    thread_url text,
    thread_title text,
    cron_id text,
    cron_run text,
    sent text,
    key integer,
    mac blob not null,
    -- Whether it goes into open_calls, and as of which task.
    open integer not null,
    task_id text
) strict;
create table intake_outcomes (
    call_seq integer primary key not null,
    seq integer not null,
    call_at integer not null,
    at integer not null,
    outcome text not null,
    took_ms integer,
    error text,
    detail text not null,
    got text,
    key integer,
    mac blob not null
) strict;
create trigger intake_calls_no_update before update on intake_calls
begin select raise(abort, 'the record is append-only'); end;
create trigger intake_outcomes_no_update before update on intake_outcomes
begin select raise(abort, 'the record is append-only'); end;
create trigger intake_outcomes_once before insert on intake_outcomes
    when exists (select 1 from outcomes where call_seq = new.call_seq)
begin select raise(abort, 'a call has one outcome'); end;
