//! A call that waits: exactly what it would send, and the two answers.

use crate::{
    icons::{Icon, icon},
    inert::{inert, inert_block},
    ipc,
    parts::{dialog::Dialog, pill::risk_pill},
    say::{say, say_count, say_error, say_with},
    state::Frame,
    time::{at_now, until},
};
use std::rc::Rc;
use wire::{Answer, AnswerApproval, ApprovalId, ApprovalView, Error, ErrorCode, Hidden};
use yew::{platform::spawn_local, prelude::*};

/// Which call, and whom the sheet tells that it closes.
#[derive(Properties, PartialEq)]
pub struct ApprovalProps {
    pub id: ApprovalId,
    pub close: Callback<()>,
}

/// The sheet. It keeps what it first showed: what is approved is what was looked at.
#[component]
pub fn Approval(props: &ApprovalProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let seen = use_state(|| None::<Rc<ApprovalView>>);
    let busy = use_state(|| false);
    let error = use_state(|| None::<Error>);
    let found = frame.approvals.data.as_ref().map(|all| {
        let found = all.iter().find(|each| each.id == props.id);
        found.map(|view| Rc::new(view.clone()))
    });
    let is_gone = matches!(&found, Some(None)) && !*busy;
    if let (None, Some(Some(view))) = (&*seen, &found) {
        seen.set(Some(view.clone()));
    }
    let say_it = {
        let (id, close, frame) = (props.id, props.close.clone(), frame.clone());
        let (busy, error) = (busy.clone(), error.clone());
        Callback::from(move |(answer, said): (Answer, &'static str)| {
            let (close, frame, busy, error) =
                (close.clone(), frame.clone(), busy.clone(), error.clone());
            busy.set(true);
            spawn_local(async move {
                match ipc::call(AnswerApproval { id, answer }).await {
                    Ok(()) => {
                        frame.say(say(said));
                        close.emit(());
                    }
                    Err(refusal) => {
                        error.set(Some(refusal));
                        busy.set(false);
                    }
                }
            });
        })
    };
    let view = seen.as_ref().or(found.as_ref().and_then(Option::as_ref));
    let gone = Error::new(ErrorCode::ApprovalGone);
    let error = (*error).as_ref().or(is_gone.then_some(&gone));
    let title = view.map_or_else(
        || say("approvals"),
        |view| {
            let args = [
                ("agent", view.agent.as_str()),
                ("tool", view.action.as_str()),
            ];
            say_with("approval-popup-title", &args)
        },
    );
    html! {
        <Dialog {title} on_close={props.close.clone()}>
            if let Some(error) = error {
                <p class="error box" role="alert">{ icon(Icon::Expiring) }<span>{ say_error(error) }</span></p>
            }
            if let Some(view) = view {
                { shown(view) }
                { answers(view, *busy || is_gone, &say_it) }
            }
        </Dialog>
    }
}

/// What would run, inert.
pub fn shown(view: &ApprovalView) -> Html {
    let ends = view.until;
    html! {
        <>
            <dl class="wide">
                <dt>{ say("col-integration") }</dt><dd>{ inert(&view.integration_name) }{ risk_pill(view.risk) }</dd>
                if !view.title.is_empty() {
                    <dt>{ say("approval-for") }</dt><dd>{ inert(&view.title) }</dd>
                }
                <dt>{ say("approval-until-label") }</dt><dd>{ at_now(move |now| html! { until(ends, now) }) }</dd>
            </dl>
            <p class="label gap">{ say("approval-arguments") }</p>
            <pre class="whole" tabindex="0" aria-label={say("approval-arguments")} data-testid="arguments">{ inert_block(&view.arguments) }</pre>
            if view.hidden.parts == 0 {
                <p class="hint">{ say("approval-exactly") }</p>
            } else {
                { unseen(view.hidden) }
            }
        </>
    }
}

/// How much of it nobody here can read, in the place where the answer is given.
fn unseen(hidden: Hidden) -> Html {
    let count = |key, count: u32| say_count(key, usize::try_from(count).unwrap_or(usize::MAX));
    let parts = count("approval-hidden-parts", hidden.parts);
    let characters = count("approval-hidden-characters", hidden.characters);
    let much = say_with(
        "approval-hidden",
        &[("parts", &parts), ("characters", &characters)],
    );
    html! {
        <div class="warning" role="note" data-testid="hidden">
            { icon(Icon::Expiring) }
            <p><strong>{ much }</strong>{ " " }{ say("approval-hidden-why") }</p>
        </div>
    }
}

fn answers(view: &ApprovalView, disabled: bool, say_it: &Callback<(Answer, &'static str)>) -> Html {
    let deny = say_it.reform(|_: MouseEvent| (Answer::Deny, "approval-denied-now"));
    let approve = {
        let hash = view.hash.clone();
        say_it.reform(move |_: MouseEvent| {
            let hash = hash.clone();
            (Answer::Approve { hash }, "approval-approved-now")
        })
    };
    html! {
        <div class="buttons">
            <button type="button" data-testid="deny" {disabled} onclick={deny}>{ say("approval-deny") }</button>
            <button type="button" class="primary" data-testid="approve" {disabled} onclick={approve}>
                { icon(Icon::Healthy) }{ say("approval-approve") }
            </button>
        </div>
    }
}
