-- Messages in Slack: one for each admin (e-mail address, as set) and bundle of notices. Written before
-- it is posted, so that a post whose answer was lost is looked for and not made twice. dm: the
-- conversation; asked_at: when it was
-- first posted, by this computer's clock; ts: Slack's name of the message, null until it is known; shows: the text that it shows
-- as far as is known.
create table slack_messages (
    bundle text not null,
    admin text not null,
    integration_id text not null,
    dm text not null,
    asked_at integer not null,
    ts text,
    shows text,
    primary key (bundle, admin)
) strict, without rowid;
-- Who an e-mail address is in a workspace, as Slack told: the person's DM with the bot.
create table slack_people (
    integration_id text not null,
    admin text not null,
    dm text not null,
    primary key (integration_id, admin)
) strict, without rowid;
insert into deliveries (notice_id, channel, bundle, cause, due_at)
    select id, 'slack', id, id, opened_at from notices where resolved_at is null;
