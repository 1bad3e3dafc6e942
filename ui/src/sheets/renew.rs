//! A new token for an agent that is paired, in the place of the one of before.

use super::pair::{Token, choice_of_life, days_of};
use crate::{
    ipc,
    pages::agents::refusal,
    parts::dialog::Dialog,
    say::{say, say_with},
};
use std::rc::Rc;
use wire::{AgentId, Error, Paired, RenewAgent};
use yew::{platform::spawn_local, prelude::*};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub id: AgentId,
    pub name: AttrValue,
    pub close: Callback<()>,
}

/// The sheet.
#[component]
pub fn Renew(props: &Props) -> Html {
    let life = use_state_eq(|| 0_usize);
    let paired = use_state(|| None::<Rc<Paired>>);
    let error = use_state(|| None::<Error>);
    let busy = use_state_eq(|| false);
    if let Some(paired) = &*paired {
        let title = say_with("agent-renewed", &[("name", &props.name)]);
        return html! {
            <Dialog {title} on_close={props.close.clone()}>
                <Token paired={paired.clone()} close={props.close.clone()} />
            </Dialog>
        };
    }
    let onsubmit = {
        let (id, days) = (props.id, days_of(*life));
        let (paired, error, busy) = (paired.clone(), error.clone(), busy.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (paired, error, busy) = (paired.clone(), error.clone(), busy.clone());
            busy.set(true);
            spawn_local(async move {
                match ipc::call(RenewAgent { id, days }).await {
                    Ok(renewed) => paired.set(Some(Rc::new(renewed))),
                    Err(refusal) => error.set(Some(refusal)),
                }
                busy.set(false);
            });
        })
    };
    let cancel = props.close.reform(|_: MouseEvent| ());
    let name = [("name", &*props.name)];
    // Its token is shown once, so the sheet stays until it is.
    html! {
        <Dialog title={say_with("agent-renew-name", &name)} on_close={props.close.clone()} held={*busy} narrow=true>
            <form {onsubmit} autocomplete="off">
                <p class="row">{ say_with("agent-renew-sentence", &name) }</p>
                { choice_of_life(&life) }
                if let Some(error) = &*error { { refusal(error) } }
                <div class="buttons">
                    <button type="button" disabled={*busy} onclick={cancel}>{ say("cancel") }</button>
                    <button type="submit" class="primary" data-testid="renew" disabled={*busy}>{ say("agent-renew") }</button>
                </div>
            </form>
        </Dialog>
    }
}
