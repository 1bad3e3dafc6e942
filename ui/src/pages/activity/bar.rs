//! The bar above the record: words, status, time, integration, and what else it is narrowed to.

use super::chosen::{Chosen, OUTCOMES, Span};
use crate::{
    icons::{Icon, icon},
    inert::inert,
    say::{say, say_with},
    state::Frame,
};
use gloo_timers::future::TimeoutFuture;
use std::rc::Rc;
use web_sys::{HtmlInputElement, HtmlSelectElement};
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
    let integration = change(|next, value| next.integration = value.parse().ok());
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
    let chips = if props.of_one {
        let mut whole = (**chosen).clone();
        whole.integration = None;
        whole.chips(cards)
    } else {
        chosen.chips(cards)
    };
    let mut owners = vec![(AttrValue::from(""), say("all-integrations"))];
    owners.extend(
        cards
            .iter()
            .map(|card| (AttrValue::from(card.id.to_string()), inert(&card.name))),
    );
    let owner = chosen
        .integration
        .map(|id| id.to_string())
        .unwrap_or_default();
    html! {
        <>
            <div class="bar filters">
                <Words value={chosen.only.text.clone().unwrap_or_default()} on_change={text} />
                { select("filter-status", (statuses, chosen_status), status) }
                { select("filter-time", (spans, chosen.span.key()), span) }
                if !props.of_one { { select("filter-integration", (owners, owner.as_str()), integration) } }
            </div>
            if !chips.is_empty() {
                <div class="bar chips" data-testid="chips">
                    { for chips.into_iter().map(|(label, next)| {
                        let on_choose = props.on_choose.clone();
                        let onclick = Callback::from(move |_: MouseEvent| on_choose.emit(next.clone()));
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
    {
        let typed = typed.setter();
        use_effect_with(props.value.clone(), move |value| typed.set(value.clone()));
    }
    let oninput = {
        let (typed, on_change) = (typed.setter(), props.on_change.clone());
        Callback::from(move |e: InputEvent| {
            let value = e.target_unchecked_into::<HtmlInputElement>().value();
            typed.set(value.clone());
            *newest.borrow_mut() += 1;
            let (mine, newest, on_change) = (*newest.borrow(), newest.clone(), on_change.clone());
            spawn_local(async move {
                TimeoutFuture::new(PAUSE_MS).await;
                if *newest.borrow() == mine {
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
