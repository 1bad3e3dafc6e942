-- (doors)
select 1;
