//! The table of activity: time, action, status, took, because of. Sixty rows at most are in the page,
//! however many were loaded: those around what is in sight.

mod everything;

use super::{
    card::because,
    pill::{outcome_pill, waiting_pill},
};
use crate::{
    icons::{Icon, icon},
    inert::inert,
    page::{self, Listener},
    say::{say, say_error, say_with},
    time::{at_now, full, stamp, took},
};
use everything::Everything;
use std::rc::Rc;
use uuid::Uuid;
use web_sys::{Element, HtmlElement};
use wire::{ActivityFilter, ApprovalId, ApprovalView, Because, CallId, Outcome, RowKind, RowView};
use yew::prelude::*;

/// Rows in the page at once.
const WINDOW: usize = 60;
/// Rows above what is in sight, and by how many the window moves.
const STRIDE: usize = 20;
/// Pixels of a row, as parts.css sets it.
const HEIGHT: f64 = 44.0;

/// What a row's button asks for.
#[derive(Clone, PartialEq)]
pub enum Wanted {
    /// The thread of this call is to be opened.
    OpenThread(CallId),
    /// Only rows of this tool.
    Tool(String),
    /// The call that waits for an admin is to be looked at.
    Review(ApprovalId),
    /// Everything that fits, of all integrations; what that thread or task is called; and the agent, where
    /// one is in it.
    Whole(ActivityFilter, Option<AttrValue>, Option<AttrValue>),
}

/// The rows, newest first.
#[derive(Properties, PartialEq)]
pub struct RowsProps {
    pub rows: Rc<Vec<Rc<RowView>>>,
    /// The one that is open, if any: one at a time.
    #[prop_or_default]
    pub open: Option<Uuid>,
    #[prop_or_default]
    pub on_open: Callback<Option<Uuid>>,
    /// Whether each row says whose it is; not on an integration's own page.
    pub named: bool,
    /// Calls that wait for an admin now.
    #[prop_or_default]
    pub waiting: Option<Rc<Vec<ApprovalView>>>,
    #[prop_or_default]
    pub on_want: Callback<Wanted>,
}

/// The table. A row opens to everything that is known of it.
#[component]
pub fn Rows(props: &RowsProps) -> Html {
    let opened = props
        .open
        .and_then(|id| props.rows.iter().position(|row| row.id == id));
    let count = props.rows.len();
    let (first, table, spaces) = use_window(count, opened);
    // After the spaces were set.
    let toggle = use_toggle(props);
    let end = count.min(first + WINDOW);
    let seen = props.rows.get(first..end).unwrap_or_default();
    let [above, below] = spaces;
    html! {
        <table ref={table} aria-rowcount={(count + 1).to_string()}>
            <thead><tr>
                <th scope="col">{ say("col-time") }</th>
                if props.named { <th scope="col">{ say("col-integration") }</th> }
                <th scope="col">{ say("col-action") }</th>
                <th scope="col">{ say("col-status") }</th>
                <th scope="col" class="num">{ say("col-took") }</th>
                <th scope="col">{ say("col-because") }</th>
            </tr></thead>
            <tbody class="rows">
                <tr class="space" ref={above} aria-hidden="true" />
                { for seen.iter().map(|row| {
                    show(row, (props, props.open == Some(row.id)), &toggle)
                }) }
                <tr class="space" ref={below} aria-hidden="true" />
            </tbody>
        </table>
    }
}

/// Opens a row and closes the one that was open, or closes it. The row that was pressed stays where it
/// is, though one above it closes.
#[hook]
fn use_toggle(props: &RowsProps) -> Callback<(Uuid, Element)> {
    let pressed = use_mut_ref(|| None::<(Element, f64)>);
    {
        let pressed = pressed.clone();
        use_effect_with(props.open, move |_| {
            if let Some((row, top)) = pressed.take() {
                let moved = row.get_bounding_client_rect().top() - top;
                #[allow(clippy::cast_possible_truncation, reason = "a page has few pixels")]
                page::scroll_to(page::scrolled() + moved.round() as i32);
            }
        });
    }
    let (on_open, open) = (props.on_open.clone(), props.open);
    Callback::from(move |(id, row): (Uuid, Element)| {
        let top = row.get_bounding_client_rect().top();
        *pressed.borrow_mut() = Some((row, top));
        on_open.emit(Some(id).filter(|id| open != Some(*id)));
    })
}

