//! What is in the document, and the form to connect it; or what importing it again changes.

use super::way_of;
use crate::{
    icons::{Icon, icon},
    inert::inert,
    parts::{
        field::{Field, Kind},
        pill::risk_pill,
    },
    say::{say, say_count, say_with},
    sheets::{
        add::{Fields, above, given, health_path},
        form::{ApiWay, At, Typed},
    },
};
use std::rc::Rc;
use web_sys::HtmlSelectElement;
use wire::{DocumentView, Error, OperationView, ProblemView, ServerView, ToolChanges};
use yew::prelude::*;

/// Tools that are listed; the page of the integration has all of them.
const LISTED: usize = 200;
/// Names of one kind of change that are listed.
const NAMED: usize = 100;

/// The form: what was typed, what is wrong, whether it is being sent.
pub(super) struct Form<'a> {
    pub typed: &'a UseStateHandle<Rc<Typed>>,
    pub error: Option<&'a Error>,
    pub busy: bool,
    pub connect: &'a Callback<()>,
}

/// The whole step.
pub(super) fn found(document: &DocumentView, form: &Form<'_>) -> Html {
    let onsubmit = {
        let connect = form.connect.clone();
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            connect.emit(());
        })
    };
    let typed = Fields::of_api(form.typed, form.error);
    let (fields, button) = match &document.changes {
        Some(changes) => (changed(changes), "openapi-import"),
        None => (fields(document, &typed), "connect"),
    };
    let at_top = typed
        .wrong
        .filter(|(at, _)| *at == At::Form || document.changes.is_some());
    html! {
        <form {onsubmit} autocomplete="off">
            { about(document) }
            { at_top.map(|(_, error)| above(error)).unwrap_or_default() }
            { fields }
            <div class="buttons">
                <span class="sub grow">{ say(if document.changes.is_some() { "openapi-keeps" } else { "saved-after-proof" }) }</span>
                <button type="submit" class="primary" disabled={form.busy}>
                    if form.busy { { icon(Icon::Busy) } }
                    { say(button) }
                </button>
            </div>
        </form>
    }
}

/// Title, tools and problems.
pub fn about(document: &DocumentView) -> Html {
    let tools = document.operations.len();
    let problems = document.problems.len();
    let shown = document.operations.iter().take(LISTED).map(operation);
    html! {
        <section class="document" data-testid="document">
            <h2 id="document-title" tabindex="-1">{ inert(&document.title) }
                <span class="sub">{ " " }{ inert(&document.version) }{ " · OpenAPI " }{ inert(&document.openapi) }</span></h2>
            <details data-testid="operations">
                <summary><span class="turn">{ icon(Icon::Open) }</span>{ say_count("openapi-tools", tools) }</summary>
                <ul class="operations">{ for shown }</ul>
                if tools > LISTED { <p class="sub">{ say_count("can-more-tools", tools - LISTED) }</p> }
            </details>
            if problems > 0 {
                <details data-testid="problems">
                    <summary><span class="turn">{ icon(Icon::Open) }</span>
                        <span class="warn-ink">{ icon(Icon::Expiring) }</span>{ say_count("openapi-problems", problems) }</summary>
                    <ul class="operations">{ for document.problems.iter().map(problem) }</ul>
                </details>
            }
        </section>
    }
}

fn operation(operation: &OperationView) -> Html {
    let said = operation.title.as_deref().unwrap_or_default();
    html! {
        <li>
            <code>{ inert(&operation.tool) }</code>
            <span class="said" title={inert(said)}>{ format!("{} {}", operation.method, inert(&operation.path)) }</span>
            { risk_pill(operation.risk) }
        </li>
    }
}

fn problem(problem: &ProblemView) -> Html {
    let key = format!("openapi-problem-{}", problem.problem.as_str());
    let sentence = inert(&words::with(&key, &[("what", &problem.what)]));
    html! { <li class="tall"><code class="path">{ inert(&problem.place) }</code><p class="why">{ sentence }</p></li> }
}

/// What importing again changes, by name.
pub fn changed(changes: &ToolChanges) -> Html {
    let lists = [
        ("openapi-added", &changes.added),
        ("openapi-removed", &changes.removed),
        ("openapi-changed", &changes.changed),
    ];
    let none = lists.iter().all(|(_, names)| names.is_empty());
    html! {
        <section class="document" data-testid="changes">
            if none { <p class="why">{ say("openapi-no-change") }</p> }
            { for lists.into_iter().filter(|(_, names)| !names.is_empty()).map(|(key, names)| html! {
                <>
                    <p class="label">{ say_count(key, names.len()) }</p>
                    <ul class="operations names">{ for names.iter().take(NAMED).map(|name| html! { <li><code>{ inert(name) }</code></li> }) }</ul>
                    if names.len() > NAMED { <p class="sub">{ say_count("can-more-tools", names.len() - NAMED) }</p> }
                </>
            }) }
            if changes.same > 0 { <p class="sub">{ say_count("openapi-same", changes.same as usize) }</p> }
        </section>
    }
}

fn fields(document: &DocumentView, fields: &Fields<'_>) -> Html {
    let offered: Vec<ApiWay> = document.auth.iter().map(way_of).collect();
    html! {
        <>
            { servers(document, fields.typed) }
            <Field id="url" kind={Kind::Url} label={say("field-base-url")} value={fields.typed.url.clone()} required=true
                placeholder="https://api.example.com/v1" hint={server_hint(document)} error={fields.error(At::Url)}
                on_input={fields.set(|t, text| t.url = text)} />
            { fields.name(true, "api-name-hint") }
            { given(fields, &offered) }
            { health_path(fields, "openapi-health-hint") }
        </>
    }
}

/// The choice among more servers than one.
fn servers(document: &DocumentView, typed: &UseStateHandle<Rc<Typed>>) -> Html {
    if document.servers.len() < 2 {
        return Html::default();
    }
    let onchange = {
        let typed = typed.clone();
        Callback::from(move |e: Event| {
            let mut next = (**typed).clone();
            next.url = e.target_unchecked_into::<HtmlSelectElement>().value();
            typed.set(Rc::new(next));
        })
    };
    let option = |server: &ServerView| {
        let told = server.description.as_deref().unwrap_or_default();
        let label = match told {
            "" => inert(&server.url),
            told => inert(&format!("{} ({told})", server.url)),
        };
        html! { <option value={server.url.clone()} selected={server.url == typed.url}>{ label }</option> }
    };
    html! {
        <div class="row">
            <label for="server">{ say("openapi-server") }</label>
            <div class="input"><select id="server" {onchange}>{ for document.servers.iter().map(option) }</select></div>
        </div>
    }
}

fn server_hint(document: &DocumentView) -> Option<AttrValue> {
    let first = document.servers.first()?;
    (!first.complete).then(|| say_with("openapi-complete", &[("url", &first.url)]))
}
