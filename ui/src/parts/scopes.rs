//! Scopes: a permission in plain words, the scope itself small below.

use crate::{
    inert::inert,
    say::{say, say_count, say_with},
};
use wire::ScopeView;
use yew::prelude::*;

/// All of them, granted first.
pub fn scope_list(scopes: &[ScopeView]) -> Html {
    if scopes.is_empty() {
        return html! { <p class="why">{ say("scopes-none") }</p> };
    }
    let (granted, refused): (Vec<_>, Vec<_>) = scopes.iter().partition(|scope| scope.granted);
    html! {
        <ul class="scopes">
            { for granted.into_iter().chain(refused).map(scope_item) }
        </ul>
    }
}

fn scope_item(scope: &ScopeView) -> Html {
    let name = inert(&scope.name);
    let off = (!scope.granted).then_some("off");
    let (words, small) = match &scope.plain {
        Some(plain) if scope.granted => (inert(plain), Some(name)),
        Some(plain) => (
            say_with("scope-not-granted", &[("scope", plain)]),
            Some(name),
        ),
        None if scope.granted => (name, None),
        None => (
            say_with("scope-not-granted", &[("scope", &scope.name)]),
            None,
        ),
    };
    html! {
        <li class={classes!("scope", off)}>
            <span class="dot" aria-hidden="true" />
            <div>
                if let Some(small) = small {
                    { words }<small>{ small }</small>
                } else {
                    <span class="mono">{ words }</span>
                }
                if !scope.tools.is_empty() {
                    <small>{ say_with("scope-tools", &[("tools", &scope.tools.join(", "))]) }</small>
                }
            </div>
        </li>
    }
}

/// "Scopes (3)", closed, at the foot of the card of this name; nothing where none are named.
pub fn scope_details(scopes: &[ScopeView], name: &str) -> Html {
    if scopes.is_empty() {
        return Html::default();
    }
    let granted = scopes.iter().filter(|scope| scope.granted).count();
    let shown = say_count("scopes-count", granted);
    // A page of cards has as many of them: read out alone, each says whose it is.
    let alone = say_with("scopes-of", &[("scopes", &shown), ("name", name)]);
    html! {
        <details class="card-scopes">
            <summary aria-label={alone}>{ shown }</summary>
            { scope_list(scopes) }
        </details>
    }
}
