//! What stands beside the tabs: how the credential is given, and what it may do.

use crate::{
    inert::inert,
    parts::scopes::scope_list,
    route::{Route, Tab},
    say::{say, say_count, say_with},
    time::{at_now, full, moment, until},
};
use wire::{AuthView, IntegrationView, Kind, Time};
use yew::prelude::*;

/// How many scopes stand beside the tabs before the rest is a link.
const SHORT: usize = 6;

/// The column; on the Scopes tab without the scopes.
pub fn aside(view: &IntegrationView, tab: Tab) -> Html {
    let card = &view.card;
    html! {
        <aside>
            <section class="panel"><h2>{ say("credential") }</h2><div class="in">
                { given(view) }
            </div></section>
            if tab != Tab::Scopes {
                <section class="panel"><h2>{ say("granted-scopes") }</h2><div class="in">
                    { scope_list(card.scopes.get(..SHORT).unwrap_or(&card.scopes)) }
                    if card.scopes.len() > SHORT {
                        <p class="why"><a class="link" href={Route::Integration { id: card.id, tab: Tab::Scopes }.href()}>
                            { say_count("all-scopes", card.scopes.len()) }</a></p>
                    }
                </div></section>
            }
        </aside>
    }
}

/// How it is given, when it ends, whether it renews itself.
fn given(view: &IntegrationView) -> Html {
    let sentence = match &view.card.auth {
        _ if view.card.kind == Kind::Sample => say("auth-is-sample"),
        AuthView::None => say("auth-is-none"),
        AuthView::Bearer => say("auth-is-bearer"),
        AuthView::Header { name } => say_with("auth-is-header", &[("name", name)]),
        AuthView::Query { name } => say_with("auth-is-query", &[("name", name)]),
        AuthView::Basic { user } if user.is_empty() => say("auth-is-basic-key"),
        AuthView::Basic { user } => say_with("auth-is-basic", &[("user", user)]),
        AuthView::OAuth { issuer, .. } => say_with("auth-is-oauth", &[("issuer", issuer)]),
    };
    html! {
        <>
            <p class="why">{ sentence }</p>
            if let AuthView::OAuth { renews, ends_at, .. } = &view.card.auth {
                { ends(*renews, *ends_at) }
                if *renews { { view.ends_at.map(sign_in_ends).unwrap_or_default() } }
            } else {
                { view.ends_at.map(|at| ends(false, Some(at))).unwrap_or_default() }
            }
            { for view.remarks.iter().map(|told| html! { <p class="why" data-testid="remark">{ inert(told) }</p> }) }
            if view.revocable { <p class="why">{ say("auth-revocable") }</p> }
            if let Some(server) = &view.server {
                <p class="why">{ say_with("server-says", &[("server", server)]) }</p>
            }
            if let Some(protocol) = &view.protocol {
                <p class="why">{ say_with("server-speaks", &[("protocol", protocol)]) }</p>
            }
        </>
    }
}

/// A sign-in that renews itself, and still comes to an end of its own.
fn sign_in_ends(at: Time) -> Html {
    at_now(move |now| {
        let told = say_with(
            "sign-in-ends",
            &[("moment", &moment(at, now)), ("when", &until(at, now))],
        );
        html! { <p class="why" title={full(at)}>{ told }</p> }
    })
}

fn ends(renews: bool, ends_at: Option<Time>) -> Html {
    let Some(at) = ends_at else {
        return html! { <p class="why">{ say(if renews { "renews" } else { "ends-unknown" }) }</p> };
    };
    at_now(move |now| {
        let key = match (renews, at.since(now) > 0) {
            (true, _) => "renews-before",
            (false, true) => "ends-on",
            (false, false) => "ended-on",
        };
        let told = say_with(
            key,
            &[("moment", &moment(at, now)), ("when", &until(at, now))],
        );
        html! { <p class="why" title={full(at)}>{ told }</p> }
    })
}
