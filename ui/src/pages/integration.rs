//! One integration: what it can do, may do and did, and how it is set.

mod aside;
mod bodies;
mod ends;
mod pace;
mod settings;

use crate::{
    icons::{Icon, icon},
    inert::inert,
    ipc, page,
    pages::{
        activity::{Record, chosen::Chosen, export::Export, ping_switch, use_filter},
        crons::Crons,
    },
    parts::{
        card::{account, fix_button, why},
        crons::{can_resume, paused, resume_button, waiting},
        held::Held,
        pill::status_pill,
        policy,
        scopes::scope_list,
        states,
        tabs::{TabItem, tabs},
        test_report::report,
        tile::{Size, tile},
        tools::Tools,
    },
    query::{Query, use_query},
    route::{Route, Tab},
    say::{say, say_count, say_error, say_with},
    sheets::takes_key,
    state::{Action, Begin, Frame, Sheet},
    time::{ago_now, at_now, date, full},
};
use std::rc::Rc;
use web_sys::HtmlInputElement;
use wire::{
    AcceptTools, ErrorCode, Fix, GetIntegration, IntegrationId, IntegrationView, Kind, ListAgents,
    ListTools, ProbeIntegration, SeenTool, SetPolicy, Status, ToolView, Topic,
};
use yew::{platform::spawn_local, prelude::*};

/// Which one, and what of it.
#[derive(Properties, PartialEq)]
pub struct IntegrationProps {
    pub id: IntegrationId,
    pub tab: Tab,
}

/// The page.
#[component]
pub fn Integration(props: &IntegrationProps) -> Html {
    let topics = vec![Topic::Integrations, Topic::Integration(props.id)];
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let query = use_query(GetIntegration { id: props.id }, topics.clone());
    let tools = use_query(ListTools { id: props.id }, topics);
    let gone = query
        .error
        .as_ref()
        .is_some_and(|error| error.code == ErrorCode::IntegrationUnknown);
    use_effect_with(gone || query.data.is_some(), |is_there| {
        if *is_there && page::focused().is_some_and(|focused| focused.id() == "main") {
            page::focus("title");
        }
    });
    if gone {
        return html! {
            <>
                <header class="page"><h1 tabindex="-1" id="title">{ say("gone-title") }</h1></header>
                <div class="empty"><b>{ say("gone") }</b>
                    <p><a class="link" href={Route::Integrations.href()}>{ say("to-integrations") }</a></p></div>
            </>
        };
    }
    states::shown(&query, states::loading_lines(), |view| {
        shown(&frame, view, &tools, props.tab)
    })
}

fn shown(
    frame: &Frame,
    view: &Rc<IntegrationView>,
    tools: &Query<Vec<ToolView>>,
    tab: Tab,
) -> Html {
    let id = view.card.id;
    let dismiss = frame.dispatch.reform(move |()| Action::DismissReport(id));
    let main = match tab {
        Tab::Tools => html! { <ToolsPanel view={view.clone()} tools={tools.clone()} /> },
        Tab::Scopes => html! {
            <section class="panel"><h2>{ say("scopes") }</h2><div class="in">{ scope_list(&view.card.scopes) }</div></section>
        },
        Tab::Activity => html! { <OwnActivity {id} /> },
        Tab::Crons => html! { <Crons only={Some(id)} /> },
        Tab::Settings => settings::own_settings(frame, view),
    };
    html! {
        <>
            { header(frame, view) }
            { trouble(view) }
            { held_strip(view, tab) }
            { paused_crons(frame, view) }
            { frame.state.reports.get(&id).map(|last| report(last, &dismiss)).unwrap_or_default() }
            { tab_row(view, tab) }
            <div class="two">
                <div class="main-col">{ main }</div>
                { aside::aside(view, tab) }
            </div>
        </>
    }
}

fn tab_row(view: &IntegrationView, current: Tab) -> Html {
    let id = view.card.id;
    let items = Tab::ALL
        .into_iter()
        .map(|tab| TabItem {
            label: say(tab.as_str()),
            count: match tab {
                Tab::Tools => Some(view.card.tools as usize),
                Tab::Crons => Some(view.card.crons.len()).filter(|count| *count > 0),
                Tab::Scopes | Tab::Activity | Tab::Settings => None,
            },
            route: Route::Integration { id, tab },
            current: tab == current,
        })
        .collect();
    tabs(inert(&view.card.name), items)
}

