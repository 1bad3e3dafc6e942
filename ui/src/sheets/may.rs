//! What an agent may use, as an admin chooses it: integrations, of each all tools or some, and whether
//! only what reads.

use super::narrow::{FEW, Narrow, search_field};
use crate::{
    icons::{Icon, icon},
    inert::inert,
    pages::agents::chosen,
    parts::field::choice,
    say::{say, say_count, say_with},
    state::Frame,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};
use web_sys::HtmlInputElement;
use wire::{AgentId, AgentTools, AgentView, CardView, ChosenTools, IntegrationId};
use yew::prelude::*;

/// The tools that were chosen of an integration; `None`: all of them, also those that come later.
pub type Only = Option<Rc<BTreeSet<String>>>;

/// The tools that were chosen for an agent of an integration; `None`: all of them.
pub fn chosen_of(all: &[AgentTools], agent: AgentId, id: IntegrationId) -> Option<&AgentTools> {
    all.iter()
        .find(|each| each.agent == agent && each.chosen.integration == id)
}

/// What is chosen in the form.
#[derive(Clone, PartialEq)]
pub struct May {
    /// Not every integration, but those that are picked.
    pub some: bool,
    picked: BTreeMap<IntegrationId, Only>,
    pub read_only: bool,
}

impl May {
    /// What the form proposes.
    pub fn new() -> Self {
        Self {
            some: false,
            picked: BTreeMap::new(),
            read_only: true,
        }
    }

    /// What this agent may use now. What is disconnected is left out, once it is known what is connected.
    pub fn of(agent: &AgentView, chosen: &[AgentTools], frame: &Frame) -> Self {
        let only = |id: IntegrationId| {
            let own = chosen_of(chosen, agent.id, id)?;
            Some(Rc::new(own.chosen.tools.iter().cloned().collect()))
        };
        let own = chosen.iter().filter(|each| each.agent == agent.id);
        let narrowed: Vec<_> = own.map(|each| each.chosen.integration).collect();
        let ids = agent.integrations.as_ref().unwrap_or(&narrowed).iter();
        Self {
            some: agent.integrations.is_some(),
            picked: ids
                .filter(|id| frame.cards.data.is_none() || frame.card(**id).is_some())
                .map(|id| (*id, only(*id)))
                .collect(),
            read_only: agent.read_only,
        }
    }

    /// Something of everything that has to be chosen was.
    pub fn is_whole(&self) -> bool {
        let tools = |only: &Only| only.as_ref().is_none_or(|only| !only.is_empty());
        (!self.some || !self.picked.is_empty()) && self.picked.values().all(tools)
    }

    pub fn integrations(&self) -> Option<Vec<IntegrationId>> {
        self.some.then(|| self.picked.keys().copied().collect())
    }

    pub fn tools(&self) -> Vec<ChosenTools> {
        let picked = self.picked.iter();
        picked
            .filter_map(|(id, only)| {
                Some(ChosenTools {
                    integration: *id,
                    tools: only.as_ref()?.iter().cloned().collect(),
                })
            })
            .collect()
    }
}

/// Its part of the form.
pub fn may(may: &UseStateHandle<May>) -> Html {
    let set = |change: fn(&mut May, usize)| {
        let may = may.clone();
        Callback::from(move |index| {
            let mut new = (*may).clone();
            change(&mut new, index);
            may.set(new);
        })
    };
    html! {
        <>
            { choice("agent-scope", say("pair-integrations"),
                (&[(say("pair-all"), Some(say("pair-all-hint"))), (say("pair-some"), Some(say("pair-some-hint")))],
                    usize::from(may.some)),
                &set(|may, index| {
                    may.some = index == 1;
                    // What holds the form up must be in sight.
                    may.picked.retain(|_, only| only.as_ref().is_none_or(|only| !only.is_empty()));
                })) }
            if may.some {
                <fieldset class="row picks"><legend>{ chosen(may.picked.len()) }</legend><Picks may={may.clone()} /></fieldset>
            } else {
                <details class="row narrowing" data-testid="narrowing">
                    <summary><span class="turn">{ icon(Icon::Open) }</span>{ narrowed(may) }</summary>
                    <div class="picks"><Picks may={may.clone()} /></div>
                </details>
            }
            { choice("agent-reads", say("pair-may"),
                (&[(say("agent-reads"), Some(say("pair-reads-hint"))), (say("agent-any"), None)],
                    usize::from(!may.read_only)),
                &set(|may, index| may.read_only = index == 0)) }
        </>
    }
}

fn narrowed(may: &May) -> AttrValue {
    match may.tools().len() {
        0 => say("pair-narrow"),
        some => say_count("pair-narrowed", some),
    }
}

#[derive(Properties, PartialEq)]
struct PicksProps {
    may: UseStateHandle<May>,
}

/// The integrations: of some, which; of all, whose tools are narrowed.
#[component]
fn Picks(props: &PicksProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let search = use_state_eq(AttrValue::default);
    let cards: &[CardView] = frame.cards.data.as_deref().map_or(&[], Vec::as_slice);
    let wanted = search.to_lowercase();
    // By name: that is what is looked for here, not who needs help. The library’s sort is large in a window’s program.
    let mut found: Vec<(String, &CardView)> = Vec::new();
    for card in cards {
        let name = card.name.to_lowercase();
        if name.contains(&wanted) {
            let at = found.partition_point(|(other, _)| *other <= name);
            found.insert(at, (name, card));
        }
    }
    let none = found.is_empty() && !wanted.is_empty();
    html! {
        <>
            if cards.len() > FEW { { search_field("pair-search", &search) } }
            if none { <p class="none">{ say_with("pair-none-found", &[("search", &search)]) }</p> }
            { for found.into_iter().map(|(_, card)| one(card, &props.may)) }
        </>
    }
}

/// One integration and, where they can be chosen, its tools.
fn one(card: &CardView, may: &UseStateHandle<May>) -> Html {
    let id = card.id;
    let picked = may.picked.get(&id);
    let all = Only::None;
    // Of every integration each has its tools; of some, those that are picked.
    let only = picked.or((!may.some).then_some(&all));
    let onchange = {
        let may = may.clone();
        Callback::from(move |e: Event| {
            let mut new = (*may).clone();
            if e.target_unchecked_into::<HtmlInputElement>().checked() {
                new.picked.insert(id, None);
            } else {
                new.picked.remove(&id);
            }
            may.set(new);
        })
    };
    let name = html! {
        <span>{ inert(&card.name) }if let Some(account) = &card.account { <small>{ inert(account) }</small> }</span>
    };
    let read_only = may.read_only;
    let tools = only
        .filter(|only| card.tools > 0 || only.is_some())
        .map(|only| {
            let may = may.clone();
            let on = Callback::from(move |only: Only| {
                let mut new = (*may).clone();
                if new.some || only.is_some() {
                    new.picked.insert(id, only);
                } else {
                    new.picked.remove(&id);
                }
                may.set(new);
            });
            let name = say_with("tools-of", &[("name", &card.name)]);
            html! { <Narrow {id} {name} count={card.tools} only={only.clone()} {read_only} {on} /> }
        });
    html! {
        <div class="picked" key={id.to_string()} data-testid="pick">
            if may.some {
                <label class="option">
                    <input type="checkbox" checked={picked.is_some()} {onchange} />{ name }
                </label>
            } else {
                <span class="option">{ name }</span>
            }
            { tools.unwrap_or_default() }
        </div>
    }
}
