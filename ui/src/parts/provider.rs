//! A provider's own sheet: what it does, how to connect it, what it may do, and what is missing.

use super::{
    field::{Field, Kind, choice},
    gallery::effort,
    tile::{Size, tile},
};
use crate::{
    icons::{Icon, icon},
    inert::inert,
    say::{say, say_with},
};
use wire::{BundleView, Effort, ProviderView, WayKind, WayView};
use yew::prelude::*;

/// What the admin has chosen of it. It may hold a key: it can be neither printed nor sent.
#[derive(Clone, PartialEq, Default)]
pub struct Chosen {
    /// The number of the way.
    pub way: usize,
    /// Ids of bundles.
    pub bundles: Vec<String>,
    pub key: String,
}

impl Chosen {
    /// At first: the first way that can be gone now, and the least.
    #[must_use]
    pub fn at_first(provider: &ProviderView) -> Self {
        let mut ways = provider.ways.iter();
        let defaults = provider.bundles.iter().filter(|bundle| bundle.default);
        Self {
            way: ways
                .position(|way| way.effort != Effort::NeedsApp)
                .unwrap_or_default(),
            bundles: defaults.map(|bundle| bundle.id.clone()).collect(),
            key: String::new(),
        }
    }

    /// The way itself.
    #[must_use]
    pub fn way<'a>(&self, provider: &'a ProviderView) -> Option<&'a WayView> {
        provider.ways.get(self.way).or(provider.ways.first())
    }
}

/// Whether the provider's scopes are asked for by this app.
#[must_use]
pub fn asks_scopes(way: &WayView) -> bool {
    match way.kind {
        WayKind::OAuth | WayKind::Device => true,
        WayKind::Mcp | WayKind::Key => false,
    }
}

/// Everything but the buttons. `wrong`: the error at the key.
pub fn provider_face(
    provider: &ProviderView,
    chosen: &Chosen,
    wrong: Option<AttrValue>,
    change: &Callback<Chosen>,
) -> Html {
    let way = chosen.way(provider);
    html! {
        <div data-testid="provider-sheet">
            { head(provider) }
            { ways(provider, chosen, change) }
            if let Some(way) = way {
                if way.effort == Effort::NeedsApp { { missing(provider, way) } }
                if way.kind == WayKind::Key {
                    { guide(way) }
                    { key_field(chosen, wrong, change) }
                }
                if asks_scopes(way) && !provider.bundles.is_empty() {
                    { bundles(&provider.bundles, chosen, change) }
                } else if way.kind == WayKind::Mcp {
                    <p class="sub">{ say("bundles-asked-there") }</p>
                }
            }
        </div>
    }
}

fn head(provider: &ProviderView) -> Html {
    let notes = provider.notes.iter();
    let note = |note: &String| html! { <li>{ inert(note) }</li> };
    html! {
        <>
            <div class="provider-head">
                { tile(&provider.icon, Size::Large) }
                <div>
                    <p>{ inert(&provider.summary) }</p>
                    <p class="sub">
                        { effort(provider) }
                        if !provider.verified { { " · " }{ say("not-verified") } }
                        if provider.added { { " · " }{ say("added-manifest") } }
                    </p>
                </div>
            </div>
            if !provider.notes.is_empty() { <ul class="plain-list notes">{ for notes.map(note) }</ul> }
        </>
    }
}

fn ways(provider: &ProviderView, chosen: &Chosen, change: &Callback<Chosen>) -> Html {
    if provider.ways.len() < 2 {
        return Html::default();
    }
    let options: Vec<_> = provider.ways.iter().map(way_option).collect();
    let on_choose = {
        let (chosen, change) = (chosen.clone(), change.clone());
        Callback::from(move |way: usize| {
            change.emit(Chosen {
                way,
                ..chosen.clone()
            });
        })
    };
    choice("way", say("way-choose"), (&options, chosen.way), &on_choose)
}

