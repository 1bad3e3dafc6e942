//! The bar above the record: words, status, time, integration, tool, agent, and what else it is narrowed to.

use super::chosen::{Chosen, OUTCOMES, Span};
use crate::{
    icons::{Icon, icon},
    inert::inert,
    page,
    query::use_query,
    say::{say, say_with},
    state::Frame,
    time::moment_of,
};
use gloo_timers::future::TimeoutFuture;
use std::rc::Rc;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use wire::{IntegrationId, ListAgents, ListPastIntegrations, ListTools, Topic};
use yew::{platform::spawn_local, prelude::*};

/// How long a reader pauses before what was typed is looked for.
const PAUSE_MS: u32 = 250;

#[derive(Properties, PartialEq)]
pub struct BarProps {
    pub chosen: Rc<Chosen>,
    pub on_choose: Callback<Chosen>,
    /// On an integration's own page: which integration is no question.
    #[prop_or_default]
    pub of_one: bool,
}

/// The bar.
#[component]
pub fn Bar(props: &BarProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let cards = frame
        .cards
        .data
        .as_deref()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let past = use_query(ListPastIntegrations {}, vec![Topic::Integrations]);
    let agents = use_query(ListAgents {}, vec![Topic::Agents]);
    let chosen = &props.chosen;
    let change = |change: fn(&mut Chosen, String)| {
        let (chosen, on_choose) = (chosen.clone(), props.on_choose.clone());
        Callback::from(move |value: String| {
            let mut next = (*chosen).clone();
            change(&mut next, value);
            on_choose.emit(next);
        })
    };
    let status = change(|next, value| {
        let found = OUTCOMES.iter().find(|(_, key)| *key == value);
        next.only.outcome = found.map(|(outcome, _)| *outcome);
    });
    let span = change(|next, value| {
        let found = Span::ALL.into_iter().find(|span| span.key() == value);
        next.span = found.unwrap_or_default();
    });
    let integration = change(|next, value| {
        next.integration = value.parse().ok();
        // A tool is one integration's.
        next.only.tool = None;
    });
    let agent = {
        let (chosen, on_choose) = (chosen.clone(), props.on_choose.clone());
        let known = agents.data.clone();
        Callback::from(move |value: String| {
            let id = value.parse().ok();
            let mut all = known.iter().flat_map(|view| view.agents.iter());
            let mut next = (*chosen).clone();
            next.only.agent = id;
            next.agent = all
                .find(|agent| Some(agent.id) == id)
                .map(|agent| inert(&agent.name));
            on_choose.emit(next);
        })
    };
    let tool = change(|next, value| next.only.tool = Some(value).filter(|tool| !tool.is_empty()));
    let [from, until] = [
        change(|next, value| next.between[0] = value),
        change(|next, value| next.between[1] = value),
    ];
    let text = change(|next, value| {
        let value = value.trim().to_owned();
        next.only.text = (!value.is_empty()).then_some(value);
    });
    let chosen_status = OUTCOMES
        .iter()
        .find(|(outcome, _)| Some(*outcome) == chosen.only.outcome)
        .map_or("", |(_, key)| *key);
    let mut statuses = vec![(AttrValue::from(""), say("any-status"))];
    statuses.extend(
        OUTCOMES
            .iter()
            .map(|(_, key)| (AttrValue::from(*key), say(key))),
    );
    let spans: Vec<_> = Span::ALL
        .iter()
        .map(|span| (AttrValue::from(span.key()), say(span.key())))
        .collect();
    let mut owners = vec![(AttrValue::from(""), say("all-integrations"))];
    owners.extend(
        cards
            .iter()
            .map(|card| (AttrValue::from(card.id.to_string()), inert(&card.name))),
    );
    owners.extend(past.data.iter().flat_map(|all| all.iter()).map(|gone| {
        let name = say_with("filter-past", &[("name", &gone.name)]);
        (AttrValue::from(gone.id.to_string()), name)
    }));
    let mut callers = vec![(AttrValue::from(""), say("all-agents"))];
    callers.extend(
        agents
            .data
            .iter()
            .flat_map(|view| view.agents.iter())
            .map(|agent| (AttrValue::from(agent.id.to_string()), inert(&agent.name))),
    );
    let owner = chosen.integration.map(|id| id.to_string());
    let owner = owner.unwrap_or_default();
    let caller = chosen.only.agent.map(|id| id.to_string());
    let caller = caller.unwrap_or_default();
    // What is gone, or not known yet, is still what is looked for: never told as "all".
    also(&mut owners, &owner, say("chip-integration"));
    let called = match &chosen.agent {
        None => say("chip-agent"),
        Some(name) if agents.data.is_none() => name.clone(),
        Some(name) => say_with("filter-removed", &[("name", name)]),
    };
    also(&mut callers, &caller, called);
    let named = |all: &[(AttrValue, AttrValue)], chosen: &str| {
        let found = all.iter().find(|(id, _)| id.as_str() == chosen);
        found.map(|(_, name)| name.clone())
    };
    let names = (named(&owners, &owner), named(&callers, &caller));
    let chips = if props.of_one {
        let mut whole = (**chosen).clone();
        whole.integration = None;
        whole.chips(names)
    } else {
        chosen.chips(names)
    };
    html! {
        <>
            <div class="bar filters">
                <Words value={chosen.only.text.clone().unwrap_or_default()} on_change={text} />
                { select("filter-status", (statuses, chosen_status), status) }
                { select("filter-time", (spans, chosen.span.key()), span) }
                if !props.of_one { { select("filter-integration", (owners, owner.as_str()), integration) } }
                if let Some(id) = chosen.integration {
                    <Tool key={id.to_string()} {id} chosen={chosen.only.tool.clone()} on_choose={tool} />
                }
                if callers.len() > 1 { { select("filter-agent", (callers, caller.as_str()), agent) } }
            </div>
            if chosen.span == Span::Between {
                <div class="bar between">
                    { moment("filter-from", &chosen.between[0], &from) }
                    { moment("filter-until", &chosen.between[1], &until) }
                </div>
            }
            if !chips.is_empty() {
                <div class="bar chips" data-testid="chips">
                    { for chips.into_iter().map(|(label, next)| {
                        let on_choose = props.on_choose.clone();
                        let onclick = Callback::from(move |e: MouseEvent| {
                            on_choose.emit(next.clone());
                            // By the keyboard: the chip goes, and the keyboard goes on at the first filter.
                            if e.detail() == 0 {
                                page::focus_first(".filters input");
                            }
                        });
                        html! {
                            <button type="button" class="chip" aria-label={say_with("chip-remove", &[("name", &label)])} {onclick}>
                                <span class="cut">{ label }</span>{ icon(Icon::Close) }
                            </button>
                        }
                    }) }
                </div>
            }
        </>
    }
}

