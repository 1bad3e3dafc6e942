-- Times are milliseconds since the Unix epoch (UTC), ids are UUIDs as hyphenated text, enums are
-- their word on the wire, columns named config, state, because, error, about and annotations are JSON.

-- Each start of the app. A call without an outcome that began in an earlier run never got one.
create table runs (
    n integer primary key not null
) strict;

-- One connected thing: what a card shows.
create table integrations (
    id text primary key not null,
    slug text not null unique,
    name text not null,
    kind text not null,
    config text not null,
    account_id text,
    account_label text,
    connected_by text not null,
    connected_at integer not null,
    enabled integer not null,
    state text not null,
    protocol text,
    server text,
    probed_at integer,
    last_used_at integer,
    last_used_because text
) strict;

-- The newest credential of each integration, sealed by the vault.
-- form: none (needs no secret), sealed, session (kept in memory by the run that saved it).
-- held: 1 once a sealed credential stood here, so that Disconnect knows there is one to destroy.
create table credentials (
    integration_id text primary key not null references integrations (id) on delete cascade,
    generation integer not null,
    form text not null check (form in ('none', 'sealed', 'session')),
    held integer not null,
    about text not null,
    key_generation integer,
    wrapped_key blob,
    sealed blob,
    check ((form = 'sealed') = (key_generation is not null)),
    check ((form = 'sealed') = (wrapped_key is not null)),
    check ((form = 'sealed') = (sealed is not null))
) strict;

-- The vault's own: which database this is to the keyring, the number that the next keyring key
-- gets (never used twice), and whether a Disconnect still owes its checkpoint and backup.
create table vault (
    one integer primary key not null check (one = 1),
    id text not null,
    next_key integer not null,
    owes_backup integer not null
) strict;

-- The keyring's items that this database knows of. new: being made; current: seals; aside: may have
-- sealed what cannot be read now, deleted by the next Disconnect; old: to be deleted at once.
create table vault_keys (
    generation integer primary key not null,
    item text not null unique,
    state text not null check (state in ('new', 'current', 'aside', 'old'))
) strict;
create unique index vault_keys_current on vault_keys (state) where state = 'current';

-- What the last probe found.
create table tools (
    integration_id text not null references integrations (id) on delete cascade,
    position integer not null,
    name text not null,
    title text,
    description text not null,
    input_schema text not null,
    annotations text not null,
    hash text not null,
    risk text not null,
    primary key (integration_id, position),
    unique (integration_id, name)
) strict, without rowid;

-- The record: an intent before anything leaves, an outcome after. Neither is ever changed.
create table calls (
    id text primary key not null,
    at integer not null,
    kind text not null,
    integration_id text,
    integration_name text not null,
    action text not null,
    because text not null,
    run integer not null
) strict;
create index calls_at on calls (at, id);
create index calls_integration on calls (integration_id, at, id);

create table outcomes (
    call_id text primary key not null references calls (id),
    at integer not null,
    outcome text not null,
    took_ms integer,
    error text,
    detail text not null
) strict;

create trigger calls_no_update before update on calls
begin select raise(abort, 'the record is append-only'); end;
create trigger calls_no_delete before delete on calls
begin select raise(abort, 'the record is append-only'); end;
create trigger outcomes_no_update before update on outcomes
begin select raise(abort, 'the record is append-only'); end;
create trigger outcomes_no_delete before delete on outcomes
begin select raise(abort, 'the record is append-only'); end;

-- Pings are kept apart, for thirty days.
create table pings (
    id text primary key not null,
    at integer not null,
    integration_id text,
    integration_name text not null,
    outcome text not null,
    took_ms integer,
    error text,
    detail text not null,
    because text not null
) strict;
create index pings_at on pings (at, id);
create index pings_integration on pings (integration_id, at, id);

-- The same, counted by the day of the computer's own calendar on which they were made
-- (YYYY-MM-DD), so that a card's strip need not read them all.
create table ping_days (
    integration_id text not null references integrations (id) on delete cascade,
    day text not null,
    ok integer not null,
    failed integer not null,
    primary key (integration_id, day)
) strict, without rowid;

create table settings (
    key text primary key not null,
    value text not null
) strict;
