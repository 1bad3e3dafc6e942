-- (record)
select 1;
