//! Agents: the programs that call through the gateway, and the gateway itself.

use crate::{
    icons::{Icon, icon},
    inert::inert,
    ipc, page,
    parts::{dialog::Dialog, states},
    query::use_query,
    say::{say, say_count, say_error, say_with},
    sheets::{Change, Configured, Pair, Port, Renew, chosen_of, some_of},
    state::Frame,
    time::{ago_now, at_now, date},
};
use std::rc::Rc;
use wire::{
    AgentId, AgentTools, AgentView, AgentsView, GatewayView, IntegrationId, ListAgents,
    RevokeAgent, Topic,
};
use yew::{platform::spawn_local, prelude::*};

/// So many integrations of an agent are named.
const FEW: usize = 6;

/// What stands in front of the page.
#[derive(Clone, PartialEq)]
enum Open {
    Nothing,
    Pair,
    /// The gateway's port, which is this one now.
    Port(AttrValue),
    Change(AgentId),
    /// A new token for it.
    Renew(AgentId, AttrValue),
    Remove(AgentId, String),
}

/// The page.
#[component]
pub fn Agents() -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let agents = use_query(ListAgents {}, vec![Topic::Agents, Topic::Integrations]);
    let open = use_state_eq(|| Open::Nothing);
    let close = {
        let open = open.clone();
        Callback::from(move |()| open.set(Open::Nothing))
    };
    let pair = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(Open::Pair))
    };
    let remove = {
        let open = open.clone();
        Callback::from(move |(id, name)| open.set(Open::Remove(id, name)))
    };
    let change = {
        let open = open.clone();
        Callback::from(move |id| open.set(Open::Change(id)))
    };
    let renew = {
        let open = open.clone();
        Callback::from(move |(id, name)| open.set(Open::Renew(id, name)))
    };
    let port = {
        let open = open.clone();
        Callback::from(move |port| open.set(Open::Port(port)))
    };
    html! {
        <>
            <header class="page">
                <div><h1 tabindex="-1" id="title">{ say("agents") }</h1>
                    <div class="sub">{ say("agents-sub") }</div></div>
                <span class="grow" />
                <button type="button" class="primary" data-testid="pair-agent" onclick={pair}>
                    { icon(Icon::Add) }{ say("pair-agent") }
                </button>
            </header>
            { states::shown(&agents, states::loading_lines(), |view| shown(&frame, view, &(remove.clone(), change.clone(), port.clone(), renew.clone()))) }
            { match &*open {
                Open::Nothing => Html::default(),
                Open::Pair => html! { <Pair {close} /> },
                Open::Port(port) => html! { <Port port={port.clone()} {close} /> },
                Open::Change(id) => agents.data.clone().map_or_else(Html::default, |view| {
                    // One that was removed meanwhile has nothing to change.
                    let found = view.agents.iter().find(|agent| agent.id == *id).cloned();
                    found.map_or_else(Html::default, |agent| html! { <Change {agent} {view} {close} /> })
                }),
                Open::Renew(id, name) => html! { <Renew id={*id} name={name.clone()} {close} /> },
                Open::Remove(id, name) => remove_sheet(&frame, *id, name, &close),
            } }
        </>
    }
}

/// What the page's buttons open: removing one, what it may use, another port, and a new token.
type Opens = (
    Callback<(AgentId, String)>,
    Callback<AgentId>,
    Callback<AttrValue>,
    Callback<(AgentId, AttrValue)>,
);

