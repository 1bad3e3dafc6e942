-- (policy, tasks, pinned tools)
select 1;
