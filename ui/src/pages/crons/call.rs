//! One call of a cron: the integration, its tool, and the tool's arguments.

use super::arguments::arguments;
use crate::{
    icons::{Icon, icon},
    inert::inert,
    query::use_query,
    say::{say, say_error, say_with},
    state::Frame,
};
use web_sys::HtmlSelectElement;
use wire::{CheckCall, CronCall, IntegrationId, ListTools, ToolView, Topic};
use yew::prelude::*;

/// What is typed of it.
#[derive(Clone, PartialEq)]
pub struct Typed {
    /// Its own while the form is open, wherever it stands.
    pub key: u32,
    pub integration: Option<IntegrationId>,
    pub tool: String,
    /// JSON.
    pub arguments: String,
}

impl Typed {
    pub fn new(key: u32) -> Self {
        Self {
            key,
            integration: None,
            tool: String::new(),
            arguments: "{}".to_owned(),
        }
    }

    pub fn of(call: &CronCall, key: u32) -> Self {
        Self {
            key,
            integration: Some(call.integration),
            tool: call.tool.clone(),
            arguments: call.arguments.clone(),
        }
    }

    /// The call, once integration and tool are chosen.
    pub fn call(&self) -> Option<CronCall> {
        let integration = self.integration.filter(|_| !self.tool.is_empty())?;
        Some(CronCall {
            integration,
            tool: self.tool.clone(),
            arguments: self.arguments.clone(),
        })
    }
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub number: usize,
    pub typed: Typed,
    pub change: Callback<Typed>,
    pub remove: Callback<()>,
    pub up: Option<Callback<()>>,
}

/// Its part of the form.
#[component]
pub fn CallForm(props: &Props) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let (typed, n) = (&props.typed, props.number.to_string());
    let choose = {
        let (typed, change) = (typed.clone(), props.change.clone());
        Callback::from(move |text: String| {
            change.emit(Typed {
                integration: text.parse().ok(),
                ..Typed::new(typed.key)
            });
        })
    };
    let cards = frame.cards.data.as_deref();
    let options = cards
        .into_iter()
        .flatten()
        .map(|card| (card.id.to_string(), inert(&card.name)));
    let chosen = typed.integration.map(|id| id.to_string());
    let remove = props.remove.reform(|_: MouseEvent| ());
    let up = props.up.as_ref().map(|up| {
        let onclick = up.reform(|_: MouseEvent| ());
        html! { <button type="button" class="quiet icon turned" aria-label={say_with("cron-call-up", &[("n", &n)])} {onclick}>{ icon(Icon::Down) }</button> }
    });
    html! {
        <div class="panel call" data-testid="call">
            <div class="line"><b class="grow">{ say_with("cron-call-n", &[("n", &n)]) }</b>
                { up.unwrap_or_default() }
                <button type="button" class="quiet icon" aria-label={say_with("cron-call-remove", &[("n", &n)])} onclick={remove}>{ icon(Icon::Close) }</button>
            </div>
            { select((format!("call-{n}-integration"), say("cron-integration")), options, chosen.as_deref(), &choose) }
            if let Some(id) = typed.integration {
                <ToolForm key={id.to_string()} {id} number={props.number} typed={typed.clone()} change={props.change.clone()} />
            }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct ToolProps {
    id: IntegrationId,
    number: usize,
    typed: Typed,
    change: Callback<Typed>,
}

#[component]
fn ToolForm(props: &ToolProps) -> Html {
    let tools = use_query(
        ListTools { id: props.id },
        vec![Topic::Integration(props.id)],
    );
    let typed = &props.typed;
    let call = CronCall {
        integration: props.id,
        tool: typed.tool.clone(),
        arguments: typed.arguments.clone(),
    };
    let check = use_query(CheckCall { call }, vec![Topic::Integration(props.id)]);
    let choose = {
        let (typed, change) = (typed.clone(), props.change.clone());
        Callback::from(move |tool: String| {
            change.emit(Typed {
                tool,
                arguments: "{}".to_owned(),
                ..typed.clone()
            });
        })
    };
    let put = {
        let (typed, change) = (typed.clone(), props.change.clone());
        Callback::from(move |arguments: String| {
            change.emit(Typed {
                arguments,
                ..typed.clone()
            });
        })
    };
    let all = tools.data.as_deref();
    let options = all
        .into_iter()
        .flatten()
        .map(|tool| (tool.name.clone(), inert(&tool.name)));
    let n = props.number;
    let chosen = Some(typed.tool.as_str()).filter(|tool| !tool.is_empty());
    let tool: Option<&ToolView> = all
        .into_iter()
        .flatten()
        .find(|tool| tool.name == typed.tool);
    html! {
        <>
            { select((format!("call-{n}-tool"), say("cron-tool")), options, chosen, &choose) }
            if let Some(tool) = tool {
                if !tool.description.is_empty() { <p class="hint">{ inert(&tool.description) }</p> }
                { arguments(n, tool, &typed.arguments, &put) }
            }
            if let (Some(error), true) = (&check.error, chosen.is_some()) {
                <p class="error" role="alert">{ say_error(error) }</p>
            }
        </>
    }
}

/// A choice among many. One that is chosen and not there stands for itself.
pub fn select(
    (id, label): (String, AttrValue),
    options: impl Iterator<Item = (String, AttrValue)>,
    chosen: Option<&str>,
    on: &Callback<String>,
) -> Html {
    let onchange = on.reform(|e: Event| e.target_unchecked_into::<HtmlSelectElement>().value());
    let mut there = chosen.is_none();
    let options: Vec<Html> = options
        .map(|(value, label)| {
            let selected = chosen == Some(value.as_str());
            there |= selected;
            html! { <option {value} {selected}>{ label }</option> }
        })
        .collect();
    html! {
        <div class="row">
            <label for={id.clone()}>{ label }</label>
            <select {id} {onchange}>
                if !there { <option selected=true>{ inert(chosen.unwrap_or_default()) }</option> }
                <option value="" selected={chosen.is_none()}>{ say("cron-choose") }</option>
                { for options }
            </select>
        </div>
    }
}