fn shown(frame: &Frame, view: &Rc<AgentsView>, opens: &Opens) -> Html {
    html! {
        <div class="stack">
            { door(frame, &view.gateway, &opens.2) }
            if view.agents.is_empty() {
                <section class="panel">{ states::empty(say("agents-none"), say("agents-none-sentence")) }</section>
            } else {
                <section class="panel"><div class="table"><table class="agents">
                    <thead><tr>
                        <th>{ say("agent") }</th><th>{ say("agent-may") }</th>
                        <th class="num">{ say("agent-calls") }</th><th>{ say("agent-last-used") }</th>
                        <th>{ say("agent-token") }</th>
                        <th><span class="unseen">{ say("agent-remove") }</span></th>
                    </tr></thead>
                    <tbody>{ for view.agents.iter().map(|agent| row(frame, (agent, &view.chosen), opens)) }</tbody>
                </table></div></section>
            }
            <Configured />
        </div>
    }
}

/// Where agents find it, or why they cannot.
fn door(frame: &Frame, gateway: &GatewayView, change: &Callback<AttrValue>) -> Html {
    let change = |port: String| {
        let port = AttrValue::from(port);
        let onclick = change.reform(move |_: MouseEvent| port.clone());
        html! {
            <button type="button" class="quiet" data-testid="change-port" {onclick}>{ say("port-change") }</button>
        }
    };
    match gateway {
        GatewayView::Open { url } => {
            let (copied, address, frame) = (say("copied"), url.clone(), frame.clone());
            let copy = Callback::from(move |_: MouseEvent| {
                let (copied, address, frame) = (copied.clone(), address.clone(), frame.clone());
                spawn_local(async move {
                    if page::copy(&address).await.is_ok() {
                        frame.say(copied);
                    }
                });
            });
            html! {
                <section class="panel"><div class="bar" data-testid="gateway">
                    <span class="ok-ink">{ icon(Icon::Healthy) }</span>
                    <span class="grow">{ say("gateway-open") }{ " " }<code>{ url.clone() }</code></span>
                    <button type="button" class="quiet" onclick={copy}>{ icon(Icon::Copy) }{ say("copy") }</button>
                    { change(port_of(url)) }
                </div></section>
            }
        }
        GatewayView::PortTaken { port } => html! {
            <div class="banner warn-edge" role="alert" data-testid="gateway">
                <span class="warn-ink">{ icon(Icon::Expiring) }</span>
                <span class="grow">{ say_with("gateway-taken", &[("n", &port.to_string())]) }</span>
                { change(port.to_string()) }
            </div>
        },
        GatewayView::Closed => html! {
            <div class="banner" role="status" data-testid="gateway">
                { icon(Icon::Busy) }<span class="grow">{ say("gateway-closed") }</span>
            </div>
        },
    }
}

/// The port of the gateway's address.
fn port_of(url: &str) -> String {
    let digits = url.rsplit(':').next().unwrap_or_default();
    digits.chars().take_while(char::is_ascii_digit).collect()
}

/// The integrations that it may use, by name: "GitHub (3 of 12 tools), Stripe". The first of many; the
/// sheet that changes them has all, and so has the title.
fn may_use(frame: &Frame, agent: &AgentView, chosen: &[AgentTools]) -> Html {
    let own = chosen.iter().filter(|each| each.agent == agent.id);
    let narrowed: Vec<IntegrationId> = own.map(|each| each.chosen.integration).collect();
    let ids = agent.integrations.as_ref().unwrap_or(&narrowed);
    let named = |id: &IntegrationId| {
        let name = &frame.card(*id)?.name;
        Some(match chosen_of(chosen, agent.id, *id) {
            None => name.clone(),
            Some(each) => format!("{name} ({})", some_of(each.there as usize, each.of)),
        })
    };
    let mut names: Vec<String> = ids.iter().filter_map(named).collect();
    names.sort_unstable();
    let mut listed = names.join(", ");
    let whole = (names.len() > FEW).then(|| inert(&listed));
    if let Some(shown) = names.get(..FEW).filter(|_| whole.is_some()) {
        let more = say_count("can-more", names.len() - FEW);
        listed = format!("{} {more}", shown.join(", "));
    }
    let said = match (&agent.integrations, names.is_empty()) {
        (None, true) => say("agent-may-all"),
        (None, false) => say_with("agent-may-narrowed", &[("names", &listed)]),
        (Some(_), true) => say("agent-may-none"),
        (Some(_), false) => inert(&listed),
    };
    html! { <span class="may" title={whole}>{ said }</span> }
}

