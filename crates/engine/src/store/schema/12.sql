-- (health)
select 1;