fn header(frame: &Frame, view: &Rc<IntegrationView>) -> Html {
    let card = &view.card;
    let testing = frame.state.testing.contains(&card.id);
    let reconnect = if takes_key(card) {
        Fix::PasteKey
    } else {
        Fix::Reconnect
    };
    // The accent goes to what mends it; a healthy page has none.
    let class = |fix: Fix| {
        let mends = card.enabled && card.health.fix == Some(fix);
        if mends { "primary" } else { "" }
    };
    let connected = {
        let view = view.clone();
        at_now(move |now| {
            let card = &view.card;
            let args = [
                ("person", card.connected_by.as_str()),
                ("date", &date(card.connected_at, now)),
            ];
            html! { say_with("connected-by-on", &args) }
        })
    };
    html! {
        <header class="page one">
            <a class="btn quiet icon" href={Route::Integrations.href()} aria-label={say("to-integrations")}>{ icon(Icon::Back) }</a>
            { tile(&card.icon, Size::Large) }
            <div class="who">
                <h1 tabindex="-1" id="title">{ inert(&card.name) }</h1>
                <div class="sub" title={full(card.connected_at)}>{ account(card) }{ " · " }{ connected }</div>
            </div>
            <span class="grow" />
            { status_pill(card) }
            if card.enabled {
                { fix_button(card, Fix::Test, testing, &frame.act, class(Fix::Test)) }
                { fix_button(card, reconnect, false, &frame.act, class(reconnect)) }
            } else {
                { fix_button(card, Fix::SwitchOn, false, &frame.act, "primary") }
            }
        </header>
    }
}

/// Why it is not simply healthy, in the sentence that the card has too.
fn trouble(view: &Rc<IntegrationView>) -> Html {
    let card = &view.card;
    let (ink, picture) = match card.health.status {
        _ if !card.enabled => ("calm-ink", Icon::Info),
        Status::Healthy => ("calm-ink", Icon::Info),
        Status::Expiring => ("warn-ink", Icon::Expiring),
        Status::Failing => ("bad-ink", Icon::Expiring),
    };
    let view = view.clone();
    at_now(move |now| {
        let sentence = if view.card.enabled {
            why(&view.card, now)
        } else {
            Some(say("why-off"))
        };
        match sentence {
            None => Html::default(),
            Some(sentence) => {
                html! { <p class="trouble"><span class={ink}>{ icon(picture) }</span>{ sentence }</p> }
            }
        }
    })
}

/// New or changed tools wait: said on each of its pages, and led to from those that do not show them.
fn held_strip(view: &IntegrationView, tab: Tab) -> Html {
    let card = &view.card;
    if card.held == 0 || tab == Tab::Tools {
        return Html::default();
    }
    html! {
        <div class="banner warn-edge" role="status" data-testid="held-strip">
            <span class="warn-ink">{ icon(Icon::Expiring) }</span>
            <span class="grow">{ say_count("held-title", card.held as usize) }</span>
            <a class="btn" href={Route::of(card.id).href()}>{ say("approval-review") }</a>
        </div>
    }
}

/// The crons that its failure has paused, and, once it works, the button that resumes exactly those.
fn paused_crons(frame: &Frame, view: &Rc<IntegrationView>) -> Html {
    let card = &view.card;
    let names = waiting(card);
    let Some(sentence) = paused(&names) else {
        return Html::default();
    };
    html! {
        <div class="banner warn-edge" role="status" data-testid="held">
            { icon(Icon::Crons) }<span class="grow">{ sentence }</span>
            if can_resume(card) { { resume_button((card.id, &card.name), names.len(), &frame.act, "primary") } }
        </div>
    }
}

#[component]
fn OwnActivity(props: &IdProps) -> Html {
    let id = props.id;
    let chosen = use_state_eq(|| {
        Rc::new(Chosen {
            integration: Some(id),
            pings: true,
            ..Chosen::default()
        })
    });
    let filter = use_filter(&chosen);
    let on_choose = {
        let chosen = chosen.setter();
        Callback::from(move |mut next: Chosen| {
            next.integration = Some(id);
            chosen.set(Rc::new(next));
        })
    };
    html! {
        <>
            <div class="over-table">
                <Export chosen={(*chosen).clone()} filter={filter.clone()} />
                { ping_switch(&chosen, &on_choose) }
            </div>
            <Record chosen={(*chosen).clone()} {filter} {on_choose} of_one=true />
        </>
    }
}

#[derive(Properties, PartialEq)]
struct IdProps {
    id: IntegrationId,
}

#[derive(Properties, PartialEq)]
struct ToolsPanelProps {
    view: Rc<IntegrationView>,
    tools: Query<Vec<ToolView>>,
}

