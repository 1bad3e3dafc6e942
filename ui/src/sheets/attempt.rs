//! One attempt to connect or reconnect, as it stands: waiting, asking, done, failed.

use crate::{
    icons::{Icon, icon},
    inert::inert,
    ipc, page,
    parts::dialog::Dialog,
    query::use_query,
    say::{say, say_count, say_error, say_with},
    state::{Act, Frame},
    time::{at_now, until},
};
use std::{cell::Cell, rc::Rc};
use wire::{
    AnswerAttempt, AttemptId, AttemptLink, AttemptView, CancelAttempt, Confirmed, Error,
    GetAttempt, IntegrationId, OpenBrowserAgain, Phase, Question, Time, Topic,
};
use yew::{platform::spawn_local, prelude::*};

/// How it ended, for the sheet around it.
#[derive(Clone, PartialEq)]
pub enum Over {
    /// Nothing was saved: why, or `None` where the admin said no.
    Back(Option<Error>),
    /// Close, and go there where it is set.
    Close(Option<IntegrationId>),
}

/// Stops an attempt whose sheet was closed. Where it is over already, nothing happens.
pub fn cancel(id: AttemptId) {
    spawn_local(async move {
        let _ = ipc::call(CancelAttempt { id }).await;
    });
}

/// True once the sheet is gone: an attempt whose start was on its way then is called off.
#[hook]
pub fn use_gone() -> Rc<Cell<bool>> {
    let gone = use_memo((), |()| Cell::new(false));
    {
        let gone = gone.clone();
        use_effect_with((), move |()| move || gone.set(true));
    }
    gone
}

/// The attempt, and whom it tells that it is over.
#[derive(Properties, PartialEq)]
pub struct AttemptProps {
    pub id: AttemptId,
    /// A failure goes back to the form at once; without a form it is shown here.
    #[prop_or_default]
    pub has_form: bool,
    pub over: Callback<Over>,
}

/// What the sheet shows while it runs.
#[component]
pub fn Attempt(props: &AttemptProps) -> Html {
    let query = use_query(GetAttempt { id: props.id }, vec![Topic::Attempts]);
    let answered = use_state(|| None::<Question>);
    let failure = match (&query.data, &query.error) {
        (_, Some(error)) => Some((**error).clone()),
        (Some(attempt), None) => match &attempt.phase {
            Phase::Failed { error } => Some(error.clone()),
            Phase::Checking
            | Phase::WaitingForBrowser { .. }
            | Phase::WaitingForCode { .. }
            | Phase::Exchanging
            | Phase::Proving
            | Phase::Asking { .. }
            | Phase::Done { .. } => None,
        },
        (None, None) => None,
    };
    {
        let (over, has_form) = (props.over.clone(), props.has_form);
        use_effect_with(failure.clone(), move |failure| {
            if has_form && let Some(error) = failure {
                over.emit(Over::Back(Some(error.clone())));
            }
        });
    }
    let say_no = {
        let (id, over) = (props.id, props.over.clone());
        Callback::from(move |()| {
            cancel(id);
            over.emit(Over::Back(None));
        })
    };
    let say_yes = {
        let (id, answered, retry) = (props.id, answered.clone(), query.retry.clone());
        Callback::from(move |question: Question| {
            let mut confirmed = Confirmed::default();
            match &question {
                Question::PrivateAddress { .. } => confirmed.private_address = true,
                Question::Duplicate { .. } => confirmed.duplicate = true,
                Question::OtherAccount { .. } => confirmed.other_account = true,
                Question::OtherIssuer { .. } => confirmed.other_issuer = true,
            }
            answered.set(Some(question));
            let retry = retry.clone();
            spawn_local(async move {
                // The next look at the attempt shows how it goes on, or why it does not.
                let _ = ipc::call(AnswerAttempt { id, confirmed }).await;
                retry.emit(());
            });
        })
    };
    let body = match (&query.data, failure) {
        (_, Some(error)) => failed(&error, &props.over),
        (None, None) => working(say("attempt-checking"), Html::default()),
        (Some(attempt), None) => phase(attempt, props, (&say_yes, answered.as_ref()), &say_no),
    };
    html! { <div class="attempt" aria-live="polite" data-testid="attempt">{ body }</div> }
}

