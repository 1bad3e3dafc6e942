//! The table of activity: time, action, status, took, because of. Sixty rows at most are in the page,
//! however many were loaded: those around what is in sight.

mod everything;

use super::{card::because, pill::outcome_pill};
use crate::{
    icons::{Icon, icon},
    inert::inert,
    page::{self, Listener},
    say::{say, say_error, say_with},
    time::{at_now, full, stamp, took},
};
use everything::Everything;
use std::{collections::BTreeSet, rc::Rc};
use web_sys::{Element, HtmlElement};
use wire::{ActivityFilter, Because, CallId, Outcome, RowKind, RowView};
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
    /// Everything that fits, of all integrations; and what that is called.
    Whole(ActivityFilter, AttrValue),
}

/// The rows, newest first.
#[derive(Properties, PartialEq)]
pub struct RowsProps {
    pub rows: Rc<Vec<Rc<RowView>>>,
    /// Whether each row says whose it is; not on an integration's own page.
    pub named: bool,
    #[prop_or_default]
    pub on_want: Callback<Wanted>,
}

/// The table. A row opens to everything that is known of it.
#[component]
pub fn Rows(props: &RowsProps) -> Html {
    let open = use_state(|| Rc::new(BTreeSet::new()));
    let toggle = {
        let open = open.clone();
        Callback::from(move |id: uuid::Uuid| {
            let mut next = (**open).clone();
            if !next.remove(&id) {
                next.insert(id);
            }
            open.set(Rc::new(next));
        })
    };
    let count = props.rows.len();
    let (first, table, spaces) = use_window(count);
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
                    show(row, (props.named, open.contains(&row.id)), &toggle, &props.on_want)
                }) }
                <tr class="space" ref={below} aria-hidden="true" />
            </tbody>
        </table>
    }
}

/// Which row is the first in the page, and the nodes that hold the place of the others.
#[hook]
fn use_window(count: usize) -> (usize, NodeRef, [NodeRef; 2]) {
    let first = use_state_eq(|| 0_usize);
    let table = use_node_ref();
    let (above, below) = (use_node_ref(), use_node_ref());
    // A shorter list: back to where there is something to see.
    let from = (*first).min(count.saturating_sub(1) / STRIDE * STRIDE);
    {
        let (first, table) = (first.setter(), table.clone());
        use_effect_with(count, move |count| {
            let count = *count;
            let listener = (count > WINDOW)
                .then(|| Listener::on_scroll(move |_| first.set(sought(&table, count))))
                .flatten();
            move || drop(listener)
        });
    }
    {
        let (above, below) = (above.clone(), below.clone());
        use_effect_with((from, count), move |(from, count)| {
            let under = count.saturating_sub(from + WINDOW);
            for (node, rows) in [(&above, *from), (&below, under)] {
                if let Some(element) = node.cast::<HtmlElement>() {
                    #[allow(clippy::cast_precision_loss, reason = "a screen has few pixels")]
                    let height = rows as f64 * HEIGHT;
                    page::set_style(&element, "height", &format!("{height}px"));
                }
            }
        });
    }
    (from, table, [above, below])
}

/// The first row that should be in the page, as the table is scrolled now.
fn sought(table: &NodeRef, count: usize) -> usize {
    let top = table
        .cast::<Element>()
        .map_or(0.0, |table| table.get_bounding_client_rect().top());
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "never negative, and small"
    )]
    let row = (-top / HEIGHT).max(0.0) as usize;
    let begin = row.saturating_sub(STRIDE) / STRIDE * STRIDE;
    begin.min(count.saturating_sub(WINDOW).div_ceil(STRIDE) * STRIDE)
}

/// One row, and below it everything that is known, where it is open.
fn show(
    row: &RowView,
    (named, open): (bool, bool),
    toggle: &Callback<uuid::Uuid>,
    on_want: &Callback<Wanted>,
) -> Html {
    let toggle = {
        let (toggle, id) = (toggle.clone(), row.id);
        Callback::from(move |_: MouseEvent| toggle.emit(id))
    };
    let more_id = format!("more-{}", row.id);
    let took = match (row.took_ms, row.outcome) {
        (Some(millis), _) => took(millis),
        (None, _) => say("none"),
    };
    let columns = if named { "6" } else { "5" };
    html! {
        <key={row.id.to_string()}>
            <tr data-testid="activity-row" data-id={row.id.to_string()} data-outcome={outcome_name(row.outcome)}
                class={classes!((row.kind == RowKind::Ping).then_some("is-ping"))}>
                <td class="t">{ stamped(row.at) }</td>
                if named { <td class="cut">{ inert(&row.integration_name) }</td> }
                <td class="cut">
                    <button type="button" class="row-toggle" aria-expanded={open.to_string()}
                        aria-controls={open.then(|| more_id.clone())} onclick={toggle}>
                        <span class="turn">{ icon(Icon::Open) }</span><code class="cut">{ inert(&row.action) }</code>
                    </button>
                </td>
                <td>{ outcome_pill(row.outcome) }</td>
                <td class="t num">{ took }</td>
                <td class="cut">{ origin(row, on_want) }</td>
            </tr>
            if open {
                <tr class="row-more" id={more_id}>
                    <td colspan={columns}>{ more(row, on_want) }</td>
                </tr>
            }
        </>
    }
}

/// Why it happened; a button where that is a thread that can be opened.
fn origin(row: &RowView, on_want: &Callback<Wanted>) -> Html {
    let why = because(&row.because);
    if !matches!(&row.because, Because::Task { url: Some(_), .. }) {
        return html! { why };
    }
    let call = CallId(row.id);
    let onclick = on_want.reform(move |_: MouseEvent| Wanted::OpenThread(call));
    html! {
        <button type="button" class="link" title={say("open-thread")} data-testid="thread" {onclick}>
            <span class="cut">{ why }</span>{ icon(Icon::Browser) }
        </button>
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
    if let Because::Task {
        title, url, agent, ..
    } = &row.because
    {
        if let Some(url) = url {
            let only = ActivityFilter {
                thread: Some(url.clone()),
                ..ActivityFilter::default()
            };
            buttons.push(button("row-thread", Wanted::Whole(only, inert(title))));
        }
        if let Some(agent) = agent {
            let only = ActivityFilter {
                agent: Some(agent.id),
                ..ActivityFilter::default()
            };
            buttons.push(button("row-agent", Wanted::Whole(only, inert(&agent.name))));
        }
    }
    if row.kind == RowKind::Call {
        buttons.push(button("row-tool", Wanted::Tool(row.action.clone())));
    }
    html! { <div class="line follow">{ for buttons }</div> }
}
