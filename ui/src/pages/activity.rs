//! The record: every call and, beside them, the pings; newest first.

mod bar;
pub mod chosen;
pub mod export;
mod merge;
pub mod proof;

use crate::{
    ipc,
    page::{self, Listener},
    parts::{
        rows::{Rows, Wanted},
        states,
    },
    query::use_query,
    route::{Route, go},
    say::{say, say_count, say_with},
    state::{Action, Frame, Sheet},
    time::{self, at_now, moment},
};
use bar::Bar;
use chosen::Chosen;
use export::Export;
use gloo_timers::future::TimeoutFuture;
use merge::{Came, Loaded};
use std::rc::Rc;
use uuid::Uuid;
use web_sys::HtmlInputElement;
use wire::{ActivityFilter, ActivityPage, ListActivity, OpenThread, Time, Topic};
use yew::{platform::spawn_local, prelude::*};

/// Rows at first and with each step.
const STEP: u32 = 50;
/// The most that one request may ask for.
const MOST: usize = 200;

/// The page.
#[component]
pub fn Activity() -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let chosen = frame.state.record.clone();
    let filter = use_filter(&chosen);
    let on_choose = frame.dispatch.reform(Action::Look);
    let (check, proof) = proof::use_proof(&on_choose);
    html! {
        <>
            <header class="page">
                <div><h1 tabindex="-1" id="title">{ say("activity") }</h1>
                    <div class="sub">{ say("activity-sub") }</div></div>
                <span class="grow" />
                { ping_switch(&chosen, &on_choose) }
                <Export chosen={chosen.clone()} filter={filter.clone()} />
                { check }
            </header>
            <div role="status">{ proof }</div>
            <Record {chosen} {filter} {on_choose} />
        </>
    }
}

/// What a choice comes to. "The last hour" is the one before it was chosen: the list does not begin anew each
/// minute, and an export has what is in sight.
#[hook]
pub fn use_filter(chosen: &Rc<Chosen>) -> Rc<ActivityFilter> {
    use_memo(chosen.clone(), |chosen| chosen.filter(time::now()))
}

/// "Show pings".
pub fn ping_switch(chosen: &Rc<Chosen>, on_choose: &Callback<Chosen>) -> Html {
    let onchange = {
        let chosen = chosen.clone();
        on_choose.reform(move |e: Event| Chosen {
            pings: e.target_unchecked_into::<HtmlInputElement>().checked(),
            ..(*chosen).clone()
        })
    };
    html! {
        <label class="switch">
            <input type="checkbox" role="switch" checked={chosen.pings} {onchange} /><span>{ say("show-pings") }</span>
        </label>
    }
}

/// Which rows, and who is told that others are wanted.
#[derive(Properties, PartialEq)]
pub struct RecordProps {
    pub chosen: Rc<Chosen>,
    pub filter: Rc<ActivityFilter>,
    pub on_choose: Callback<Chosen>,
    /// On an integration's own page.
    #[prop_or_default]
    pub of_one: bool,
}

/// The bar, and the table below it.
#[component]
pub fn Record(props: &RecordProps) -> Html {
    let chosen = &props.chosen;
    let request = ListActivity {
        integration: chosen.integration,
        before: None,
        limit: STEP,
        pings: chosen.pings,
        filter: (*props.filter).clone(),
    };
    // Another filter is another list: nothing of the old one may stay.
    let key = format!(
        "{:?}{:?}{}{:?}",
        request.integration, request.filter, request.pings, chosen.span as u8
    );
    html! {
        <section class="panel table">
            <Bar chosen={chosen.clone()} on_choose={props.on_choose.clone()} of_one={props.of_one} />
            <Table {key} {request} narrows={chosen.narrows()} of_one={props.of_one} chosen={chosen.clone()} on_choose={props.on_choose.clone()} />
        </section>
    }
}

