-- The catalogue's provider that an integration came of, where it came of one: decides its icon.
alter table integrations add column provider text;
