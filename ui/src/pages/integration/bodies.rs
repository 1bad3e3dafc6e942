//! For how long what an integration's calls say is kept beside their rows.

use crate::{
    ipc, page,
    say::{say, say_error},
    state::Frame,
};
use web_sys::HtmlSelectElement;
use wire::{Error, IntegrationId, SetBodies};
use yew::{platform::spawn_local, prelude::*};

/// Days, and the key of the words.
const DAYS: [(u32, &str); 5] = [
    (0, "bodies-off"),
    (1, "bodies-1"),
    (7, "bodies-7"),
    (30, "bodies-30"),
    (90, "bodies-90"),
];

/// Of which integration, and what holds now.
#[derive(Properties, PartialEq)]
pub struct BodiesProps {
    pub id: IntegrationId,
    pub days: Option<u32>,
}

/// The panel.
#[component]
pub fn Bodies(props: &BodiesProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let error = use_state(|| None::<Error>);
    let onchange = {
        let (id, error) = (props.id, error.clone());
        Callback::from(move |e: Event| {
            let select = e.target_unchecked_into::<HtmlSelectElement>();
            let days = select.value().parse().ok().filter(|days| *days > 0);
            let (frame, error) = (frame.clone(), error.clone());
            spawn_local(async move {
                match ipc::call(SetBodies { id, days }).await {
                    Ok(()) => {
                        error.set(None);
                        frame.say(say("saved"));
                    }
                    Err(refusal) => {
                        page::put_back(&select);
                        error.set(Some(refusal));
                    }
                }
            });
        })
    };
    let kept = props.days.unwrap_or(0);
    html! {
        <section class="panel"><h2>{ say("bodies") }</h2><div class="in line">
            <label class="grow why" for="bodies">{ say("bodies-hint") }</label>
            <div class="input"><select id="bodies" {onchange}>{ for DAYS.iter().map(|(days, key)| html! {
                <option value={days.to_string()} selected={*days == kept}>{ say(key) }</option>
            }) }</select></div>
            if let Some(error) = &*error { <p class="error" role="alert">{ say_error(error) }</p> }
        </div></section>
    }
}
