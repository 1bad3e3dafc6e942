-- The record, chained. calls and outcomes are made anew: seq counts up over both tables together,
-- without a gap, and mac binds each row to the one before it (store/record.rs): an HMAC under the
-- record's key n where key is given, a plain SHA-256 where the keyring was locked when it was written.
-- What stood here before is kept in its order, without a mac: the chain begins after record_base.
-- agent_*, task, thread_*, cron_*: what because says, for filters. sent and got: size, shape and hash
-- of arguments and result, as JSON.
create table calls_chained (
    seq integer primary key not null,
    id text not null unique,
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
    mac blob not null
) strict;
insert into calls_chained
    (seq, id, at, kind, integration_id, integration_name, action, because, run, thread_url,
     thread_title, mac)
    select row_number() over (order by at, id), id, at, kind, integration_id, integration_name,
        action, because, run, because ->> '$.url',
        iif(because ->> '$.url' is null, null, because ->> '$.title'), x''
    from calls;

create table outcomes_chained (
    call_seq integer primary key not null references calls_chained (seq),
    seq integer not null unique,
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
insert into outcomes_chained (call_seq, seq, call_at, at, outcome, took_ms, error, detail, mac)
    select c.seq, (select count(*) from calls) + row_number() over (order by o.at, c.seq), c.at, o.at,
        o.outcome, o.took_ms, o.error, o.detail, x''
    from outcomes o join calls_chained c on c.id = o.call_id;

drop table outcomes;
drop table calls;
alter table calls_chained rename to calls;
alter table outcomes_chained rename to outcomes;

create index calls_at on calls (at);
create index calls_integration on calls (integration_id, at);
create index calls_action on calls (action, at);
create index calls_agent on calls (agent_id, at) where agent_id is not null;
create index calls_task on calls (task, at) where task is not null;
create index calls_thread on calls (thread_url, at) where thread_url is not null;
create index calls_cron on calls (cron_id, at) where cron_id is not null;
create index outcomes_outcome on outcomes (outcome, call_at);

-- Intents without an outcome: running, or unknown where their run is over.
create table open_calls (
    call_seq integer primary key not null references calls (seq)
) strict;
insert into open_calls (call_seq)
    select seq from calls where seq not in (select call_seq from outcomes);

-- The keys that the record was chained with, sealed by the vault as a credential is.
create table record_keys (
    n integer primary key not null,
    id text not null unique,
    key_generation integer not null,
    wrapped_key blob not null,
    sealed blob not null
) strict;

-- Where the chain begins: after this row, whose mac was hash.
create table record_base (
    one integer primary key not null check (one = 1),
    seq integer not null,
    hash blob not null
) strict;
insert into record_base (one, seq, hash)
    select 1, (select count(*) from calls) + (select count(*) from outcomes), zeroblob(32);

-- The head as the anchor was last told: epoch counts the tellings, so that data brought back from a
-- backup is told from data whose end was cut off.
create table record_head (
    one integer primary key not null check (one = 1),
    epoch integer not null,
    seq integer not null,
    hash blob not null,
    key integer not null,
    mac blob not null
) strict;

-- What retention removed: rows up to and with last_seq, the mac of the last of them, and a signature.
create table tombstones (
    last_seq integer primary key not null,
    at integer not null,
    calls integer not null,
    hash blob not null,
    key integer not null,
    mac blob not null
) strict;

-- Nothing of the record is changed, and only what a tombstone covers is removed.
create trigger calls_no_update before update on calls
begin select raise(abort, 'the record is append-only'); end;
create trigger calls_no_delete before delete on calls
    when old.seq > (select coalesce(max(last_seq), 0) from tombstones)
begin select raise(abort, 'the record is append-only'); end;
create trigger outcomes_no_update before update on outcomes
begin select raise(abort, 'the record is append-only'); end;
create trigger outcomes_no_delete before delete on outcomes
    when old.call_seq > (select coalesce(max(last_seq), 0) from tombstones)
begin select raise(abort, 'the record is append-only'); end;

-- The words of calls, for search: one document for each call, under its seq, written some moments after
-- it. words: each once, so that the beginning of a word finds it. text_indexed: rows read so far.
create virtual table record_text using fts5
    (body, content = '', contentless_delete = 1, detail = none, tokenize = 'unicode61');
create table record_words (
    word text primary key not null
) strict, without rowid;
create table text_indexed (
    one integer primary key not null check (one = 1),
    seq integer not null
) strict;
insert into text_indexed (one, seq) values (1, 0);