/// Which row is the first in the page, and the nodes that hold the place of the others. `open`: the row
/// that is open.
#[hook]
fn use_window(count: usize, open: Option<usize>) -> (usize, NodeRef, [NodeRef; 2]) {
    let first = use_state_eq(|| 0_usize);
    let table = use_node_ref();
    let (above, below) = (use_node_ref(), use_node_ref());
    // How high the open row's part is, as it was last seen in the page.
    let more = use_mut_ref(|| 0.0_f64);
    // A shorter list: back to where there is something to see.
    let from = (*first).min(count.saturating_sub(1) / STRIDE * STRIDE);
    {
        let (first, table, more) = (first.setter(), table.clone(), more.clone());
        use_effect_with((count, open), move |(count, open)| {
            let (count, open) = (*count, *open);
            let listener = (count > WINDOW)
                .then(|| {
                    Listener::on_scroll(move |_| {
                        let Some(table) = table.cast::<Element>() else {
                            return;
                        };
                        if let Ok(Some(shown)) = table.query_selector(".row-more") {
                            *more.borrow_mut() = shown.get_bounding_client_rect().height();
                        }
                        first.set(sought(&table, count, open.map(|row| (row, *more.borrow()))));
                    })
                })
                .flatten();
            move || drop(listener)
        });
    }
    {
        let (above, below) = (above.clone(), below.clone());
        use_effect_with((from, count, open), move |(from, count, open)| {
            let (from, end) = (*from, from + WINDOW);
            let more = more.borrow();
            let under = count.saturating_sub(end);
            let is_above = open.is_some_and(|row| row < from);
            let is_below = open.is_some_and(|row| row >= end);
            for (node, rows, has_more) in [(&above, from, is_above), (&below, under, is_below)] {
                if let Some(element) = node.cast::<HtmlElement>() {
                    let height = pixels(rows) + if has_more { *more } else { 0.0 };
                    page::set_style(&element, "height", &format!("{height}px"));
                }
            }
        });
    }
    (from, table, [above, below])
}

#[allow(clippy::cast_precision_loss, reason = "a screen has few pixels")]
fn pixels(rows: usize) -> f64 {
    rows as f64 * HEIGHT
}

/// The first row that should be in the page, as the table is scrolled now. `open`: the row that is open,
/// and how high what is below it is.
fn sought(table: &Element, count: usize, open: Option<(usize, f64)>) -> usize {
    let mut passed = -table.get_bounding_client_rect().top();
    if let Some((row, more)) = open {
        let before = pixels(row + 1);
        passed -= (passed - before).clamp(0.0, more);
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "never negative, and small"
    )]
    let row = (passed / HEIGHT).max(0.0) as usize;
    let begin = row.saturating_sub(STRIDE) / STRIDE * STRIDE;
    begin.min(count.saturating_sub(WINDOW).div_ceil(STRIDE) * STRIDE)
}

/// One row, and below it everything that is known, where it is open.
fn show(
    row: &RowView,
    (props, open): (&RowsProps, bool),
    toggle: &Callback<(Uuid, Element)>,
) -> Html {
    let RowsProps { named, on_want, .. } = props;
    let toggle = {
        let (toggle, id) = (toggle.clone(), row.id);
        Callback::from(move |e: MouseEvent| {
            if let Some(button) = page::button_of(&e) {
                toggle.emit((id, button));
            }
        })
    };
    let more_id = format!("more-{}", row.id);
    let took = match (row.took_ms, row.outcome) {
        (Some(millis), _) => took(millis),
        (None, _) => say("none"),
    };
    let columns = if *named { "6" } else { "5" };
    html! {
        <key={row.id.to_string()}>
            <tr data-testid="activity-row" data-id={row.id.to_string()} data-outcome={outcome_name(row.outcome)}
                class={classes!((row.kind == RowKind::Ping).then_some("is-ping"))}>
                <td class="t">{ stamped(row.at) }</td>
                if *named { <td class="cut c-who">{ inert(&row.integration_name) }</td> }
                <td class="cut c-what">
                    <button type="button" class="row-toggle" aria-expanded={open.to_string()}
                        aria-controls={open.then(|| more_id.clone())} onclick={toggle}>
                        <span class="turn">{ icon(Icon::Open) }</span><code class="cut" title={inert(&row.action)}>{ inert(&row.action) }</code>
                    </button>
                </td>
                <td>{ state(row, props) }</td>
                <td class="t num">{ took }</td>
                <td class="cut c-why">{ origin(row, on_want) }</td>
            </tr>
            if open {
                <tr class="row-more" id={more_id}>
                    <td colspan={columns}>{ more(row, on_want) }</td>
                </tr>
            }
        </>
    }
}

/// How it ended, or what it waits for.
fn state(row: &RowView, props: &RowsProps) -> Html {
    let mut waiting = props.waiting.iter().flat_map(|all| all.iter());
    match waiting.find(|each| each.call.0 == row.id) {
        Some(each) if row.outcome == Outcome::Running => {
            let id = each.id;
            let review = props
                .on_want
                .reform(move |_: MouseEvent| Wanted::Review(id));
            waiting_pill((say("call-waits"), &row.action), review)
        }
        Some(_) | None => outcome_pill(row.outcome),
    }
}

