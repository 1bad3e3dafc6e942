-- (crons)
select 1;