fn select(
    label: &'static str,
    (options, chosen): (Vec<(AttrValue, AttrValue)>, &str),
    on_choose: Callback<String>,
) -> Html {
    let onchange =
        on_choose.reform(|e: Event| e.target_unchecked_into::<HtmlSelectElement>().value());
    let options = options.into_iter().map(|(value, word)| {
        let selected = value.as_str() == chosen;
        html! { <option {value} {selected}>{ word }</option> }
    });
    html! { <select aria-label={say(label)} data-testid={label} {onchange}>{ for options }</select> }
}

/// The option that is chosen, where the list does not hold it.
fn also(options: &mut Vec<(AttrValue, AttrValue)>, chosen: &str, label: AttrValue) {
    if !options.iter().any(|(value, _)| value.as_str() == chosen) {
        options.push((AttrValue::from(chosen.to_owned()), label));
    }
}

/// A field of date and time. Told once what it holds is whole.
fn moment(label: &'static str, value: &str, on_change: &Callback<String>) -> Html {
    let onchange =
        on_change.reform(|e: Event| e.target_unchecked_into::<HtmlInputElement>().value());
    let wrong = !value.is_empty() && moment_of(value).is_none();
    let error = format!("{label}-error");
    html! {
        <div>
            <label class="field"><span>{ say(label) }</span>
                <input type="datetime-local" data-testid={label} class={value.is_empty().then_some("blank")} value={value.to_owned()} placeholder={say("moment-placeholder")}
                    aria-invalid={wrong.then_some("true")} aria-describedby={wrong.then(|| error.clone())} {onchange} />
            </label>
            if wrong { <p class="error" id={error} role="alert">{ say("moment-wrong") }</p> }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct ToolProps {
    id: IntegrationId,
    chosen: Option<String>,
    on_choose: Callback<String>,
}

/// The tools of the integration that was chosen, as rows call them.
#[component]
fn Tool(props: &ToolProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let tools = use_query(
        ListTools { id: props.id },
        vec![Topic::Integration(props.id)],
    );
    let Some(card) = frame.card(props.id) else {
        return Html::default();
    };
    let chosen = props.chosen.clone().unwrap_or_default();
    let mut all: Vec<String> = tools
        .data
        .iter()
        .flat_map(|tools| tools.iter())
        .map(|tool| format!("{}.{}", card.slug, tool.name))
        .collect();
    // One that is gone, or was called otherwise, has rows all the same.
    if !chosen.is_empty() && !all.contains(&chosen) {
        all.push(chosen.clone());
    }
    let mut options = vec![(AttrValue::from(""), say("any-tool"))];
    options.extend(all.into_iter().map(|tool| {
        let shown = inert(&tool);
        (AttrValue::from(tool), shown)
    }));
    select("filter-tool", (options, &chosen), props.on_choose.clone())
}

#[derive(Properties, PartialEq)]
struct WordsProps {
    value: String,
    on_change: Callback<String>,
}

/// The words looked for: told when the typing pauses.
#[component]
fn Words(props: &WordsProps) -> Html {
    let typed = use_state(|| props.value.clone());
    let newest = use_mut_ref(|| 0_u32);
    // What was told last, and who is told now: what else is chosen may be another after the pause.
    let told = use_mut_ref(|| props.value.clone());
    let on_change = use_mut_ref(|| props.on_change.clone());
    *on_change.borrow_mut() = props.on_change.clone();
    {
        let (typed, told, newest) = (typed.setter(), told.clone(), newest.clone());
        use_effect_with(props.value.clone(), move |value| {
            // Its own words come back without the blank that the next one is to follow.
            if told.borrow().trim() != value.as_str() {
                told.borrow_mut().clone_from(value);
                *newest.borrow_mut() += 1;
                typed.set(value.clone());
            }
        });
    }
    let oninput = {
        let typed = typed.setter();
        Callback::from(move |e: InputEvent| {
            let value = e.target_unchecked_into::<HtmlInputElement>().value();
            typed.set(value.clone());
            *newest.borrow_mut() += 1;
            let (mine, newest) = (*newest.borrow(), newest.clone());
            let (told, on_change) = (told.clone(), on_change.clone());
            spawn_local(async move {
                TimeoutFuture::new(PAUSE_MS).await;
                if *newest.borrow() == mine {
                    told.borrow_mut().clone_from(&value);
                    let on_change = on_change.borrow().clone();
                    on_change.emit(value);
                }
            });
        })
    };
    html! {
        <label class="field">
            { icon(Icon::Search) }
            <input type="search" value={(*typed).clone()} placeholder={say("words-placeholder")}
                aria-label={say("words-placeholder")} autocomplete="off" spellcheck="false" maxlength="200" {oninput} />
        </label>
    }
}
