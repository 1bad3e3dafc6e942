//! The record: every call and, beside them, the pings; newest first.

mod merge;

use crate::{
    ipc,
    parts::{rows::Rows, states},
    query::use_query,
    say::say,
    state::{Action, Frame, Toast, Tone},
};
use merge::Loaded;
use std::rc::Rc;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use wire::{ActivityFilter, CallId, CardView, IntegrationId, ListActivity, OpenThread, Topic};
use yew::{platform::spawn_local, prelude::*};

/// Rows at first and with each step.
const STEP: u32 = 50;
/// The most that one request may ask for.
const MOST: usize = 200;

/// The page.
#[component]
pub fn Activity() -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let only = use_state_eq(|| None::<IntegrationId>);
    let pings = use_state_eq(|| false);
    let cards = frame
        .cards
        .data
        .as_deref()
        .map(Vec::as_slice)
        .unwrap_or_default();
    html! {
        <>
            <header class="page">
                <div><h1 tabindex="-1" id="title">{ say("activity") }</h1>
                    <div class="sub">{ say("activity-sub") }</div></div>
                <span class="grow" />
                { integration_filter(cards, &only) }
                { ping_switch(&pings) }
            </header>
            <Record key={key(*only, *pings)} only={*only} pings={*pings} />
        </>
    }
}

/// Another filter is another list: nothing of the old one may stay.
fn key(only: Option<IntegrationId>, pings: bool) -> String {
    format!(
        "{}-{pings}",
        only.map(|id| id.to_string()).unwrap_or_default()
    )
}

fn integration_filter(cards: &[CardView], only: &UseStateHandle<Option<IntegrationId>>) -> Html {
    let onchange = {
        let only = only.clone();
        Callback::from(move |e: Event| {
            only.set(
                e.target_unchecked_into::<HtmlSelectElement>()
                    .value()
                    .parse()
                    .ok(),
            );
        })
    };
    html! {
        <select aria-label={say("filter-integration")} {onchange}>
            <option value="" selected={only.is_none()}>{ say("all-integrations") }</option>
            <>{ for cards.iter().map(|card| html! {
                <option value={card.id.to_string()} selected={**only == Some(card.id)}>
                    { crate::inert::inert(&card.name) }
                </option>
            }) }</>
        </select>
    }
}

/// "Show pings".
pub fn ping_switch(pings: &UseStateHandle<bool>) -> Html {
    let onchange = {
        let pings = pings.clone();
        Callback::from(move |e: Event| {
            pings.set(e.target_unchecked_into::<HtmlInputElement>().checked());
        })
    };
    html! {
        <label class="switch">
            <input type="checkbox" role="switch" checked={**pings} {onchange} /><span>{ say("show-pings") }</span>
        </label>
    }
}

/// Which rows.
#[derive(Properties, PartialEq)]
pub struct RecordProps {
    pub only: Option<IntegrationId>,
    pub pings: bool,
}

/// The table with everything loaded so far.
#[component]
pub fn Record(props: &RecordProps) -> Html {
    let loaded = use_state(|| Rc::new(Loaded::default()));
    let more_failed = use_state(|| None::<wire::Error>);
    let busy = use_state(|| false);
    // The refetch reaches as far down as one request may, so that a row which was running shows
    // its end also below the first fifty.
    let limit = u32::try_from(loaded.rows.len().clamp(STEP as usize, MOST)).unwrap_or(STEP);
    let first = use_query(
        ListActivity {
            integration: props.only,
            before: None,
            limit,
            pings: props.pings,
            filter: ActivityFilter::default(),
        },
        vec![Topic::Activity],
    );
    {
        let (loaded, now) = (loaded.setter(), (*loaded).clone());
        use_effect_with(first.data.clone(), move |page| {
            if let Some(page) = page {
                loaded.set(Rc::new(now.refreshed(page)));
            }
        });
    }
    let more = {
        let (loaded, busy, more_failed) = (loaded.clone(), busy.clone(), more_failed.clone());
        let (integration, pings) = (props.only, props.pings);
        Callback::from(move |_: MouseEvent| {
            let (loaded, busy, more_failed) = (loaded.clone(), busy.clone(), more_failed.clone());
            busy.set(true);
            spawn_local(async move {
                let request = ListActivity {
                    integration,
                    before: loaded.next,
                    limit: STEP,
                    pings,
                    filter: ActivityFilter::default(),
                };
                match ipc::call(request).await {
                    Ok(page) => {
                        more_failed.set(None);
                        loaded.set(Rc::new(loaded.extended(&page)));
                    }
                    Err(error) => more_failed.set(Some(error)),
                }
                busy.set(false);
            });
        })
    };
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let on_thread = use_callback(frame.dispatch.clone(), |call: CallId, dispatch| {
        let dispatch = dispatch.clone();
        spawn_local(async move {
            if let Err(error) = ipc::call(OpenThread { call }).await {
                dispatch.emit(Action::Say(Toast {
                    tone: Tone::Bad,
                    text: crate::say::say_error(&error),
                    link: None,
                }));
            }
        });
    });
    html! {
        <section class="panel table">
            { states::shown(&first, states::loading_lines(), |_| if loaded.rows.is_empty() {
                // Set one render after the answer came.
                if first.data.as_ref().is_some_and(|page| page.rows.is_empty()) {
                    states::empty(say("no-activity"), say(if props.pings { "no-activity-hint" } else { "no-activity-pings" }))
                } else {
                    Html::default()
                }
            } else {
                html! { <Rows rows={loaded.rows.clone()} named={props.only.is_none()} on_thread={on_thread.clone()} /> }
            }) }
            if let Some(error) = &*more_failed { <p class="error box" role="alert">{ crate::say::say_error(error) }</p> }
            if loaded.next.is_some() {
                <div class="more"><button type="button" class="quiet" disabled={*busy} onclick={more}>{ say("load-more") }</button></div>
            }
        </section>
    }
}
