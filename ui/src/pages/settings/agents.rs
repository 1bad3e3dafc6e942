//! What holds for every agent: how many tools one is listed.

use crate::{
    ipc,
    parts::field::Field,
    say::{say, say_error},
    state::Frame,
};
use std::rc::Rc;
use wire::{Error, SaveSettings, Settings};
use yew::{platform::spawn_local, prelude::*};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub saved: Rc<Settings>,
}

/// The section.
#[component]
pub fn Agents(props: &Props) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let now = props.saved.tools_listed;
    let typed = use_state(|| now.to_string());
    let error = use_state(|| None::<Error>);
    // What is no number is told by the engine's own sentence, as none.
    let onsubmit = {
        let (frame, error) = (frame.clone(), error.clone());
        let (typed, saved) = (typed.clone(), props.saved.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (frame, error) = (frame.clone(), error.clone());
            let settings = Settings {
                tools_listed: typed.trim().parse().unwrap_or(0),
                ..(*saved).clone()
            };
            spawn_local(async move {
                match ipc::call(SaveSettings { settings }).await {
                    Ok(()) => {
                        error.set(None);
                        frame.settings.retry.emit(());
                        frame.say(say("saved"));
                    }
                    Err(refusal) => error.set(Some(refusal)),
                }
            });
        })
    };
    let on_input = {
        let typed = typed.clone();
        Callback::from(move |text: String| typed.set(text))
    };
    html! {
        <section class="panel"><h2>{ say("agents") }</h2><div class="in">
            <form {onsubmit} autocomplete="off" class="inline">
                <Field id="tools-listed" label={say("tools-listed")} value={(*typed).clone()} required=true max={4}
                    hint={say("tools-listed-hint")} error={error.as_ref().map(say_error)} {on_input} />
                <button type="submit" data-testid="save-tools-listed"
                    disabled={typed.trim() == now.to_string()}>{ say("save") }</button>
            </form>
        </div></section>
    }
}
