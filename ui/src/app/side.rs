//! The side bar: the pages there are, and when everything was last checked.

use crate::{
    icons::{Icon, icon},
    pages::integrations::anyone_needs,
    route::Route,
    say::{say, say_count, say_with},
    state::Frame,
    time::{ago, at_now},
};
use wire::{CardView, GatewayView};
use yew::prelude::*;

/// The side bar.
pub fn side(frame: &Frame, at: Route) -> Html {
    let cards = frame
        .cards
        .data
        .as_deref()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let entry = |route: Route, picture: Icon, key: &'static str, current: bool, count: Html| {
        html! {
            <a href={route.href()} aria-current={current.then_some("page")}>
                { icon(picture) }{ say(key) }{ count }
            </a>
        }
    };
    let in_cards = matches!(at, Route::Integrations | Route::Integration { .. });
    html! {
        <nav class="side" aria-label={say("pages")}>
            <div class="brand"><span class="mark" aria-hidden="true">{ icon(Icon::Link) }</span>{ say("brand") }</div>
            { entry(Route::Integrations, Icon::Integrations, "integrations", in_cards, count(cards)) }
            { entry(Route::Notices, Icon::Notices, "notices", at == Route::Notices, new_notices(frame)) }
            { entry(Route::Activity, Icon::Activity, "activity", at == Route::Activity, Html::default()) }
            { entry(Route::Tasks, Icon::Tasks, "tasks", at == Route::Tasks, Html::default()) }
            { entry(Route::Crons, Icon::Crons, "crons", at == Route::Crons, crons(frame)) }
            { entry(Route::Agents, Icon::Agents, "agents", at == Route::Agents, Html::default()) }
            { entry(Route::Settings, Icon::Settings, "settings", at == Route::Settings, Html::default()) }
            <div class="foot">{ gateway(frame) }{ checked(cards) }</div>
        </nav>
    }
}

/// Where agents reach the app, or that they cannot.
fn gateway(frame: &Frame) -> Html {
    let told = match frame.app.data.as_ref().map(|app| &app.gateway) {
        Some(GatewayView::Open { url }) => {
            let host = url.trim_start_matches("http://").trim_end_matches("/mcp");
            say_with("side-gateway", &[("host", host)])
        }
        Some(GatewayView::PortTaken { port }) => {
            return html! {
                <a class="bad-ink" href={Route::Agents.href()}>
                    { say_with("side-gateway-taken", &[("n", &port.to_string())]) }
                </a>
            };
        }
        Some(GatewayView::Closed) | None => return Html::default(),
    };
    html! { <div>{ told }</div> }
}

/// How many notices the admin is still to look at.
fn new_notices(frame: &Frame) -> Html {
    let Some(notices) = frame.notices.data.clone() else {
        return Html::default();
    };
    at_now(move |now| {
        let new = notices.iter().filter(|notice| notice.is_new(now)).count();
        if new == 0 {
            return Html::default();
        }
        html! {
            <span class="n hot" data-testid="new-notices" title={say_count("notices-new", new)}>
                { new }<span class="unseen">{ say("notices-new-word") }</span>
            </span>
        }
    })
}

/// How many crons there are.
fn crons(frame: &Frame) -> Html {
    let all = frame.crons.data.as_deref().map_or(0, Vec::len);
    if all == 0 {
        return Html::default();
    }
    html! { <span class="n" data-testid="cron-count">{ all }</span> }
}

/// How many there are; in red where some need the admin.
fn count(cards: &[CardView]) -> Html {
    match (anyone_needs(cards), cards.len()) {
        (_, 0) => Html::default(),
        (0, all) => html! { <span class="n">{ all }</span> },
        (needing, _) => html! {
            <span class="n hot" title={say_count("side-needs", needing)}>
                { needing }<span class="unseen">{ say("side-needs-you") }</span>
            </span>
        },
    }
}

/// "All checked 40 s ago": the oldest check of all cards that are switched on, so that it is true.
fn checked(cards: &[CardView]) -> Html {
    let on: Vec<_> = cards.iter().filter(|card| card.enabled).collect();
    let unchecked = on
        .iter()
        .filter(|card| card.health.checked_at.is_none())
        .count();
    if unchecked > 0 {
        return html! { say_count("not-checked", unchecked) };
    }
    match on.iter().filter_map(|card| card.health.checked_at).min() {
        None => Html::default(),
        Some(oldest) => at_now(move |now| {
            html! { say_with("all-checked", &[("when", &ago(oldest, now))]) }
        }),
    }
}
