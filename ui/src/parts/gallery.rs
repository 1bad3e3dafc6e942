//! The gallery: every provider as a tile, found by its name, by what it does, or by a pasted address.

use super::tile::{Size, tile};
use crate::{
    guess::{Looks, address, fit, looks, provider_at},
    icons::{Icon, icon},
    inert::inert,
    say::{say, say_count, say_with},
};
use wire::{CatalogueView, Effort, ProviderView, RefusedManifest};
use yew::prelude::*;

/// What was chosen.
#[derive(Clone, PartialEq, Debug)]
pub enum Choice {
    /// A provider, by its id.
    Provider(String),
    /// One's own, with the address that was pasted, or none.
    Own(Looks, String),
    Sample,
}

/// What Enter chooses: what the address looks like, else the first provider found.
#[must_use]
pub fn first_choice(catalogue: &CatalogueView, typed: &str) -> Option<Choice> {
    if let Some(address) = address(typed) {
        let known = provider_at(&address, catalogue.providers.iter());
        return Some(match known {
            Some(provider) => Choice::Provider(provider.id.clone()),
            None => Choice::Own(looks(&address), address),
        });
    }
    if typed.trim().is_empty() {
        return None;
    }
    let first = found(catalogue, typed).into_iter().next()?;
    Some(Choice::Provider(first.id.clone()))
}

/// The providers that fit, best first, else by name as they come.
fn found<'a>(catalogue: &'a CatalogueView, typed: &str) -> Vec<&'a ProviderView> {
    let fits = |provider: &'a ProviderView| fit(provider, typed).map(|rank| (rank, provider));
    let mut found: Vec<(u8, &ProviderView)> = catalogue.providers.iter().filter_map(fits).collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, provider)| provider).collect()
}

/// The tiles, or what a pasted address looks like; one's own below; what was refused at the end.
pub fn gallery(catalogue: &CatalogueView, typed: &str, choose: &Callback<Choice>) -> Html {
    let above = match address(typed) {
        Some(address) => guessed(catalogue, &address, choose),
        None => tiles(catalogue, typed, choose),
    };
    html! {
        <div class="gallery">
            { above }
            { own(choose) }
            { refused(&catalogue.refused, catalogue.folder.as_deref()) }
        </div>
    }
}

fn tiles(catalogue: &CatalogueView, typed: &str, choose: &Callback<Choice>) -> Html {
    let found = found(catalogue, typed);
    if found.is_empty() {
        return html! {
            <div class="empty small" role="status">
                <b>{ say_with("gallery-none", &[("search", typed.trim())]) }</b>
                <p>{ say("gallery-none-hint") }</p>
            </div>
        };
    }
    html! {
        <div class="pick" data-testid="providers">
            { for found.into_iter().map(|provider| provider_tile(provider, choose)) }
        </div>
    }
}

fn provider_tile(provider: &ProviderView, choose: &Callback<Choice>) -> Html {
    let id = provider.id.clone();
    let onclick = choose.reform(move |_: MouseEvent| Choice::Provider(id.clone()));
    html! {
        <button type="button" key={provider.id.clone()} data-testid="provider" data-id={provider.id.clone()}
            title={inert(&provider.summary)} {onclick}>
            { tile(&provider.icon, Size::Medium) }
            <span><b>{ inert(&provider.name) }</b>{ " " }<small>{ effort(provider) }</small></span>
        </button>
    }
}

/// What it takes to connect it, in the fewest words.
#[must_use]
pub fn effort(provider: &ProviderView) -> AttrValue {
    let has = |effort: Effort| provider.ways.iter().any(|way| way.effort == effort);
    say(if has(Effort::OneClick) {
        "effort-one-click"
    } else if has(Effort::Ready) {
        "effort-ready"
    } else if has(Effort::Key) && has(Effort::NeedsApp) {
        "effort-key-or-app"
    } else if has(Effort::Key) {
        "effort-key"
    } else {
        "effort-app"
    })
}