fn row(
    frame: &Frame,
    (agent, chosen): (&AgentView, &[AgentTools]),
    (remove, change, _, renew): &Opens,
) -> Html {
    let may = may_use(frame, agent, chosen);
    let last = agent
        .last_used_at
        .map_or_else(|| html! { say("never") }, ago_now);
    let whose = agent.clone();
    let token = at_now(move |now| match whose.expires_at {
        None => html! { say("agent-token-stays") },
        Some(end) if end <= now => {
            html! { <span class="bad-ink">{ say("agent-token-over") }</span> }
        }
        Some(end) if whose.ends_soon(now) => html! {
            <span class="warn-ink">{ say_with("agent-token-soon", &[("date", &date(end, now))]) }</span>
        },
        Some(end) => html! { say_with("agent-token-ends", &[("date", &date(end, now))]) },
    });
    let onclick = {
        let (id, name) = (agent.id, agent.name.clone());
        remove.reform(move |_: MouseEvent| (id, name.clone()))
    };
    let id = agent.id;
    let renew = {
        let name = AttrValue::from(agent.name.clone());
        renew.reform(move |_: MouseEvent| (id, name.clone()))
    };
    let change = change.reform(move |_: MouseEvent| id);
    html! {
        <tr key={agent.id.to_string()} data-testid="agent">
            <td><b>{ inert(&agent.name) }</b></td>
            <td>{ may }<div class="sub">{ say(if agent.read_only { "agent-reads" } else { "agent-any" }) }</div></td>
            <td class="num">{ agent.calls }</td>
            <td>{ last }</td>
            <td>{ token }<div><button type="button" class="quiet" data-testid="renew-agent" onclick={renew}
                aria-label={say_with("agent-renew-name", &[("name", &agent.name)])}>{ say("agent-renew") }</button></div></td>
            <td class="end"><button type="button" class="quiet" data-testid="change-agent" onclick={change}
                aria-label={say_with("agent-change-name", &[("name", &agent.name)])}>{ say("agent-change") }</button>
                <button type="button" class="quiet danger" {onclick}
                aria-label={say_with("agent-remove-name", &[("name", &agent.name)])}>{ say("agent-remove") }</button></td>
        </tr>
    }
}

fn remove_sheet(frame: &Frame, id: AgentId, name: &str, close: &Callback<()>) -> Html {
    let cancel = close.reform(|_: MouseEvent| ());
    let onclick = {
        let (frame, close, name) = (frame.clone(), close.clone(), name.to_owned());
        Callback::from(move |_: MouseEvent| {
            let (frame, close, name) = (frame.clone(), close.clone(), name.clone());
            spawn_local(async move {
                match ipc::call(RevokeAgent { id }).await {
                    Ok(()) => frame.say(say_with("agent-removed", &[("name", &name)])),
                    Err(error) => frame.say_failed(&error),
                }
                close.emit(());
            });
        })
    };
    html! {
        <Dialog title={say_with("agent-remove-name", &[("name", name)])} on_close={close.clone()} narrow=true>
            <p>{ say("agent-remove-sentence") }</p>
            <div class="buttons">
                <button type="button" onclick={cancel}>{ say("cancel") }</button>
                <button type="button" class="danger" data-testid="remove-agent" {onclick}>{ say("agent-remove") }</button>
            </div>
        </Dialog>
    }
}

/// "4 calls", for the sheet that pairs.
#[must_use]
pub fn chosen(count: usize) -> AttrValue {
    say_count("agent-chosen", count)
}

/// The error of a form, at its end.
pub fn refusal(error: &wire::Error) -> Html {
    html! { <p class="error" role="alert">{ say_error(error) }</p> }
}