#[derive(Properties)]
struct TableProps {
    request: ListActivity,
    narrows: bool,
    of_one: bool,
    chosen: Rc<Chosen>,
    on_choose: Callback<Chosen>,
}

impl PartialEq for TableProps {
    fn eq(&self, other: &Self) -> bool {
        self.request == other.request && self.of_one == other.of_one
    }
}

/// The table with everything loaded so far.
#[component]
fn Table(props: &TableProps) -> Html {
    let loaded = use_reducer_eq(Loaded::default);
    // One call that was asked for is looked at.
    let asked = props.request.filter.call.map(|call| call.0);
    let open = use_state_eq(move || asked);
    let scrolled = use_scrolled();
    let more_failed = use_state(|| None::<wire::Error>);
    let busy = use_state(|| false);
    // The refetch reaches as far down as one request may, so that a row which was running shows
    // its end also below the first fifty.
    let limit = u32::try_from(loaded.rows.len().clamp(STEP as usize, MOST)).unwrap_or(STEP);
    let request = ListActivity {
        limit,
        ..props.request.clone()
    };
    let first = use_query(request, vec![Topic::Activity]);
    let read = scrolled || open.is_some();
    {
        let came = loaded.dispatcher();
        use_effect_with((first.data.clone(), read), move |(page, read)| {
            if let Some(page) = page.clone() {
                came.dispatch(Came::Newest { page, read: *read });
            }
        });
    }
    // The button that was pressed goes: the keyboard goes on at the newest row, once it is there.
    let lead = use_mut_ref(|| false);
    let to_top = {
        let (open, lead) = (open.setter(), lead.clone());
        Callback::from(move |_: MouseEvent| {
            *lead.borrow_mut() = true;
            open.set(None);
            page::scroll_to(0);
        })
    };
    use_effect_with(loaded.waiting, move |waiting| {
        if *waiting == 0 && lead.take() {
            spawn_local(async {
                // The rows hear of the scrolling after this, and only then hold the first one.
                TimeoutFuture::new(0).await;
                page::focus_first("[data-testid=activity-row] .row-toggle");
            });
        }
    });
    let more = {
        let (loaded, busy, more_failed) = (loaded.clone(), busy.clone(), more_failed.clone());
        let request = props.request.clone();
        Callback::from(move |_: MouseEvent| {
            let (loaded, busy, more_failed) = (loaded.clone(), busy.clone(), more_failed.clone());
            let Some(before) = loaded.next else { return };
            let request = ListActivity {
                before: Some(before),
                ..request.clone()
            };
            busy.set(true);
            spawn_local(async move {
                match ipc::call(request).await {
                    Ok(page) => {
                        more_failed.set(None);
                        loaded.dispatch(Came::Older { before, page });
                    }
                    Err(error) => more_failed.set(Some(error)),
                }
                busy.set(false);
            });
        })
    };
    let on_open = {
        let open = open.setter();
        Callback::from(move |id: Option<Uuid>| open.set(id))
    };
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let on_want = {
        let (frame, chosen, of_one) = (frame.clone(), props.chosen.clone(), props.of_one);
        let on_choose = props.on_choose.clone();
        Callback::from(move |wanted: Wanted| {
            want(wanted, &frame, (&chosen, of_one), &on_choose);
        })
    };
    html! {
        <>
            { states::shown(&first, states::loading_lines(), |_| if loaded.rows.is_empty() {
                // Set one render after the answer came.
                match first.data.as_ref().filter(|page| page.rows.is_empty()) {
                    Some(page) if page.next.is_some() && loaded.top.is_none() => Html::default(),
                    Some(page) => nothing(props, page, loaded.looked_to()),
                    None => Html::default(),
                }
            } else {
                html! {
                    <>
                        // There before it says something, else nothing hears it.
                        <div class={classes!("new-rows", scrolled.then_some("over"))} role="status">if loaded.waiting > 0 {
                            <button type="button" class="primary" data-testid="new-rows" onclick={to_top}>
                                { say_count(if loaded.gap { "new-rows-least" } else { "new-rows" }, loaded.waiting) }
                            </button>
                        }</div>
                        if first.data.as_ref().is_some_and(|page| page.behind) {
                            <div class="more"><p class="sub" role="status">{ say("not-read-in-hint") }</p></div>
                        }
                        if let Some(beginning) = first.data.as_ref().and_then(|page| page.cut.as_deref()) {
                            <div class="more"><p class="sub" role="status">{ cut(beginning) }</p></div>
                        }
                        <Rows rows={loaded.rows.clone()} open={*open} {on_open} named={!props.of_one} waiting={frame.approvals.data.clone()} {on_want} />
                    </>
                }
            }) }
            if let Some(error) = &*more_failed { <p class="error box" role="alert">{ crate::say::say_error(error) }</p> }
            if loaded.next.is_some() {
                <div class="more">
                    if let Some(to) = loaded.looked_to().filter(|_| !loaded.rows.is_empty()) {
                        <p class="sub" role="status">{ looked_to(to) }</p>
                    }
                    <button type="button" class="quiet" disabled={*busy} onclick={more}>{
                        say(if loaded.looked_to().is_some() { "look-on" } else { "load-more" })
                    }</button>
                </div>
            }
        </>
    }
}

