//! Add Chief to a client's own configuration: what changes is shown first, and can be taken back.

use crate::{
    inert::inert,
    ipc,
    pages::agents::refusal,
    query::use_query,
    say::{say, say_count, say_with},
    state::Frame,
};
use std::rc::Rc;
use wire::{
    AddToClient, Client, ClientEdit, ClientUndone, ClientView, Error, ListClients, PreviewClient,
    SecretInput, Topic, UndoClient,
};
use yew::{platform::spawn_local, prelude::*};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub token: AttrValue,
}

/// Where one is in it.
#[derive(Clone, PartialEq)]
enum At {
    Choose,
    Look(Rc<ClientEdit>),
    Added(Client),
    Undone(Client, ClientUndone),
}

/// The buttons, one for each client that is installed; the preview; the way back.
#[component]
pub fn Clients(props: &Props) -> Html {
    let clients = use_query(ListClients {}, vec![Topic::App]);
    let at = use_state(|| At::Choose);
    let error = use_state(|| None::<Error>);
    // Every step is a question to the engine, and where it leads.
    let step = {
        let (at, error) = (at.clone(), error.clone());
        move |next: Step| {
            let (at, error) = (at.clone(), error.clone());
            Callback::from(move |_: MouseEvent| {
                let (at, error, next) = (at.clone(), error.clone(), next.clone());
                spawn_local(async move {
                    match next.take().await {
                        Ok(now) => {
                            error.set(None);
                            at.set(now);
                        }
                        Err(refusal) => error.set(Some(refusal)),
                    }
                });
            })
        }
    };
    let Some(here) = clients.data.as_deref().filter(|here| !here.is_empty()) else {
        return Html::default();
    };
    let shown = match &*at {
        At::Choose | At::Undone(..) => html! {
            <div class="buttons start">
                { for here.iter().map(|one| html! {
                    <button type="button" key={one.client.name()} data-testid="add-to" title={one.place.clone()}
                        onclick={step(Step::Look(one.client))}>{ one.client.name() }</button>
                }) }
            </div>
        },
        At::Look(edit) => html! {
            <>
                <p class="sub">{ say_with(place_of(edit), &[("place", &edit.place)]) }</p>
                <pre class="snippet edit" tabindex="0" data-testid="edit">
                    { for edit.lines.iter().map(|line| html! {
                        <span class={if line.added { "ok-ink" } else { "bad-ink" }}>
                            { if line.added { "+ " } else { "− " } }{ inert(&line.text) }{ "\n" }
                        </span>
                    }) }
                    if edit.kept > 0 {
                        <span class="sub">{ say_count("client-kept", edit.kept as usize) }</span>
                    }
                </pre>
                <div class="buttons start">
                    <button type="button" data-testid="write"
                        onclick={step(Step::Write(edit.clone(), props.token.clone()))}>
                        { say_with("client-add", &[("name", edit.client.name())]) }</button>
                    <button type="button" class="quiet" onclick={step(Step::Back)}>{ say("cancel") }</button>
                </div>
            </>
        },
        At::Added(client) => html! {
            <p role="status" data-testid="added">
                { say_with("client-added", &[("name", client.name())]) }{ " " }
                <button type="button" class="quiet" onclick={step(Step::Undo(*client))}>{ say("client-undo") }</button>
            </p>
        },
    };
    html! {
        <section class="row" aria-label={say("client-write")}>
            <p>{ say("client-write") }</p>
            if let At::Undone(client, how) = *at { <p role="status">{ undone(client, how) }</p> }
            { shown }
            if let Some(error) = &*error { { refusal(error) } }
        </section>
    }
}

/// What becomes of the file: one in which nothing stands yet has no copy.
fn place_of(edit: &ClientEdit) -> &'static str {
    if edit.kept == 0 && edit.lines.iter().all(|line| line.added) {
        "client-place-new"
    } else {
        "client-place"
    }
}

fn undone(client: Client, how: ClientUndone) -> AttrValue {
    let key = match how {
        ClientUndone::PutBack => "client-put-back",
        ClientUndone::EntryTaken => "client-entry-taken",
    };
    say_with(key, &[("name", client.name())])
}

/// The clients whose configuration Chief is in, each with its way back.
#[component]
pub fn Configured() -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let clients = use_query(ListClients {}, vec![Topic::App]);
    let here = clients.data.as_deref().into_iter().flatten();
    let mut here = here.filter(|one| one.undo).peekable();
    if here.peek().is_none() {
        return Html::default();
    }
    html! {
        <section class="panel" aria-label={say("client-configured")}>
            { for here.map(|one| configured(&frame, one)) }
        </section>
    }
}

fn configured(frame: &Frame, one: &ClientView) -> Html {
    let (frame, client) = (frame.clone(), one.client);
    let onclick = Callback::from(move |_: MouseEvent| {
        let frame = frame.clone();
        spawn_local(async move {
            match ipc::call(UndoClient { client }).await {
                Ok(how) => frame.say(undone(client, how)),
                Err(error) => frame.say_failed(&error),
            }
        });
    });
    html! {
        <div class="bar" key={client.name()} data-testid="configured">
            <span class="grow">{ say_with("client-has", &[("name", client.name())]) }{ " " }
                <code>{ inert(&one.place) }</code></span>
            <button type="button" class="quiet" {onclick}
                aria-label={say_with("client-undo-name", &[("name", client.name())])}>{ say("client-undo") }</button>
        </div>
    }
}

/// What a button does.
#[derive(Clone)]
enum Step {
    Look(Client),
    Write(Rc<ClientEdit>, AttrValue),
    Undo(Client),
    Back,
}

impl Step {
    async fn take(self) -> Result<At, Error> {
        match self {
            Self::Look(client) => {
                let edit = ipc::call(PreviewClient { client }).await?;
                Ok(At::Look(Rc::new(edit)))
            }
            Self::Write(edit, token) => {
                let client = edit.client;
                ipc::call(AddToClient {
                    client,
                    token: SecretInput::new(&token),
                    seen: edit.seen.clone(),
                })
                .await?;
                Ok(At::Added(client))
            }
            Self::Undo(client) => {
                let how = ipc::call(UndoClient { client }).await?;
                Ok(At::Undone(client, how))
            }
            Self::Back => Ok(At::Choose),
        }
    }
}
