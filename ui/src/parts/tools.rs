//! The tools of an integration: a searchable list, each with what it takes.

use super::{
    lack::lack,
    more::More,
    pill::{pill, risk_pill},
    policy::{self, Chosen},
};
use crate::{
    icons::{Icon, icon},
    inert::{inert, inert_block},
    say::{say, say_with},
    state::Tone,
};
use std::rc::Rc;
use wire::{AgentView, ToolView};
use yew::prelude::*;

const STEP: usize = 60;

/// The tools, the name they are called under, and what is searched for.
#[derive(Properties, PartialEq)]
pub struct ToolsProps {
    pub tools: Rc<Vec<ToolView>>,
    /// `orders`, as in `orders.list_invoices`.
    pub slug: AttrValue,
    pub search: AttrValue,
    /// Each may have a policy of its own.
    #[prop_or_default]
    pub agents: Rc<Vec<AgentView>>,
    #[prop_or_default]
    pub on_policy: Callback<Chosen>,
    /// Request access was pressed at the tool of that name.
    #[prop_or_default]
    pub on_access: Callback<String>,
}

/// The list of those that can be used: what is held back stands above it.
#[component]
pub fn Tools(props: &ToolsProps) -> Html {
    let shown = use_state(|| STEP);
    let wanted = props.search.to_lowercase();
    let found: Vec<&ToolView> = props
        .tools
        .iter()
        .filter(|tool| tool.held.is_none() && matches(tool, &wanted))
        .collect();
    if found.is_empty() && (wanted.is_empty() || props.tools.is_empty()) {
        return Html::default();
    }
    if found.is_empty() {
        return html! { <p class="none">{ say_with("no-tool-found", &[("search", &props.search)]) }</p> };
    }
    let left = found.len().saturating_sub(*shown);
    let on_more = {
        let shown = shown.clone();
        Callback::from(move |()| shown.set(*shown + STEP))
    };
    html! {
        <>
            <>{ for found.into_iter().take(*shown).map(|tool| show(tool, props)) }</>
            <More {left} {on_more} />
        </>
    }
}

fn matches(tool: &ToolView, wanted: &str) -> bool {
    wanted.is_empty()
        || tool.name.to_lowercase().contains(wanted)
        || tool.description.to_lowercase().contains(wanted)
        || tool
            .title
            .as_ref()
            .is_some_and(|title| title.to_lowercase().contains(wanted))
}

/// One tool, with what happens when agents call it. Closed: its name, first line and risk. Open: all
/// of it.
pub fn show(tool: &ToolView, props: &ToolsProps) -> Html {
    let first_line = tool.description.lines().next().unwrap_or_default();
    let said = tool
        .title
        .as_deref()
        .filter(|title| !title.is_empty())
        .unwrap_or(first_line);
    html! {
        <div class="tool-line" key={tool.name.clone()} data-testid="tool" data-name={inert(&tool.name)}>
            <details class="tool">
                <summary>
                    <span class="turn">{ icon(Icon::Open) }</span>
                    <code><span class="sub">{ format!("{}.", props.slug) }</span>{ inert(&tool.name) }</code>
                    <span class="said">{ inert(said) }</span>
                    if tool.lacks.is_some() { { pill(Tone::Warn, Icon::Expiring, say("needs-access")) } }
                    { risk_pill(tool.risk) }
                </summary>
                <div class="tool-in">
                    { lack(tool, &props.on_access) }
                    if tool.description.is_empty() {
                        <p class="sub">{ say("tool-no-description") }</p>
                    } else {
                        <p class="said-all">{ inert_block(&tool.description) }</p>
                    }
                    <p class="label">{ say("tool-takes") }</p>
                    <pre tabindex="0" aria-label={say("tool-takes")}>{ inert_block(&tool.input_schema) }</pre>
                    { policy::for_each(tool, &props.agents, &props.on_policy) }
                    <p class="sub">{ say("tool-hash") }{ " " }<code>{ inert(&tool.hash) }</code></p>
                </div>
            </details>
            { policy::for_all(tool, &props.on_policy) }
        </div>
    }
}