/// Whether the page is scrolled down.
#[hook]
fn use_scrolled() -> bool {
    let scrolled = use_state_eq(|| false);
    {
        let scrolled = scrolled.setter();
        use_effect_with((), move |()| {
            let look = move || scrolled.set(page::scrolled() > 0);
            look();
            let listener = Listener::on_scroll(move |_| look());
            move || drop(listener)
        });
    }
    *scrolled
}

/// How far back a search has looked.
fn looked_to(to: Time) -> Html {
    at_now(move |now| html! { { say_with("looked-to", &[("when", &moment(to, now))]) } })
}

/// What a search leaves out.
fn cut(beginning: &str) -> AttrValue {
    say_with("words-cut", &[("word", beginning)])
}

fn nothing(props: &TableProps, page: &ActivityPage, looked: Option<Time>) -> Html {
    if page.behind {
        return states::empty(say("not-read-in"), say("not-read-in-hint"));
    }
    if let Some(beginning) = &page.cut {
        return states::empty(say("no-match"), cut(beginning));
    }
    if let Some(to) = looked {
        return html! {
            <div class="empty" role="status"><b>{ say("looked-none") }</b><p>{ looked_to(to) }</p></div>
        };
    }
    if props.narrows && !props.of_one || props.request.filter != wire::ActivityFilter::default() {
        return states::empty(say("no-match"), say("no-match-hint"));
    }
    let hint = if props.request.pings {
        "no-activity-hint"
    } else {
        "no-activity-pings"
    };
    states::empty(say("no-activity"), say(hint))
}

/// What a row's buttons do.
fn want(
    wanted: Wanted,
    frame: &Frame,
    (chosen, of_one): (&Rc<Chosen>, bool),
    on_choose: &Callback<Chosen>,
) {
    match wanted {
        Wanted::OpenThread(call) => {
            let frame = frame.clone();
            spawn_local(async move {
                if let Err(error) = ipc::call(OpenThread { call }).await {
                    frame.say_failed(&error);
                }
            });
        }
        Wanted::Review(id) => frame.dispatch.emit(Action::Open(Sheet::Approval(id))),
        Wanted::Tool(tool) => {
            let mut next = (**chosen).clone();
            next.only.tool = Some(tool);
            on_choose.emit(next);
        }
        // What a thread or an agent touched is asked of everything, from wherever.
        Wanted::Whole(only, named, agent) => {
            frame.dispatch.emit(Action::Look(Chosen {
                only,
                named,
                agent,
                ..Chosen::default()
            }));
            if of_one {
                go(Route::Activity);
            }
        }
    }
}