fn phase(
    attempt: &Rc<AttemptView>,
    props: &AttemptProps,
    yes: (&Callback<Question>, Option<&Question>),
    no: &Callback<()>,
) -> Html {
    match &attempt.phase {
        Phase::Checking => working(say("attempt-checking"), stop(no)),
        Phase::WaitingForBrowser { host } => html! {
            <Waiting id={attempt.id} host={host.clone()} expires_at={attempt.expires_at} cancel={no.clone()} />
        },
        Phase::WaitingForCode {
            host,
            code,
            ends_at,
            ..
        } => html! {
            <Waiting id={attempt.id} host={host.clone()} code={Some(code.clone())}
                expires_at={(*ends_at).min(attempt.expires_at)} cancel={no.clone()} />
        },
        Phase::Exchanging => working(say("attempt-exchanging"), stop(no)),
        Phase::Proving => working(say("attempt-proving"), stop(no)),
        Phase::Asking { question } => asking(question, yes, no, &props.over),
        Phase::Done { integration, tools } => {
            done(&attempt.name, *integration, *tools as usize, &props.over)
        }
        // Taken care of by the caller.
        Phase::Failed { error } => failed(error, &props.over),
    }
}

fn working(words: AttrValue, buttons: Html) -> Html {
    html! {
        <>
            <p class="lead">{ icon(Icon::Busy) }{ words }</p>
            <div class="buttons">{ buttons }</div>
        </>
    }
}

fn stop(no: &Callback<()>) -> Html {
    let onclick = no.reform(|_: MouseEvent| ());
    html! { <button type="button" {onclick}>{ say("cancel") }</button> }
}

fn failed(error: &Error, over: &Callback<Over>) -> Html {
    let close = over.reform(|_: MouseEvent| Over::Close(None));
    html! {
        <>
            <p class="lead bad-ink" role="alert">{ icon(Icon::Expiring) }<span>{ say_error(error) }</span></p>
            <div class="buttons"><button type="button" onclick={close}>{ say("close") }</button></div>
        </>
    }
}

fn done(name: &str, id: IntegrationId, tools: usize, over: &Callback<Over>) -> Html {
    let open = over.reform(move |_: MouseEvent| Over::Close(Some(id)));
    let close = over.reform(|_: MouseEvent| Over::Close(None));
    html! {
        <>
            <p class="lead"><span class="ok-ink">{ icon(Icon::Healthy) }</span>
                { say_with("attempt-done", &[("name", name)]) }</p>
            <p class="sub">{ say_count("tools-found", tools) }</p>
            <div class="buttons">
                <button type="button" onclick={close}>{ say("close") }</button>
                <button type="button" class="primary" autofocus=true onclick={open}>{ say("open") }</button>
            </div>
        </>
    }
}

