//! The window: side bar, banner, the page, and what stands before it.

mod acts;
mod drop;
mod errands;
mod side;
mod watch;

use crate::{
    ipc, later, page,
    pages::integrations::{Chip, Integrations},
    parts::{
        banner::{self, Choice, banner, offline},
        states,
        toast::toasts,
        waiting::waiting,
    },
    query::use_query,
    route::{Route, go, use_route},
    say::{say, say_with},
    state::{Action, Frame, Shared, Sheet, State},
    time::{self, Now},
};
use drop::use_drop;
use gloo_timers::callback::Interval;
use side::side;
use std::rc::Rc;
use watch::Watch;
use wire::{
    CardView, GetApp, GetSettings, GoOn, KeyringView, ListApprovals, ListCrons, ListIntegrations,
    ListNotices, Time, Topic, UnlockKeyring, UseSessionOnly,
};
use yew::{platform::spawn_local, prelude::*};

/// How often relative times move on, in milliseconds.
const TICK: u32 = 10_000;

/// Everything in the window. It owns the data that more than one page shows.
#[component]
pub fn App() -> Html {
    let cards = use_query(ListIntegrations {}, vec![Topic::Integrations]);
    let app = use_query(GetApp {}, vec![Topic::App]);
    let settings = use_query(GetSettings {}, vec![Topic::App]);
    let notices = use_query(ListNotices {}, vec![Topic::Notices]);
    let approvals = use_query(ListApprovals {}, vec![Topic::Approvals]);
    let crons = use_query(ListCrons {}, vec![Topic::Crons, Topic::Integrations]);
    let state = use_reducer_eq(State::default);
    let route = use_route();
    let now = use_clock(app.data.as_ref().map(|app| app.now));

    let dispatch = {
        let dispatcher = state.dispatcher();
        use_callback((), move |action: Action, ()| dispatcher.dispatch(action))
    };
    let act = {
        let dispatch = dispatch.clone();
        // Through a cell, so that the callback never changes while the cards do.
        let known = use_mut_ref(|| None::<Rc<Vec<CardView>>>);
        known.replace(cards.data.clone());
        use_callback((), move |(id, act), ()| {
            let known = known.borrow().clone();
            let card = known
                .iter()
                .flat_map(|cards| cards.iter())
                .find(|card| card.id == id);
            let name = card.map(|card| card.name.clone()).unwrap_or_default();
            acts::perform(id, act, name, &dispatch);
        })
    };
    use_effect_with(settings.data.as_ref().map(|s| s.theme), |theme| {
        if let Some(theme) = theme {
            page::apply_theme(*theme);
        }
    });

    let frame = Frame(Rc::new(Shared {
        cards,
        app,
        settings,
        notices,
        approvals,
        crons,
        state: (*state).clone().into(),
        dispatch,
        act,
    }));
    use_headings(route);
    later::use_rest(
        frame.cards.data.is_some()
            || frame.cards.error.is_some()
            || route != Route::Integrations
            || !frame.state.sheets.is_empty(),
    );
    errands::use_errands(
        frame.cards.data.is_some(),
        frame.act.clone(),
        frame.dispatch.clone(),
    );
    use_drop(&frame.dispatch);
    let gone = frame.dispatch.reform(Action::Unsay);
    let review = frame
        .dispatch
        .reform(|id| Action::Open(Sheet::Approval(id)));
    let paused_until = frame.app.data.as_ref().and_then(|app| app.paused_until);
    let data = frame.app.data.as_ref().and_then(|app| app.data.as_ref());
    let go_on = {
        let frame = frame.clone();
        Callback::from(move |_: MouseEvent| {
            let frame = frame.clone();
            spawn_local(async move {
                if let Err(error) = ipc::call(GoOn {}).await {
                    frame.say_failed(&error);
                }
            });
        })
    };
    let is_offline = frame.app.data.as_ref().is_some_and(|app| app.offline);
    html! {
        <ContextProvider<Now> context={Now(now)}>
            <ContextProvider<Frame> context={frame.clone()}>
                <a class="skip" href="#main" onclick={Callback::from(skip)}>{ say("skip") }</a>
                <div class="app">
                    { side(&frame, route) }
                    <main id="main" tabindex="-1">
                        <KeyringBanner />
                        if let Some(trouble) = data { { banner::data(trouble, &go_on) } }
                        if is_offline { { offline() } }
                        { waiting(frame.approvals.data.as_deref().map_or(&[], Vec::as_slice), &review) }
                        if let Some(until) = paused_until { { paused(&frame, until) } }
                        { shown(&frame, route) }
                    </main>
                </div>
                { later::sheets_of(&frame) }
                if let Some(id) = state.sample { <Watch key={id.to_string()} {id} /> }
                { toasts(&frame.state.toasts, &gone) }
            </ContextProvider<Frame>>
        </ContextProvider<Now>>
    }
}

