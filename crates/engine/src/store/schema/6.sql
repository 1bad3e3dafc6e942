-- App credentials: the client that the company registered at a provider or an authorization server.
-- owner: provider:{id} or issuer:{address}. Its secret, where it has one, is sealed by the vault under
-- the row's own id, as a credential is.
create table app_credentials (
    id text primary key not null,
    owner text not null unique,
    client_id text not null,
    client_auth text not null,
    saved_by text not null,
    saved_at integer not null,
    key_generation integer,
    wrapped_key blob,
    sealed blob,
    check ((key_generation is null) = (wrapped_key is null)),
    check ((key_generation is null) = (sealed is null))
) strict;
