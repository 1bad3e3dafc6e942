//! What an agent that is paired may use from now on.

use super::may::{May, may};
use crate::{
    ipc,
    pages::agents::refusal,
    parts::dialog::Dialog,
    say::{say, say_with},
    state::Frame,
};
use std::rc::Rc;
use wire::{AgentView, AgentsView, ChangeAgent, Error};
use yew::{platform::spawn_local, prelude::*};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub agent: AgentView,
    pub view: Rc<AgentsView>,
    pub close: Callback<()>,
}

/// The sheet.
#[component]
pub fn Change(props: &Props) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let agent = &props.agent;
    let now = use_state(|| May::of(agent, &props.view.chosen, &frame));
    let error = use_state(|| None::<Error>);
    let busy = use_state_eq(|| false);
    let onsubmit = {
        let (now, error, busy) = (now.clone(), error.clone(), busy.clone());
        let (frame, agent, close) = (frame.clone(), agent.clone(), props.close.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let ask = ChangeAgent {
                id: agent.id,
                integrations: now.integrations(),
                tools: now.tools(),
                read_only: now.read_only,
            };
            let (error, busy, frame) = (error.clone(), busy.clone(), frame.clone());
            let (name, close) = (agent.name.clone(), close.clone());
            busy.set(true);
            spawn_local(async move {
                match ipc::call(ask).await {
                    Ok(()) => {
                        frame.say(say_with("agent-changed", &[("name", &name)]));
                        close.emit(());
                    }
                    Err(refusal) => error.set(Some(refusal)),
                }
                busy.set(false);
            });
        })
    };
    let cancel = props.close.reform(|_: MouseEvent| ());
    html! {
        <Dialog title={say_with("agent-change-name", &[("name", &agent.name)])} on_close={props.close.clone()}>
            <form {onsubmit} autocomplete="off">
                <p class="sub row">{ say("agent-change-sentence") }</p>
                { may(&now) }
                if let Some(error) = &*error { { refusal(error) } }
                <div class="buttons">
                    <button type="button" onclick={cancel}>{ say("cancel") }</button>
                    <button type="submit" class="primary" data-testid="save-agent"
                        disabled={*busy || !now.is_whole()}>{ say("save") }</button>
                </div>
            </form>
        </Dialog>
    }
}
