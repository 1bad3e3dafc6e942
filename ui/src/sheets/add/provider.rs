//! A provider's sheet with its buttons: what was chosen becomes a request.

use super::above;
use crate::{
    icons::{Icon, icon},
    parts::provider::{Chosen, asks_scopes, provider_face},
    say::{say, say_error},
    sheets::form::{At, at, is_of_app},
};
use wire::{Effort, Error, ProviderView, SecretInput, Target, WayKind, WayView};
use yew::prelude::*;

/// The face, an error at its place, and Connect where the way can be gone.
pub fn sheet(
    provider: &ProviderView,
    chosen: &Chosen,
    (error, starting): (Option<&Error>, bool),
    (change, start, set_up): (&Callback<Chosen>, &Callback<Target>, &Callback<AttrValue>),
) -> Html {
    let way = chosen.way(provider);
    let at_key = error.filter(|error| is_at_key(error, way));
    let onsubmit = {
        let target = way.map(|way| target(provider, way, chosen));
        let start = start.clone();
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            if let Some(target) = &target {
                start.emit(target.clone());
            }
        })
    };
    let can = way.is_some_and(|way| way.effort != Effort::NeedsApp);
    let refused = error.is_some_and(is_of_app);
    let id = AttrValue::from(provider.id.clone());
    let set_up = set_up.reform(move |_: MouseEvent| id.clone());
    html! {
        <form {onsubmit} autocomplete="off">
            if at_key.is_none() && let Some(error) = error { { above(error) } }
            { provider_face(provider, chosen, at_key.map(say_error), change) }
            if can {
                <div class="buttons">
                    <span class="sub grow">{ say("saved-after-proof") }</span>
                    if refused {
                        <button type="button" onclick={set_up.clone()}>{ say("apps-mend") }</button>
                    }
                    <button type="submit" class="primary" id="connect-provider" disabled={starting}>
                        if starting { { icon(Icon::Busy) } }
                        { say("connect") }
                    </button>
                </div>
            } else {
                <div class="buttons">
                    <button type="button" class="primary" onclick={set_up}>{ say("missing-app-enter") }</button>
                </div>
            }
        </form>
    }
}

fn is_at_key(error: &Error, way: Option<&WayView>) -> bool {
    way.is_some_and(|way| way.kind == WayKind::Key) && at(error) == At::Secret
}

fn target(provider: &ProviderView, way: &WayView, chosen: &Chosen) -> Target {
    let bundles = if asks_scopes(way) {
        chosen.bundles.clone()
    } else {
        vec![]
    };
    // A key that was typed for another way is not sent along.
    let key = if way.kind == WayKind::Key {
        chosen.key.as_str()
    } else {
        ""
    };
    Target::Provider {
        provider: provider.id.clone(),
        way: way.id.clone(),
        bundles,
        key: SecretInput::new(key),
        name: String::new(),
    }
}