/// Why it happened: a button where that is a thread that can be opened, and one for all that the thread or
/// task touched.
fn origin(row: &RowView, on_want: &Callback<Wanted>) -> Html {
    let why = because(&row.because);
    let Some((key, whole)) = touched(&row.because) else {
        return html! { why };
    };
    let label = say_with(
        if key == "row-thread" {
            "row-thread-of"
        } else {
            "row-task-of"
        },
        &[("name", &why)],
    );
    let onclick = on_want.reform(move |_: MouseEvent| whole.clone());
    html! {
        <span class="origin">
            if matches!(&row.because, Because::Task { url: Some(_), .. }) {
                { thread(CallId(row.id), why, on_want) }
            } else {
                <span class="cut" title={why.clone()}>{ why }</span>
            }
            <button type="button" class="quiet icon" data-testid={key} title={say(key)} aria-label={label} {onclick}>
                { icon(Icon::Only) }
            </button>
        </span>
    }
}

fn thread(call: CallId, why: AttrValue, on_want: &Callback<Wanted>) -> Html {
    let onclick = on_want.reform(move |_: MouseEvent| Wanted::OpenThread(call));
    html! {
        <button type="button" class="link" title={say("open-thread")} data-testid="thread" {onclick}>
            <span class="cut">{ why }</span>{ icon(Icon::Browser) }
        </button>
    }
}

/// Everything that the thread of a row touched, else its task; and the question's words.
fn touched(because: &Because) -> Option<(&'static str, Wanted)> {
    let whole = |key, only, name: &str, agent: Option<&wire::ByAgent>| {
        let agent = agent.map(|agent| inert(&agent.name));
        Some((key, Wanted::Whole(only, Some(inert(name)), agent)))
    };
    match because {
        Because::Task {
            url: Some(url),
            title,
            ..
        } => {
            let only = ActivityFilter {
                thread: Some(url.clone()),
                ..ActivityFilter::default()
            };
            whole("row-thread", only, title, None)
        }
        Because::Task {
            task: Some(task),
            agent,
            title,
            ..
        } => {
            let only = ActivityFilter {
                task: Some(task.clone()),
                agent: agent.as_ref().map(|agent| agent.id),
                ..ActivityFilter::default()
            };
            whole("row-task-only", only, title, agent.as_ref())
        }
        // A run of a cron is a task.
        Because::Cron { run, name, .. } => {
            let only = ActivityFilter {
                task: Some(run.to_string()),
                ..ActivityFilter::default()
            };
            whole("row-task-only", only, name, None)
        }
        Because::Task { .. }
        | Because::Admin { .. }
        | Because::Health
        | Because::Connecting
        | Because::Outside
        | Because::Notice => None,
    }
}

fn stamped(at: wire::Time) -> Html {
    at_now(move |now| html! { <time title={full(at)}>{ stamp(at, now) }</time> })
}

/// The word of an outcome on the wire and in `data-outcome`.
fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "running",
        Outcome::Ok => "ok",
        Outcome::Approved => "approved",
        Outcome::Denied => "denied",
        Outcome::Failed => "failed",
        Outcome::Refused => "refused",
        Outcome::Unknown => "unknown",
    }
}

fn more(row: &RowView, on_want: &Callback<Wanted>) -> Html {
    html! {
        <>
            // Of a sentence the table shows the beginning.
            if row.kind == RowKind::Change { <p>{ inert(&row.action) }</p> }
            if let Some(error) = &row.error { <p>{ say_error(error) }</p> }
            if !row.detail.is_empty() {
                <p class="sub">{ told(row) }</p>
            }
            <p class="sub">{ full(row.at) }</p>
            if row.kind != RowKind::Ping {
                <Everything call={CallId(row.id)} />
                { follow(row, on_want) }
            }
        </>
    }
}

/// Of a call, what was told beside it; of the app's own requests, what came back.
fn told(row: &RowView) -> AttrValue {
    match row.kind {
        RowKind::Call => inert(&row.detail),
        _ => say_with("row-answer", &[("detail", &row.detail)]),
    }
}

/// Buttons that lead from this row to others.
fn follow(row: &RowView, on_want: &Callback<Wanted>) -> Html {
    let button = |key: &'static str, wanted: Wanted| {
        let onclick = on_want.reform(move |_: MouseEvent| wanted.clone());
        html! { <button type="button" class="quiet" data-testid={key} {onclick}>{ say(key) }</button> }
    };
    let mut buttons = Vec::new();
    if let Some((key, whole)) = touched(&row.because) {
        buttons.push(button(key, whole));
    }
    if let Because::Task {
        agent: Some(agent), ..
    } = &row.because
    {
        let only = ActivityFilter {
            agent: Some(agent.id),
            ..ActivityFilter::default()
        };
        let named = Some(inert(&agent.name));
        buttons.push(button("row-agent", Wanted::Whole(only, None, named)));
    }
    if row.kind == RowKind::Call {
        buttons.push(button("row-tool", Wanted::Tool(row.action.clone())));
    }
    html! { <div class="line follow">{ for buttons }</div> }
}
