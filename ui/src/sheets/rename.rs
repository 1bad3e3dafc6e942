//! Rename: the name on the card. The prefix of its tools stays.

use crate::{
    ipc,
    parts::{dialog::Dialog, field::Field},
    say::{say, say_error, say_with},
    state::Frame,
};
use wire::{Error, IntegrationId, RenameIntegration};
use yew::{platform::spawn_local, prelude::*};

/// The sheet.
pub fn sheet(frame: &Frame, id: IntegrationId, close: &Callback<()>) -> Html {
    let name = frame
        .card(id)
        .map(|card| card.name.clone())
        .unwrap_or_default();
    html! {
        <Dialog title={say_with("rename-name", &[("name", &name)])} on_close={close.clone()} narrow=true>
            <RenameForm {id} {name} autofocus=true done={close.clone()} />
        </Dialog>
    }
}

/// The form itself, also on the integration's own Settings.
#[derive(Properties, PartialEq)]
pub struct FormProps {
    pub id: IntegrationId,
    pub name: String,
    #[prop_or_default]
    pub autofocus: bool,
    pub done: Callback<()>,
}

/// A name and Save.
#[component]
pub fn RenameForm(props: &FormProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let typed = use_state(|| props.name.clone());
    let error = use_state(|| None::<Error>);
    {
        // Renamed elsewhere: the field follows.
        let typed = typed.setter();
        use_effect_with(props.name.clone(), move |name| typed.set(name.clone()));
    }
    let onsubmit = {
        let (typed, error, frame) = (typed.clone(), error.clone(), frame.clone());
        let (id, done) = (props.id, props.done.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (error, frame, done) = (error.clone(), frame.clone(), done.clone());
            let name = typed.trim().to_owned();
            spawn_local(async move {
                match ipc::call(RenameIntegration {
                    id,
                    name: name.clone(),
                })
                .await
                {
                    Ok(()) => {
                        error.set(None);
                        frame.say(say_with("renamed", &[("name", &name)]));
                        done.emit(());
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
        <form {onsubmit} autocomplete="off">
            <Field id="new-name" label={say("field-name")} value={(*typed).clone()} required=true max={60}
                autofocus={props.autofocus} hint={say("rename-hint")} error={error.as_ref().map(say_error)} {on_input} />
            <div class="buttons">
                <button type="submit" class={classes!(props.autofocus.then_some("primary"))}
                    disabled={typed.trim() == props.name}>{ say("save") }</button>
            </div>
        </form>
    }
}
