//! Pair an agent: what it is called and what it may use; then its token, once. The same token sheet ends a
//! renewal (`renew`).

use crate::{
    icons::{Icon, icon},
    ipc, page,
    pages::agents::refusal,
    parts::{
        dialog::Dialog,
        field::{Field, choice},
    },
    say::{say, say_error, say_with},
    sheets::{
        clients::Clients,
        may::{May, may},
    },
};
use std::rc::Rc;
use wire::{Error, PairAgent, Paired};
use yew::{platform::spawn_local, prelude::*};

/// How long its token holds, in the order of the options; `None`: for ever.
const LIVES: [(&str, Option<u32>); 4] = [
    ("pair-90", Some(90)),
    ("pair-30", Some(30)),
    ("pair-365", Some(365)),
    ("pair-ever", None),
];

#[derive(Properties, PartialEq)]
pub struct Props {
    pub close: Callback<()>,
}

/// The sheet.
#[component]
pub fn Pair(props: &Props) -> Html {
    let paired = use_state(|| None::<Rc<Paired>>);
    let busy = use_state_eq(|| false);
    let done = {
        let paired = paired.clone();
        Callback::from(move |new: Paired| paired.set(Some(Rc::new(new))))
    };
    match &*paired {
        // Its token is shown once, so the sheet stays until it is.
        None => html! {
            <Dialog title={say("pair-agent")} on_close={props.close.clone()} held={*busy}>
                <Form {done} busy={busy.clone()} close={props.close.clone()} />
            </Dialog>
        },
        Some(paired) => {
            let title = say_with("pair-done", &[("name", &paired.agent.name)]);
            html! {
                <Dialog {title} on_close={props.close.clone()}>
                    <Token paired={paired.clone()} close={props.close.clone()} />
                </Dialog>
            }
        }
    }
}

#[derive(Properties, PartialEq)]
struct FormProps {
    done: Callback<Paired>,
    busy: UseStateHandle<bool>,
    close: Callback<()>,
}

#[component]
fn Form(props: &FormProps) -> Html {
    let name = use_state(String::new);
    let use_of = use_state(May::new);
    let life = use_state_eq(|| 0_usize);
    let error = use_state(|| None::<Error>);
    let busy = &props.busy;

    let onsubmit = {
        let (name, use_of, life) = (name.clone(), use_of.clone(), life.clone());
        let (error, busy, done) = (error.clone(), busy.clone(), props.done.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let ask = PairAgent {
                name: name.trim().to_owned(),
                integrations: use_of.integrations(),
                tools: use_of.tools(),
                read_only: use_of.read_only,
                days: days_of(*life),
            };
            let (error, busy, done) = (error.clone(), busy.clone(), done.clone());
            busy.set(true);
            spawn_local(async move {
                match ipc::call(ask).await {
                    Ok(paired) => done.emit(paired),
                    Err(refusal) => error.set(Some(refusal)),
                }
                busy.set(false);
            });
        })
    };
    let on_input = {
        let name = name.clone();
        Callback::from(move |text: String| name.set(text))
    };
    let of_field = |field: &str| {
        error
            .as_ref()
            .filter(|error| error.args.get("field").is_some_and(|at| at == field))
            .map(say_error)
    };
    let cancel = props.close.reform(|_: MouseEvent| ());
    html! {
        <form {onsubmit} autocomplete="off">
            <Field id="agent-name" label={say("field-name")} value={(*name).clone()} required=true max={60}
                autofocus=true placeholder={say("pair-name-example")} hint={say("pair-name-hint")}
                error={of_field("Name")} {on_input} />
            { may(&use_of) }
            { choice_of_life(&life) }
            if let Some(error) = error.as_ref().filter(|error| error.args.get("field").is_none_or(|at| at != "Name")) {
                { refusal(error) }
            }
            <div class="buttons">
                <button type="button" disabled={**busy} onclick={cancel}>{ say("cancel") }</button>
                <button type="submit" class="primary" data-testid="pair"
                    disabled={**busy || name.trim().is_empty() || !use_of.is_whole()}>{ say("pair") }</button>
            </div>
        </form>
    }
}

/// For how long its token is to hold.
pub(super) fn choice_of_life(life: &UseStateHandle<usize>) -> Html {
    let lives: Vec<_> = LIVES.iter().map(|(key, _)| (say(key), None)).collect();
    choice(
        "agent-life",
        say("pair-life"),
        (&lives, **life),
        &of(life, |index| index),
    )
}

/// The days of that option.
pub(super) fn days_of(life: usize) -> Option<u32> {
    LIVES.get(life).and_then(|(_, days)| *days)
}

/// A choice that sets this state.
fn of<T: 'static>(state: &UseStateHandle<T>, value: fn(usize) -> T) -> Callback<usize> {
    let state = state.clone();
    Callback::from(move |index| state.set(value(index)))
}

#[derive(Properties)]
pub(super) struct TokenProps {
    pub paired: Rc<Paired>,
    pub close: Callback<()>,
}

impl PartialEq for TokenProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.paired, &other.paired) && self.close == other.close
    }
}

/// What its client needs, for each client; the token is in it.
#[component]
pub(super) fn Token(props: &TokenProps) -> Html {
    let at = use_state_eq(|| 0_usize);
    let said = use_state(|| None::<AttrValue>);
    let clients: Vec<_> = props
        .paired
        .snippets
        .iter()
        .map(|snippet| (AttrValue::from(snippet.client.clone()), None))
        .collect();
    let snippet = props.paired.snippets.get(*at);
    let text = snippet
        .map(|snippet| snippet.text.clone())
        .unwrap_or_default();
    let copy = {
        let (said, text) = (said.clone(), text.clone());
        Callback::from(move |_: MouseEvent| {
            let (said, text) = (said.clone(), text.clone());
            spawn_local(async move {
                let copied = page::copy(&text).await.is_ok();
                said.set(Some(say(if copied { "copied" } else { "pair-take" })));
            });
        })
    };
    let close = props.close.reform(|_: MouseEvent| ());
    html! {
        <>
            <p class="once">{ icon(Icon::Key) }<span>{ say("pair-once") }</span></p>
            <Clients token={props.paired.token.clone()} />
            { choice("client", say("pair-client"), (&clients, *at), &of(&at, |index| index)) }
            if let Some(snippet) = snippet {
                <p class="sub">{ say_with("pair-place", &[("name", &snippet.place)]) }</p>
            }
            <pre class="snippet" tabindex="0" data-testid="snippet">{ text }</pre>
            // There before it says something, else nothing hears it.
            <p class="sub" role="status">{ (*said).clone().unwrap_or_default() }</p>
            <div class="buttons stays">
                <button type="button" onclick={copy}>{ icon(Icon::Copy) }{ say("copy") }</button>
                <button type="button" class="primary" data-testid="pair-finish" onclick={close}>{ say("done") }</button>
            </div>
        </>
    }
}