fn guessed(catalogue: &CatalogueView, address: &str, choose: &Callback<Choice>) -> Html {
    let button = |primary: bool, label: AttrValue, choice: Choice| {
        let onclick = choose.reform(move |_: MouseEvent| choice.clone());
        let class = if primary { "primary" } else { "" };
        html! { <button type="button" {class} {onclick}>{ label }</button> }
    };
    let as_own = |primary: bool, key: &'static str, looks: Looks| {
        button(primary, say(key), Choice::Own(looks, address.to_owned()))
    };
    let known = provider_at(address, catalogue.providers.iter());
    let (sentence, buttons) = match (known, looks(address)) {
        (Some(provider), _) => {
            let name = [("name", provider.name.as_str())];
            let choice = Choice::Provider(provider.id.clone());
            (
                say_with("looks-provider", &name),
                vec![
                    button(true, say_with("as-provider", &name), choice),
                    as_own(false, "as-mcp", Looks::Mcp),
                ],
            )
        }
        (None, Looks::Mcp) => (
            say("looks-mcp"),
            vec![
                as_own(true, "as-mcp", Looks::Mcp),
                as_own(false, "as-api", Looks::Api),
            ],
        ),
        (None, Looks::OpenApi) => (
            say("looks-openapi"),
            vec![
                as_own(true, "as-openapi", Looks::OpenApi),
                as_own(false, "as-api", Looks::Api),
            ],
        ),
        (None, Looks::Api) => (
            say("looks-api"),
            vec![
                as_own(true, "as-api", Looks::Api),
                as_own(false, "as-mcp", Looks::Mcp),
            ],
        ),
    };
    html! {
        <div class="guess" role="status" data-testid="guess">
            <p class="lead">{ icon(Icon::Link) }<span>{ sentence }</span></p>
            <p class="sub mono">{ inert(address) }</p>
            <div class="buttons">{ for buttons }</div>
        </div>
    }
}

/// What is connected by its own address.
fn own(choose: &Callback<Choice>) -> Html {
    let item = |id: &'static str, picture, label: &'static str, hint: &'static str, choice| {
        let choice: Choice = choice;
        let onclick = choose.reform(move |_: MouseEvent| choice.clone());
        html! {
            <button type="button" class="own-kind" {id} {onclick}>
                <span class="kind-icon">{ icon(picture) }</span>
                <span><b>{ say(label) }</b><small>{ say(hint) }</small></span>
            </button>
        }
    };
    let empty = |looks| Choice::Own(looks, String::new());
    html! {
        <section aria-label={say("own")} class="own">
            { item("choose-mcp", Icon::Mcp, "kind-mcp", "kind-mcp-hint", empty(Looks::Mcp)) }
            { item("choose-api", Icon::Api, "kind-api", "kind-api-hint", empty(Looks::Api)) }
            { item("choose-openapi", Icon::Document, "kind-openapi", "kind-openapi-hint", empty(Looks::OpenApi)) }
            { item("choose-sample", Icon::Sample, "kind-sample", "sample-hint", Choice::Sample) }
        </section>
    }
}

fn refused(all: &[RefusedManifest], folder: Option<&str>) -> Html {
    if all.is_empty() {
        return Html::default();
    }
    let line = |refused: &RefusedManifest| {
        let (file, why) = (refused.file.as_str(), refused.why.as_str());
        let sentence = match refused.line {
            Some(line) => say_with(
                "manifest-refused",
                &[("file", file), ("line", &line.to_string()), ("why", why)],
            ),
            None => say_with("manifest-refused-file", &[("file", file), ("why", why)]),
        };
        html! { <li>{ sentence }</li> }
    };
    html! {
        <details class="refused" data-testid="refused">
            <summary><span class="warn-ink">{ icon(Icon::Expiring) }</span>{ say_count("manifests-refused", all.len()) }</summary>
            <ul class="plain-list">{ for all.iter().map(line) }</ul>
            if let Some(folder) = folder {
                <p class="sub">{ say_with("manifests-folder", &[("folder", folder)]) }</p>
            }
        </details>
    }
}
