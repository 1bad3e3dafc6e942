//! Everything that is known of one call, below its row.

use crate::{
    inert::{inert, inert_block},
    query::use_query,
    say::{say, say_error, say_with},
    time::full,
};
use wire::{CallId, Chained, GetRow, PayloadView, Topic};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct EverythingProps {
    pub call: CallId,
}

/// The list of what is known.
#[component]
pub fn Everything(props: &EverythingProps) -> Html {
    let found = use_query(GetRow { call: props.call }, vec![Topic::Activity]);
    let Some(row) = &found.data else {
        return match &found.error {
            Some(error) => html! { <p class="error">{ say_error(error) }</p> },
            None => Html::default(),
        };
    };
    html! {
        <dl class="wide" data-testid="everything">
            if let Some(at) = row.ended_at { <dt>{ say("row-ended") }</dt><dd>{ full(at) }</dd> }
            if let Some(agent) = &row.agent { <dt>{ say("row-by") }</dt><dd>{ inert(agent) }</dd> }
            if let Some(task) = &row.task { <dt>{ say("row-task") }</dt><dd><code class="path">{ inert(task) }</code></dd> }
            if let Some(thread) = &row.thread { <dt>{ say("row-of-thread") }</dt><dd><code class="path">{ inert(thread) }</code></dd> }
            { payload("row-sent", row.sent.as_ref(), row.bodies.as_ref().and_then(|said| said.sent.as_deref())) }
            { payload("row-got", row.got.as_ref(), row.bodies.as_ref().and_then(|said| said.got.as_deref())) }
            if let Some(said) = &row.bodies { <dt>{ say("row-kept-until") }</dt><dd>{ full(said.until) }</dd> }
            if let Some(run) = &row.cron_run { <dt>{ say("row-run") }</dt><dd><code class="path">{ inert(run) }</code></dd> }
            <dt>{ say("row-id") }</dt><dd><code class="path">{ row.id.to_string() }</code></dd>
            { chained("row-place", &row.intent) }
            if let Some(outcome) = &row.outcome { { chained("row-place-ended", outcome) } }
        </dl>
    }
}

/// Where a row stands in the chain, by which key, and what binds it to the row before.
fn chained(label: &'static str, row: &Chained) -> Html {
    let place = row.seq.to_string();
    html! {
        <>
            <dt>{ say(label) }</dt>
            <dd class="payload">
                <span>{ match row.key {
                    Some(key) => say_with("row-chained", &[("row", &place), ("key", &key.to_string())]),
                    None => say_with("row-keyless", &[("row", &place)]),
                } }</span>
                <code class="path sub" title={say("row-mac")}>{ inert(&row.mac) }</code>
            </dd>
        </>
    }
}

fn payload(label: &'static str, payload: Option<&PayloadView>, said: Option<&str>) -> Html {
    let Some(payload) = payload else {
        return Html::default();
    };
    let bytes = payload.bytes.to_string();
    html! {
        <>
            <dt>{ say(label) }</dt>
            <dd class="payload">
                <span>{ say_with("row-bytes", &[("bytes", &bytes)]) }{ " " }<code class="path">{ inert(&payload.shape) }</code></span>
                if let Some(hash) = &payload.hash { <code class="path sub">{ inert(hash) }</code> }
                if let Some(said) = said {
                    <pre tabindex="0" aria-label={say(label)} data-testid={label}>{ inert_block(said) }</pre>
                }
            </dd>
        </>
    }
}
