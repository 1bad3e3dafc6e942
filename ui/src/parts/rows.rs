//! The table of activity: time, action, status, took, because of.

use super::{card::because, pill::outcome_pill};
use crate::{
    icons::{Icon, icon},
    inert::inert,
    say::{say, say_error, say_with},
    time::{at_now, full, stamp, took},
};
use std::{collections::BTreeSet, rc::Rc};
use wire::{Because, CallId, Outcome, RowKind, RowView};
use yew::prelude::*;

/// The rows, newest first.
#[derive(Properties, PartialEq)]
pub struct RowsProps {
    pub rows: Rc<Vec<Rc<RowView>>>,
    /// Whether each row says whose it is; not on an integration's own page.
    pub named: bool,
    /// The thread of this call is to be opened.
    #[prop_or_default]
    pub on_thread: Callback<CallId>,
}

/// The table. A row with more to say opens.
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
    html! {
        <table>
            <thead><tr>
                <th scope="col">{ say("col-time") }</th>
                if props.named { <th scope="col">{ say("col-integration") }</th> }
                <th scope="col">{ say("col-action") }</th>
                <th scope="col">{ say("col-status") }</th>
                <th scope="col" class="num">{ say("col-took") }</th>
                <th scope="col">{ say("col-because") }</th>
            </tr></thead>
            <tbody>
                { for props.rows.iter().map(|row| {
                    show(row, (props.named, open.contains(&row.id)), &toggle, &props.on_thread)
                }) }
            </tbody>
        </table>
    }
}

/// One row, and below it what went wrong or came back, where it is open.
fn show(
    row: &RowView,
    (named, open): (bool, bool),
    toggle: &Callback<uuid::Uuid>,
    on_thread: &Callback<CallId>,
) -> Html {
    let opens = row.error.is_some() || !row.detail.is_empty();
    let toggle = {
        let (toggle, id) = (toggle.clone(), row.id);
        Callback::from(move |_: MouseEvent| toggle.emit(id))
    };
    let more_id = format!("more-{}", row.id);
    let action = if opens {
        html! {
            <button type="button" class="row-toggle" aria-expanded={open.to_string()}
                aria-controls={open.then(|| more_id.clone())} onclick={toggle}>
                <span class="turn">{ icon(Icon::Open) }</span><code>{ inert(&row.action) }</code>
            </button>
        }
    } else {
        html! { <code class="row-plain">{ inert(&row.action) }</code> }
    };
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
                <td>{ action }</td>
                <td>{ outcome_pill(row.outcome) }</td>
                <td class="t num">{ took }</td>
                <td>{ origin(row, on_thread) }</td>
            </tr>
            if open {
                <tr class="row-more" id={more_id}>
                    <td colspan={columns}>{ more(row) }</td>
                </tr>
            }
        </>
    }
}

/// Why it happened; a button where that is a thread that can be opened.
fn origin(row: &RowView, on_thread: &Callback<CallId>) -> Html {
    let why = because(&row.because);
    if !matches!(&row.because, Because::Task { url: Some(_), .. }) {
        return html! { why };
    }
    let call = CallId(row.id);
    let onclick = on_thread.reform(move |_: MouseEvent| call);
    html! {
        <button type="button" class="link" title={say("open-thread")} data-testid="thread" {onclick}>
            { why }{ icon(Icon::Browser) }
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

fn more(row: &RowView) -> Html {
    html! {
        <>
            if let Some(error) = &row.error { <p>{ say_error(error) }</p> }
            if !row.detail.is_empty() {
                <p class="sub">{ say_with("row-answer", &[("detail", &row.detail)]) }</p>
            }
            <p class="sub">{ full(row.at) }</p>
        </>
    }
}
