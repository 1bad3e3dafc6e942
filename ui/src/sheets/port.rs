//! The gateway's port.

use crate::{
    ipc,
    parts::{dialog::Dialog, field::Field},
    say::{say, say_error},
};
use wire::{Error, SetGatewayPort};
use yew::{platform::spawn_local, prelude::*};

#[derive(Properties, PartialEq)]
pub struct Props {
    /// The port now.
    pub port: AttrValue,
    pub close: Callback<()>,
}

/// The sheet.
#[component]
pub fn Port(props: &Props) -> Html {
    let typed = use_state(|| props.port.to_string());
    let error = use_state(|| None::<Error>);
    // What is no number of a port is told by the engine's own sentence, as the port 0.
    let onsubmit = {
        let (typed, error, close) = (typed.clone(), error.clone(), props.close.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (error, close) = (error.clone(), close.clone());
            let port = typed.trim().parse().unwrap_or(0);
            spawn_local(async move {
                match ipc::call(SetGatewayPort { port }).await {
                    Ok(()) => close.emit(()),
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
        <Dialog title={say("port-change")} on_close={props.close.clone()} narrow=true>
            <form {onsubmit} autocomplete="off">
                <Field id="port" label={say("port")} value={(*typed).clone()} required=true max={5} autofocus=true
                    hint={say("port-hint")} error={error.as_ref().map(say_error)} {on_input} />
                <div class="buttons">
                    <button type="submit" class="primary" data-testid="save-port"
                        disabled={typed.trim() == &*props.port}>{ say("save") }</button>
                </div>
            </form>
        </Dialog>
    }
}
