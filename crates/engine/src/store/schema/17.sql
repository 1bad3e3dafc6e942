-- Calls that are over are counted some moments after: in their task, their agent, and as the last use
-- of their integration. Until then they stay here beside those that are under way.
alter table open_calls add column task_id text;
