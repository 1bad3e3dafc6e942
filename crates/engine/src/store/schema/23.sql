-- What calls said is removed by its integration and age, some at a time.
drop index bodies_integration;
create index bodies_age on bodies (integration_id, at);
