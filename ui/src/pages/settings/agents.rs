//! What holds for every agent: how many tools one is listed.

use super::save::use_save;
use crate::{parts::field::Field, say::say};
use std::rc::Rc;
use wire::{SaveSettings, Settings};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub saved: Rc<Settings>,
}

/// The section.
#[component]
pub fn Agents(props: &Props) -> Html {
    let now = props.saved.tools_listed;
    let typed = use_state(|| now.to_string());
    let (save, error) = use_save();
    let onsubmit = {
        let (typed, saved) = (typed.clone(), props.saved.clone());
        save.reform(move |e: SubmitEvent| {
            e.prevent_default();
            let number = typed.trim().parse().ok();
            // As it is saved: 25, where 025 was typed.
            if let Some(number) = number {
                typed.set(u32::to_string(&number));
            }
            let settings = Settings {
                // What is no number is told by the engine's own sentence, as none.
                tools_listed: number.unwrap_or(0),
                ..(*saved).clone()
            };
            SaveSettings { settings }
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
                    hint={say("tools-listed-hint")} {error} {on_input} />
                <button type="submit" data-testid="save-tools-listed"
                    disabled={typed.trim() == now.to_string()}>{ say("save") }</button>
            </form>
        </div></section>
    }
}
