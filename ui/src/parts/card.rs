//! A card: who, how, why if not well, by whom, since when, what it can do, thirty days, two buttons.

use super::{
    crons::{can_resume, paused, resume_button, waiting},
    pill::status_pill,
    scopes::scope_details,
    strip::strip,
    tile::{Size, tile},
};
use crate::{
    icons::{Icon, icon},
    inert::inert,
    page,
    route::{Route, Tab},
    say::{say, say_count, say_with},
    state::Act,
    time::{ago_now, at_now, dated, full, moment},
};
use std::rc::Rc;
use wire::{Because, CardView, Fix, IntegrationId, LastUsed, Reason, Status};
use yew::prelude::*;

/// Where a menu was asked for: the integration and the button's or the pointer's place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MenuAt {
    pub id: IntegrationId,
    /// CSS pixels in the window: the right end and the lower edge.
    pub right: f64,
    pub below: f64,
}

/// What a card shows, and whom it tells.
#[derive(Properties, PartialEq)]
pub struct CardProps {
    pub card: Rc<CardView>,
    /// Being tested now.
    pub testing: bool,
    pub act: Callback<(IntegrationId, Act)>,
    pub menu: Callback<MenuAt>,
}

/// The word of a status on the wire and in `data-status`.
#[must_use]
pub fn status_name(status: Status) -> &'static str {
    match status {
        Status::Healthy => "healthy",
        Status::Expiring => "expiring",
        Status::Failing => "failing",
    }
}

/// One integration.
#[component]
pub fn Card(props: &CardProps) -> Html {
    let card = &props.card;
    let id = card.id;
    let route = Route::of(id);
    let on_context = {
        let menu = props.menu.clone();
        Callback::from(move |e: MouseEvent| {
            e.prevent_default();
            menu.emit(MenuAt {
                id,
                right: f64::from(e.client_x()),
                below: f64::from(e.client_y()),
            });
        })
    };
    html! {
        <article
            class={classes!("card", (!card.enabled).then_some("is-off"), card.stale.then_some("is-stale"))}
            data-testid="card"
            data-id={id.to_string()}
            data-status={status_name(card.health.status)}
            data-enabled={card.enabled.to_string()}
            aria-label={inert(&card.name)}
            oncontextmenu={on_context}
        >
            <div class="top">
                { tile(&card.icon, Size::Medium) }
                <div class="who">
                    <h2 class="name"><a href={route.href()}>{ inert(&card.name) }</a></h2>
                    <div class="acct" title={inert(&card.address)}>{ account(card) }</div>
                </div>
                { menu_button(card, &props.menu) }
            </div>
            <div>{ status_pill(card) }</div>
            { why_line(card) }
            if card.held > 0 {
                <p class="why" data-testid="card-held">{ say_count("held-title", card.held as usize) }{ ". " }
                    <a class="link" href={route.href()} aria-label={named("approval-review", &card.name)}>{ say("approval-review") }</a></p>
            }
            if card.stale { { age(card) } }
            if let Some(paused) = paused(&waiting(card)) { <p class="why">{ paused }</p> }
            { facts(card) }
            { strip(&card.days) }
            <div class="card-foot">
                { main_button(card, props.testing, &props.act) }
                <a class="btn quiet" href={Route::Integration { id, tab: Tab::Activity }.href()}
                    aria-label={named("activity", &card.name)}>
                    { say("activity") }
                </a>
            </div>
            { scope_details(&card.scopes, &card.name) }
        </article>
    }
}

fn menu_button(card: &CardView, menu: &Callback<MenuAt>) -> Html {
    let id = card.id;
    let menu = menu.clone();
    let onclick = Callback::from(move |e: MouseEvent| {
        if let Some(rect) = page::button_of(&e).map(|b| b.get_bounding_client_rect()) {
            menu.emit(MenuAt {
                id,
                right: rect.right(),
                below: rect.bottom(),
            });
        }
    });
    html! {
        <button
            type="button"
            class="quiet icon"
            aria-haspopup="menu"
            aria-label={say_with("more-for", &[("name", &card.name)])}
            {onclick}
        >
            { icon(Icon::More) }
        </button>
    }
}

/// "Review: Stripe": what a link or button is called where another of the same word may stand beside it.
#[must_use]
pub fn named(key: &'static str, name: &str) -> AttrValue {
    action_for(&say(key), name)
}

fn action_for(action: &str, name: &str) -> AttrValue {
    say_with("action-for", &[("action", action), ("name", name)])
}

/// The account at the other side, else the address.
#[must_use]
pub fn account(card: &CardView) -> AttrValue {
    inert(card.account.as_deref().unwrap_or(&card.address))
}

