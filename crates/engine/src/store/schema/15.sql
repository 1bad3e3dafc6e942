-- Sign-ins whose answer comes by a link, which may start the app: what is needed to go on with one is
-- sealed by the vault under the row's own id, as a credential is. Nothing is sealed where credentials are
-- kept for one run only. Gone with the answer, when it is cancelled, and after ends_at; in no backup.
create table waiting_sign_ins (
    id text primary key not null,
    ends_at integer not null,
    key_generation integer,
    wrapped_key blob,
    sealed blob,
    check ((key_generation is null) = (wrapped_key is null)),
    check ((key_generation is null) = (sealed is null))
) strict;
