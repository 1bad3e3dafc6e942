-- (notices by Slack)
select 1;