/// The tools with their search and "List tools again".
#[component]
fn ToolsPanel(props: &ToolsPanelProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let search = use_state(AttrValue::default);
    let busy = use_state(|| false);
    let error = use_state(|| None::<wire::Error>);
    let agents = use_query(ListAgents {}, vec![Topic::Agents]);
    let card = &props.view.card;
    let on_policy = {
        let (id, frame) = (card.id, frame.clone());
        Callback::from(move |chosen: policy::Chosen| {
            let frame = frame.clone();
            let ask = SetPolicy {
                id,
                tool: chosen.tool,
                agent: chosen.agent,
                choice: chosen.choice,
            };
            spawn_local(async move {
                if let Err(refusal) = ipc::call(ask).await {
                    page::put_back(&chosen.at);
                    frame.say_failed(&refusal);
                }
            });
        })
    };
    let accept = {
        let (id, frame, busy) = (card.id, frame.clone(), busy.clone());
        Callback::from(move |tools: Vec<SeenTool>| {
            let (frame, busy) = (frame.clone(), busy.clone());
            busy.set(true);
            spawn_local(async move {
                let count = tools.len();
                match ipc::call(AcceptTools { id, tools }).await {
                    Ok(()) => frame.say(say_count("held-accepted", count)),
                    Err(refusal) => frame.say_failed(&refusal),
                }
                busy.set(false);
            });
        })
    };
    let again = {
        let (id, frame) = (card.id, frame.clone());
        let (busy, error, retry) = (busy.clone(), error.clone(), props.tools.retry.clone());
        Callback::from(move |_: MouseEvent| {
            let (frame, busy, error, retry) =
                (frame.clone(), busy.clone(), error.clone(), retry.clone());
            busy.set(true);
            error.set(None);
            spawn_local(async move {
                match ipc::call(ProbeIntegration { id }).await {
                    Ok(tools) => {
                        frame.say(say_count("tools-found", tools.len()));
                        retry.emit(());
                    }
                    Err(refusal) => error.set(Some(refusal)),
                }
                busy.set(false);
            });
        })
    };
    let import = {
        let id = card.id;
        frame.dispatch.reform(move |_: MouseEvent| {
            let again = Some(id);
            Action::Open(Sheet::OpenApi(Begin {
                again,
                ..Begin::default()
            }))
        })
    };
    let on_access = {
        let id = card.id;
        frame
            .dispatch
            .reform(move |tool: String| Action::Open(Sheet::Access(id, tool)))
    };
    let oninput = {
        let search = search.clone();
        Callback::from(move |e: InputEvent| {
            search.set(e.target_unchecked_into::<HtmlInputElement>().value().into());
        })
    };
    let many = props
        .tools
        .data
        .as_ref()
        .is_some_and(|tools| tools.len() > 1);
    let all_agents = agents.data.as_ref();
    let paired = Rc::new(all_agents.map_or_else(Vec::new, |view| view.agents.clone()));
    html! {
        <>
        if let Some(tools) = &props.tools.data {
            <Held key={card.id.to_string()} tools={tools.clone()} slug={inert(&card.slug)} busy={*busy} {accept} />
        }
        <section class="panel">
            <div class="in bar">
                if many {
                    <label class="field">
                        { icon(Icon::Search) }
                        <input type="search" placeholder={say("search-tools")} aria-label={say("search-tools")}
                            autocomplete="off" spellcheck="false" value={(*search).clone()} {oninput} />
                    </label>
                }
                <span class="grow sub">
                    if let Some(at) = props.view.probed_at { { say("listed") }{ " " }{ ago_now(at) } }
                </span>
                if card.kind == Kind::Api {
                    <button type="button" onclick={import}>{ icon(Icon::Document) }
                        { say(if props.view.document.is_some() { "openapi-import-again" } else { "openapi-import-first" }) }</button>
                }
                if props.view.document.is_none() {
                    <button type="button" onclick={again} disabled={*busy || !card.enabled}>
                        { icon(if *busy { Icon::Busy } else { Icon::Reconnect }) }{ say("list-again") }
                    </button>
                }
            </div>
            if let Some(error) = &*error { <p class="error box" role="alert">{ icon(Icon::Expiring) }<span>{ say_error(error) }</span></p> }
            { states::shown(&props.tools, states::loading_lines(), |tools| if tools.is_empty() {
                states::empty(say("no-tools"), say("no-tools-hint"))
            } else {
                html! { <Tools tools={tools.clone()} slug={inert(&card.slug)} search={(*search).clone()}
                    agents={paired} {on_policy} on_access={on_access.clone()} /> }
            }) }
        </section>
        </>
    }
}