fn way_option(way: &WayView) -> (AttrValue, Option<AttrValue>) {
    let address = [("address", way.address.as_str())];
    let (label, hint) = match way.kind {
        WayKind::Mcp => (say("way-mcp"), say_with("way-mcp-hint", &address)),
        WayKind::OAuth => (say("way-oauth"), say_with("way-oauth-hint", &address)),
        WayKind::Device => (say("way-device"), say_with("way-device-hint", &address)),
        WayKind::Key => (say("way-key"), say_with("way-key-hint", &address)),
    };
    let label = match &way.label {
        Some(own) if way.kind == WayKind::Mcp => say_with("way-mcp-label", &[("label", own)]),
        Some(own) => inert(own),
        None => label,
    };
    let hint = match way.effort {
        Effort::NeedsApp => inert(&format!("{hint} {}.", say("effort-app"))),
        Effort::OneClick | Effort::Key | Effort::Ready => hint,
    };
    (label, Some(hint))
}

/// Why this way cannot be gone yet, and what the company does about it.
fn missing(provider: &ProviderView, way: &WayView) -> Html {
    html! {
        <div class="missing" role="note" data-testid="missing">
            <p class="lead">{ icon(Icon::Key) }<span>{ say("missing-app") }</span></p>
            <p class="sub">{ say_with("missing-app-why", &[("name", &provider.name)]) }</p>
            { guide(way) }
        </div>
    }
}

fn guide(way: &WayView) -> Html {
    let step = |step: &String| html! { <li>{ inert(step) }</li> };
    html! {
        <>
            if !way.steps.is_empty() { <ol class="steps">{ for way.steps.iter().map(step) }</ol> }
            if let Some(page) = &way.page {
                <p class="sub steps-page">{ say("guide-page") }{ " " }<code>{ inert(page) }</code></p>
            }
        </>
    }
}

fn key_field(chosen: &Chosen, error: Option<AttrValue>, change: &Callback<Chosen>) -> Html {
    let on_input = {
        let (chosen, change) = (chosen.clone(), change.clone());
        Callback::from(move |key: String| {
            change.emit(Chosen {
                key,
                ..chosen.clone()
            });
        })
    };
    html! {
        <Field id="secret" kind={Kind::Secret} label={say("field-key")} value={chosen.key.clone()} required=true
            max={20_000} hint={say("secret-hint")} {error} {on_input} />
    }
}

fn tools(bundle: &BundleView) -> Option<String> {
    (!bundle.tools.is_empty()).then(|| bundle.tools.join(", "))
}

fn bundles(all: &[BundleView], chosen: &Chosen, change: &Callback<Chosen>) -> Html {
    // Where each switches on the same tools, they are named once.
    let first = all.first().and_then(tools);
    let same = first.filter(|first| all.iter().all(|each| tools(each).as_ref() == Some(first)));
    let item = |bundle: &BundleView| {
        let is_chosen = chosen.bundles.contains(&bundle.id);
        let onchange = {
            let (id, chosen, change) = (bundle.id.clone(), chosen.clone(), change.clone());
            Callback::from(move |_: Event| {
                let mut next = chosen.clone();
                next.bundles.retain(|chosen| *chosen != id);
                if next.bundles.len() == chosen.bundles.len() {
                    next.bundles.push(id.clone());
                }
                change.emit(next);
            })
        };
        let id = format!("bundle-{}", bundle.id);
        html! {
            <label class="option bundle" for={id.clone()}>
                <input type="checkbox" name="bundle" {id} checked={is_chosen} {onchange} />
                <span>
                    { inert(&bundle.says) }
                    <small class="mono">{ inert(&bundle.scopes.join("  ")) }</small>
                    if let (None, Some(own)) = (&same, tools(bundle)) {
                        <small>{ say_with("bundle-tools", &[("tools", &own)]) }</small>
                    }
                </span>
            </label>
        }
    };
    html! {
        <fieldset class="row bundles">
            <legend>{ say("bundles-choose") }</legend>
            if let Some(tools) = &same {
                <p class="sub">{ say_with("bundles-tools", &[("tools", tools)]) }</p>
            }
            { for all.iter().map(item) }
        </fieldset>
    }
}
