//! The tools of one integration that an agent may use: closed, how many; open, which.

use super::may::Only;
use crate::{
    icons::{Icon, icon},
    inert::inert,
    parts::{
        more::More,
        pill::{pill, risk_pill},
        states,
    },
    query::use_query,
    say::{say, say_count, say_with},
    state::Tone,
};
use std::{collections::BTreeSet, rc::Rc};
use web_sys::{Element, HtmlInputElement};
use wire::{IntegrationId, ListTools, Risk, ToolView, Topic};
use yew::prelude::*;

/// More than so many can be searched.
pub const FEW: usize = 10;
const STEP: usize = 60;

#[derive(Clone, Properties, PartialEq)]
pub struct Props {
    pub id: IntegrationId,
    /// "Tools of Stripe".
    pub name: AttrValue,
    /// How many it has.
    pub count: u32,
    pub only: Only,
    /// The agent may only read.
    pub read_only: bool,
    pub on: Callback<Only>,
}

/// The disclosure.
#[component]
pub fn Narrow(props: &Props) -> Html {
    let open = use_state_eq(|| false);
    let ontoggle = {
        let open = open.clone();
        Callback::from(move |e: Event| {
            open.set(e.target_unchecked_into::<Element>().has_attribute("open"));
        })
    };
    let said = match &props.only {
        None => say_count("tools-all", props.count as usize),
        Some(only) => some_of(only.len(), props.count),
    };
    html! {
        <details class="narrow" data-testid="narrow" {ontoggle}>
            <summary><span class="turn">{ icon(Icon::Open) }</span><span>{ said }</span>
                <span class="unseen">{ " · " }{ props.name.clone() }</span></summary>
            if *open { <Choose ..props.clone() /> }
        </details>
    }
}

/// "3 of 12 tools".
pub fn some_of(n: usize, of: u32) -> AttrValue {
    let (n, all) = (n.to_string(), of.to_string());
    say_with("tools-some", &[("n", &n), ("all", &all)])
}

#[component]
fn Choose(props: &Props) -> Html {
    let tools = use_query(
        ListTools { id: props.id },
        vec![Topic::Integration(props.id)],
    );
    let search = use_state(AttrValue::default);
    let shown = use_state_eq(|| STEP);
    let every = props.on.reform(|e: Event| {
        let all = e.target_unchecked_into::<HtmlInputElement>().checked();
        (!all).then(Rc::default)
    });
    let on_more = {
        let shown = shown.clone();
        Callback::from(move |()| shown.set(*shown + STEP))
    };
    let list = |tools: &Rc<Vec<ToolView>>| {
        let wanted = search.to_lowercase();
        let rows = rows(tools, &props.only);
        let many = rows.len() > FEW;
        let ticked = |name: &str| props.only.as_ref().is_none_or(|only| only.contains(name));
        let writes = props.read_only
            && tools
                .iter()
                .any(|tool| tool.risk != Risk::Reads && ticked(&tool.name));
        let found: Vec<_> = rows
            .into_iter()
            .filter(|(name, _)| name.to_lowercase().contains(&wanted))
            .collect();
        let left = found.len().saturating_sub(*shown);
        html! {
            <>
                if many { { search_field("search-tools", &search) } }
                if found.is_empty() {
                    <p class="none">{ say_with("no-tool-found", &[("search", &search)]) }</p>
                }
                <div class="narrowed" role="group" aria-label={props.name.clone()}>
                    { for found.into_iter().take(*shown).map(|(name, tool)| row(name, tool, tools, props)) }
                    <More {left} {on_more} />
                </div>
                if writes { <p class="sub">{ say("tools-only-read") }</p> }
            </>
        }
    };
    let none = props.only.as_ref().is_some_and(|only| only.is_empty());
    html! {
        <div class="narrow-in">
            <label class="option">
                <input type="checkbox" data-testid="every-tool" checked={props.only.is_none()} onchange={every} />
                <span>{ say("tools-every") }<small>{ say("tools-every-hint") }</small></span>
            </label>
            { states::shown(&tools, states::loading_lines(), list) }
            if none { <p class="error" role="alert">{ say("tools-none-chosen") }</p> }
        </div>
    }
}

/// A search in a list of the form.
pub fn search_field(label: &'static str, search: &UseStateHandle<AttrValue>) -> Html {
    let oninput = {
        let search = search.setter();
        Callback::from(move |e: InputEvent| {
            search.set(e.target_unchecked_into::<HtmlInputElement>().value().into());
        })
    };
    // Enter in the search is no wish to pair.
    let onkeydown = Callback::from(|e: KeyboardEvent| {
        if e.key() == "Enter" {
            e.prevent_default();
        }
    });
    html! {
        <label class="field">{ icon(Icon::Search) }
            <input type="search" placeholder={say(label)} aria-label={say(label)} autocomplete="off" spellcheck="false"
                value={(**search).clone()} {oninput} {onkeydown} />
        </label>
    }
}

/// The integration's tools, then those that were chosen and are gone.
fn rows<'a>(tools: &'a [ToolView], only: &'a Only) -> Vec<(&'a str, Option<&'a ToolView>)> {
    // By sets that are there already: a window's program is measured in kilobytes.
    let mut left = only.as_deref().cloned().unwrap_or_default();
    for tool in tools {
        left.remove(&tool.name);
    }
    let told = tools.iter().map(|tool| (tool.name.as_str(), Some(tool)));
    let chosen = only.iter().flat_map(|only| only.iter());
    let gone = chosen.filter(move |name| left.contains(*name));
    told.chain(gone.map(|name| (name.as_str(), None))).collect()
}

fn row(name: &str, tool: Option<&ToolView>, tools: &Rc<Vec<ToolView>>, props: &Props) -> Html {
    let checked = props.only.as_ref().is_none_or(|only| only.contains(name));
    let onchange = {
        let (name, tools, only) = (name.to_owned(), tools.clone(), props.only.clone());
        props.on.reform(move |_: Event| {
            let all = || tools.iter().map(|tool| tool.name.clone()).collect();
            let mut new: BTreeSet<String> = only.as_deref().cloned().unwrap_or_else(all);
            if !new.remove(&name) {
                new.insert(name.clone());
            }
            Some(Rc::new(new))
        })
    };
    let said = tool.map(|tool| {
        let first = tool.description.lines().next().unwrap_or_default();
        tool.title
            .as_deref()
            .filter(|title| !title.is_empty())
            .unwrap_or(first)
    });
    html! {
        <label class="option" key={name.to_owned()} data-testid="narrow-tool" data-name={inert(name)}>
            <input type="checkbox" {checked} {onchange} />
            <code>{ inert(name) }</code>
            <span class="said">{ inert(said.unwrap_or_default()) }</span>
            { match tool {
                None => pill(Tone::Quiet, Icon::Unknown, say("tool-gone")),
                Some(tool) => html! {
                    <>
                        if tool.held.is_some() { { pill(Tone::Warn, Icon::Expiring, say("tool-held")) } }
                        { risk_pill(tool.risk) }
                    </>
                },
            } }
        </label>
    }
}