fn asking(
    question: &Question,
    (yes, answered): (&Callback<Question>, Option<&Question>),
    no: &Callback<()>,
    over: &Callback<Over>,
) -> Html {
    let (sentence, detail, yes_key, no_key) = match question {
        Question::PrivateAddress { host, address } => (
            say_with("ask-private", &[("host", host), ("address", address)]),
            say("ask-private-detail"),
            "ask-private-yes",
            "ask-no",
        ),
        Question::Duplicate {
            name, same_account, ..
        } => (
            say_with("ask-duplicate", &[("name", name)]),
            say(if *same_account {
                "ask-duplicate-same"
            } else {
                "ask-duplicate-unknown"
            }),
            "ask-duplicate-yes",
            "ask-no",
        ),
        Question::OtherAccount { before, now } => (
            say_with("ask-account", &[("now", now), ("before", before)]),
            say("ask-account-detail"),
            "ask-account-yes",
            "ask-account-no",
        ),
        Question::OtherIssuer { before, now } => (
            say_with("ask-issuer", &[("now", now), ("before", before)]),
            say("ask-issuer-detail"),
            "ask-issuer-yes",
            "ask-account-no",
        ),
    };
    let agree = {
        let (yes, question) = (yes.clone(), question.clone());
        Callback::from(move |_: MouseEvent| yes.emit(question.clone()))
    };
    let refuse = no.reform(|_: MouseEvent| ());
    // The existing card is the better answer, so it is the one ahead.
    let existing = match question {
        Question::Duplicate { existing, .. } => {
            let (id, no, over) = (*existing, no.clone(), over.clone());
            let onclick = Callback::from(move |_: MouseEvent| {
                no.emit(());
                over.emit(Over::Close(Some(id)));
            });
            Some(
                html! { <button type="button" class="primary" {onclick}>{ say("ask-duplicate-open") }</button> },
            )
        }
        Question::PrivateAddress { .. }
        | Question::OtherAccount { .. }
        | Question::OtherIssuer { .. } => None,
    };
    let agree_class = existing.is_none().then_some("primary");
    html! {
        <>
            <p class="lead"><span class="warn-ink">{ icon(Icon::Expiring) }</span><span>{ sentence }</span></p>
            <p class="sub">{ detail }</p>
            <div class="buttons">
                <button type="button" class="quiet" onclick={refuse}>{ say(no_key) }</button>
                <button type="button" class={classes!(agree_class)} disabled={answered == Some(question)}
                    onclick={agree}>{ say(yes_key) }</button>
                { existing.unwrap_or_default() }
            </div>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct WaitingProps {
    id: AttemptId,
    host: String,
    /// To be typed there.
    #[prop_or_default]
    code: Option<String>,
    expires_at: Time,
    cancel: Callback<()>,
}

/// The admin signs in elsewhere: open the browser again, or take the link to another one.
#[component]
fn Waiting(props: &WaitingProps) -> Html {
    let link = use_state(|| None::<String>);
    let said = use_state(|| None::<AttrValue>);
    let id = props.id;
    let again = {
        let said = said.clone();
        Callback::from(move |_: MouseEvent| {
            let said = said.clone();
            spawn_local(async move {
                match ipc::call(OpenBrowserAgain { id }).await {
                    Ok(()) => said.set(Some(say("browser-opened"))),
                    Err(error) => said.set(Some(say_error(&error))),
                }
            });
        })
    };
    let copy = {
        let (said, link) = (said.clone(), link.clone());
        Callback::from(move |_: MouseEvent| {
            let (said, link) = (said.clone(), link.clone());
            spawn_local(async move {
                match ipc::call(AttemptLink { id }).await {
                    Ok(url) => {
                        // Where the clipboard refuses, the link itself stands there to be taken.
                        let copied = page::copy(&url).await.is_ok();
                        said.set(Some(say(if copied { "link-copied" } else { "link-take" })));
                        link.set(Some(url));
                    }
                    Err(error) => said.set(Some(say_error(&error))),
                }
            });
        })
    };
    let copy_code = {
        let (said, code) = (said.clone(), props.code.clone().unwrap_or_default());
        Callback::from(move |_: MouseEvent| {
            let (said, code) = (said.clone(), code.clone());
            spawn_local(async move {
                let copied = page::copy(&code).await.is_ok();
                said.set(Some(say(if copied { "copied" } else { "code-take" })));
            });
        })
    };
    let stop = props.cancel.reform(|_: MouseEvent| ());
    let (host, ends) = (props.host.clone(), props.expires_at);
    let (lead, sentence) = match props.code {
        None => ("attempt-waiting", "attempt-waiting-detail"),
        Some(_) => ("attempt-code", "attempt-code-detail"),
    };
    let detail = at_now(move |now| {
        let args = [("host", host.as_str()), ("when", &until(ends, now))];
        html! { say_with(sentence, &args) }
    });
    html! {
        <>
            <p class="lead">{ icon(Icon::Busy) }{ say(lead) }</p>
            if let Some(code) = &props.code {
                <div class="device-code">
                    <code aria-label={say("device-code")} data-testid="device-code">{ inert(code) }</code>
                    <button type="button" class="primary" onclick={copy_code}>{ icon(Icon::Copy) }{ say("copy-code") }</button>
                </div>
            }
            <p class="sub">{ detail }</p>
            <p class="sub" role="status">{ (*said).clone().unwrap_or_default() }</p>
            if let Some(link) = &*link {
                <input class="link-out" readonly=true aria-label={say("sign-in-link")} value={inert(link)} />
            }
            <div class="buttons">
                <button type="button" class="quiet" onclick={copy}>{ icon(Icon::Copy) }{ say("copy-link") }</button>
                <button type="button" class="quiet" onclick={again}>{ icon(Icon::Browser) }{ say("open-again") }</button>
                <button type="button" onclick={stop}>{ say("cancel") }</button>
            </div>
        </>
    }
}

/// A sheet for an attempt that was started elsewhere.
pub fn sheet(frame: &Frame, id: AttemptId, close: &Callback<()>) -> Html {
    let on_close = {
        let close = close.clone();
        Callback::from(move |()| {
            cancel(id);
            close.emit(());
        })
    };
    let over = leave(frame, close);
    html! {
        <Dialog title={say("connecting")} {on_close} narrow=true>
            <Attempt {id} {over} />
        </Dialog>
    }
}

/// Closes the sheet when the attempt is over, and goes to the integration where one was asked for.
#[must_use]
pub fn leave(frame: &Frame, close: &Callback<()>) -> Callback<Over> {
    let (act, close) = (frame.act.clone(), close.clone());
    Callback::from(move |over: Over| {
        close.emit(());
        match over {
            Over::Close(Some(id)) => act.emit((id, Act::Open)),
            Over::Close(None) | Over::Back(_) => {}
        }
    })
}