fn facts(card: &CardView) -> Html {
    html! {
        <dl>
            <dt>{ say("connected-by") }</dt>
            <dd title={full(card.connected_at)}>{ inert(&card.connected_by) }</dd>
            <dt>{ say("last-used") }</dt>
            <dd>{ last_used(card.last_used.as_ref()) }</dd>
            <dt>{ say("can") }</dt>
            <dd title={can(card)}>{ can(card) }</dd>
        </dl>
    }
}

fn last_used(last: Option<&LastUsed>) -> Html {
    match last {
        None => html! { say("never") },
        Some(last) => html! { <>{ ago_now(last.at) }{ " · " }{ because(&last.because) }</> },
    }
}

/// Why something happened, in the reader's words.
#[must_use]
pub fn because(because: &Because) -> AttrValue {
    match because {
        Because::Admin { name } => inert(name),
        Because::Health => say("because-health"),
        Because::Connecting => say("because-connecting"),
        Because::Outside => say("because-outside"),
        Because::Notice => say("because-notice"),
        Because::Task { title, .. } => inert(title),
        Because::Cron { name, .. } => say_with("because-cron", &[("name", name)]),
    }
}

fn can(card: &CardView) -> AttrValue {
    let tools = card.tools as usize;
    let named = card.can.join(", ");
    match (card.can.is_empty(), tools.saturating_sub(card.can.len())) {
        (true, 0) => say("can-nothing"),
        (true, _) => say_count("tools-count", tools),
        (false, 0) => inert(&named),
        (false, more) => inert(&format!("{named} {}", say_count("can-more", more))),
    }
}

/// The one button that mends it or resumes what it held; else Test.
fn main_button(card: &CardView, testing: bool, act: &Callback<(IntegrationId, Act)>) -> Html {
    if can_resume(card) && card.health.fix.is_none() {
        return resume_button((card.id, &card.name), waiting(card).len(), act, "");
    }
    let fix = if card.enabled {
        card.health.fix.unwrap_or(Fix::Test)
    } else {
        Fix::SwitchOn
    };
    fix_button(card, fix, testing, act, "")
}

/// The button of a fix.
pub fn fix_button(
    card: &CardView,
    fix: Fix,
    testing: bool,
    act: &Callback<(IntegrationId, Act)>,
    class: &'static str,
) -> Html {
    let id = card.id;
    let act = act.clone();
    let onclick = Callback::from(move |_: MouseEvent| act.emit((id, fix.into())));
    let busy = testing && fix == Fix::Test;
    let label: AttrValue = if busy {
        say("testing")
    } else {
        words::fix(fix).into()
    };
    let aria = action_for(&label, &card.name);
    html! {
        <button type="button" {class} {onclick} disabled={busy} aria-label={aria}>
            if busy { { icon(Icon::Busy) } }
            { label }
        </button>
    }
}

/// How old what is shown is, where there is no network.
fn age(card: &CardView) -> Html {
    match card.health.checked_at {
        Some(at) => {
            html! { <p class="why" data-testid="age">{ say("last-checked") }{ " " }{ ago_now(at) }</p> }
        }
        None => Html::default(),
    }
}

/// Why a card is not simply healthy, in one sentence; nothing where all is well.
fn why_line(card: &Rc<CardView>) -> Html {
    if !card.enabled {
        return html! { <p class="why">{ say("why-off") }</p> };
    }
    if card.health.reason == Reason::Ok {
        return Html::default();
    }
    let card = card.clone();
    at_now(move |now| html! { <p class="why">{ why(&card, now).unwrap_or_default() }</p> })
}

/// The sentence of a card's reason; `None` where everything works.
#[must_use]
pub fn why(card: &CardView, now: wire::Time) -> Option<AttrValue> {
    reason(&card.health.reason, &card.name, now)
}

/// The sentence of a reason of the integration of that name; `None` where everything works.
#[must_use]
pub fn reason(reason: &Reason, name: &str, now: wire::Time) -> Option<AttrValue> {
    let when = match reason {
        Reason::Ok => return None,
        // An end is told with its day, also where that is today.
        Reason::EndsOn { at } | Reason::VendorEnds { at } => dated(*at, now),
        Reason::RateLimited { until: at }
        | Reason::Rejected { since: at }
        | Reason::NeedsAccess { since: at }
        | Reason::Unreachable { since: at } => moment(*at, now),
        Reason::IssuerChanged
        | Reason::RestoredFromBackup
        | Reason::KeyringLost
        | Reason::RunEnded => AttrValue::default(),
    };
    Some(inert(&words::reason(reason, name, &when)))
}
