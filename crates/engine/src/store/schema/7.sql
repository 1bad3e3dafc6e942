-- How each notice reaches an admin: one row for each notice and channel, written in the commit that
-- opens the notice. Notices of one cause within a minute are told as one, under the id of the first:
-- bundle. told: what the channel shows now, JSON, null where nothing; handle: what the channel calls
-- it, null where it is gone from there; times: how often it was told; told_at: when last; tries:
-- failures in a row, error: the last of them; due_at: not before that.
create table deliveries (
    notice_id text not null references notices (id) on delete cascade,
    channel text not null,
    bundle text not null,
    cause text not null,
    told text,
    handle text,
    times integer not null default 0,
    told_at integer,
    tries integer not null default 0,
    error text,
    due_at integer not null,
    primary key (notice_id, channel)
) strict, without rowid;
create index deliveries_cause on deliveries (channel, cause);
create index deliveries_bundle on deliveries (channel, bundle);
insert into deliveries (notice_id, channel, bundle, cause, due_at)
    select id, 'native', id, id, opened_at from notices where resolved_at is null;
-- The admin wants to hear of it again, but not before then.
alter table notices add column snoozed_until integer;