/// The admin paused the scheduled checks.
fn paused(frame: &Frame, until: Time) -> Html {
    html! {
        <div class="banner" role="status" data-testid="paused">
            <span class="grow">{ time::at_now(move |now| {
                html! { { say_with("checks-paused", &[("when", &time::moment(until, now))]) } }
            }) }</span>
            { crate::pages::settings::background::pause_button(frame, true) }
        </div>
    }
}

/// Past the side bar, without changing the address.
fn skip(e: MouseEvent) {
    e.prevent_default();
    page::focus("main");
}

/// A new page begins at its heading, for eyes and screen readers alike; not at the start, and not
/// from tab to tab of one page.
#[hook]
fn use_headings(route: Route) {
    let first = use_mut_ref(|| true);
    let page = match route {
        Route::Integration { id, .. } => Route::of(id),
        Route::Integrations
        | Route::Notices
        | Route::Activity
        | Route::Crons
        | Route::Agents
        | Route::Tasks
        | Route::Settings
        | Route::Lost => route,
    };
    use_effect_with(page, move |_| {
        if !first.replace(false) {
            // The main part has it until a heading that comes with its answer is there.
            page::focus("main");
            page::focus("title");
        }
    });
}

fn shown(frame: &Frame, route: Route) -> Html {
    match route {
        Route::Integrations => html! { <Integrations /> },
        Route::Integration { .. }
        | Route::Activity
        | Route::Crons
        | Route::Agents
        | Route::Tasks
        | Route::Notices
        | Route::Settings => later::page(frame, route),
        Route::Lost => html! {
            <>
                <header class="page"><h1 tabindex="-1" id="title">{ say("lost") }</h1></header>
                { states::empty(say("lost-title"), say("lost-sentence")) }
            </>
        },
    }
}

/// The moment that relative times are told from: the engine's clock when it last told, moved on by
/// this computer's.
#[hook]
fn use_clock(told: Option<Time>) -> Time {
    let ahead = use_mut_ref(|| 0_i64);
    let now = use_state_eq(time::now);
    {
        let (ahead, now) = (ahead.clone(), now.setter());
        use_effect_with(told, move |told| {
            if let Some(told) = told {
                *ahead.borrow_mut() = told.since(time::now());
                now.set(*told);
            }
            let timer = Interval::new(TICK, move || now.set(time::now().plus(*ahead.borrow())));
            move || drop(timer)
        });
    }
    *now
}

/// The banner, and what its buttons do.
#[component]
fn KeyringBanner() -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let busy = use_state(|| false);
    let keyring = frame
        .app
        .data
        .as_ref()
        .map_or(KeyringView::Unasked, |app| app.keyring);
    let choose = {
        let (frame, busy) = (frame.clone(), busy.clone());
        Callback::from(move |choice: Choice| match choice {
            Choice::Review => {
                frame.dispatch.emit(Action::Choose(Chip::NeedsYou));
                go(Route::Integrations);
            }
            Choice::Unlock | Choice::SessionOnly => {
                busy.set(true);
                let (frame, busy) = (frame.clone(), busy.clone());
                spawn_local(async move {
                    carry_out(choice, &frame).await;
                    busy.set(false);
                });
            }
        })
    };
    banner(keyring, *busy, &choose)
}

/// Unlocks the keyring, or keeps credentials in memory; says how it went.
pub async fn carry_out(choice: Choice, frame: &Frame) {
    let answer = match choice {
        Choice::Unlock => ipc::call(UnlockKeyring {}).await,
        Choice::SessionOnly => ipc::call(UseSessionOnly {}).await,
        Choice::Review => return,
    };
    if matches!(answer, Ok(KeyringView::Ready | KeyringView::SessionOnly)) {
        frame.dispatch.emit(Action::UnsayFailures);
    }
    match answer {
        Ok(KeyringView::Ready) => frame.say(say("keyring-ready-now")),
        Ok(KeyringView::SessionOnly) => frame.say(say("keyring-session-now")),
        // The banner says it already.
        Ok(
            KeyringView::Unasked
            | KeyringView::Absent
            | KeyringView::Locked
            | KeyringView::Hanging
            | KeyringView::Lost,
        ) => {}
        Err(error) => frame.say_failed(&error),
    }
    frame.app.retry.emit(());
}
