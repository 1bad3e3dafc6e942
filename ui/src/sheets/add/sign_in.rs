//! The fields of a custom API that signs in through the browser.

use super::Fields;
use crate::{
    parts::field::{Field, Kind, choice},
    say::say,
    sheets::form::{At, Knows},
};
use wire::ClientAuth;
use yew::prelude::*;

/// In the order of the options.
const KNOWS: [Knows; 2] = [Knows::Issuer, Knows::Addresses];
/// In the order of the options.
const CLIENTS: [ClientAuth; 3] = [ClientAuth::None, ClientAuth::Basic, ClientAuth::Post];

pub(super) fn fields(fields: &Fields) -> Html {
    let typed = &fields.typed.sign_in;
    let known_by = [
        (say("sign-in-issuer"), Some(say("sign-in-issuer-hint"))),
        (
            say("sign-in-addresses"),
            Some(say("sign-in-addresses-hint")),
        ),
    ];
    let (by, on_by) = fields.way(&KNOWS, typed.knows, |typed, by| typed.sign_in.knows = by);
    let clients = [
        (say("client-none"), Some(say("client-none-hint"))),
        (say("client-basic"), None),
        (say("client-post"), None),
    ];
    let (client, on_client) = fields.way(&CLIENTS, typed.client_auth, |typed, auth| {
        typed.sign_in.client_auth = auth;
    });
    html! {
        <>
            { choice("server", say("sign-in-server"), (&known_by, by), &on_by) }
            { match typed.knows {
                Knows::Issuer => html! {
                    <Field id="issuer" kind={Kind::Url} label={say("field-issuer")} value={typed.issuer.clone()}
                        required=true placeholder="https://auth.example.com" error={fields.error(At::Issuer)}
                        on_input={fields.set(|t, text| t.sign_in.issuer = text)} />
                },
                Knows::Addresses => addresses(fields),
            } }
            <Field id="client-id" label={say("field-client-id")} value={typed.client_id.clone()} max={1_000}
                required={typed.knows == Knows::Addresses}
                hint={say("client-id-hint")} error={fields.error(At::ClientId)}
                on_input={fields.set(|t, text| t.sign_in.client_id = text)} />
            { choice("client", say("client"), (&clients, client), &on_client) }
            if typed.client_auth != ClientAuth::None { { fields.secret("field-client-secret") } }
            <Field id="scopes" label={say("field-scopes")} value={typed.scopes.clone()}
                placeholder="orders.read offline_access" hint={say("scopes-hint")} error={fields.error(At::Scopes)}
                on_input={fields.set(|t, text| t.sign_in.scopes = text)} />
            <p class="hint">{ say("redirect-hint") }{ " " }<code>{ "http://127.0.0.1/callback" }</code></p>
        </>
    }
}

fn addresses(fields: &Fields) -> Html {
    let typed = &fields.typed.sign_in;
    html! {
        <>
            <Field id="authorization-url" kind={Kind::Url} label={say("field-authorization-url")} required=true
                value={typed.authorization_url.clone()} placeholder="https://auth.example.com/authorize"
                error={fields.error(At::AuthorizationUrl)}
                on_input={fields.set(|t, text| t.sign_in.authorization_url = text)} />
            <Field id="token-url" kind={Kind::Url} label={say("field-token-url")} required=true
                value={typed.token_url.clone()} placeholder="https://auth.example.com/token"
                error={fields.error(At::TokenUrl)}
                on_input={fields.set(|t, text| t.sign_in.token_url = text)} />
            <Field id="revocation-url" kind={Kind::Url} label={say("field-revocation-url")}
                value={typed.revocation_url.clone()} hint={say("revocation-url-hint")}
                error={fields.error(At::RevocationUrl)}
                on_input={fields.set(|t, text| t.sign_in.revocation_url = text)} />
        </>
    }
}
