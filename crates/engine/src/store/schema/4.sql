-- The OpenAPI document that a custom API's tools are from: not its text, but the operations read of
-- it, as JSON, which is what a call needs.
create table openapi_documents (
    integration_id text primary key not null references integrations (id) on delete cascade,
    title text not null,
    version text not null,
    source text not null,
    imported_at integer not null,
    operations text not null
) strict;
