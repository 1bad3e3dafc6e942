//! How often an integration is checked while it is well.

use crate::{
    ipc, page,
    say::{say, say_count},
    state::Frame,
};
use web_sys::HtmlSelectElement;
use wire::{IntegrationView, SetPace};
use yew::{platform::spawn_local, prelude::*};

/// What can be chosen, in minutes.
const PACES: [u32; 6] = [1, 5, 15, 60, 360, 1_440];

fn every(minutes: u32) -> AttrValue {
    let n = minutes as usize;
    match n {
        ..60 => say_count("pace-minutes", n),
        60..1_440 => say_count("pace-hours", n / 60),
        _ => say("pace-day"),
    }
}

/// The panel.
pub fn pace(frame: &Frame, view: &IntegrationView) -> Html {
    let (frame, id, chosen) = (frame.clone(), view.card.id, view.pace);
    let onchange = Callback::from(move |e: Event| {
        let select = e.target_unchecked_into::<HtmlSelectElement>();
        let (frame, minutes) = (frame.clone(), select.value().parse().ok());
        spawn_local(async move {
            match ipc::call(SetPace { id, minutes }).await {
                Ok(()) => frame.say(say("saved")),
                Err(refusal) => {
                    page::put_back(&select);
                    frame.say_failed(&refusal);
                }
            }
        });
    });
    // Another client may have chosen another.
    let other = chosen.filter(|chosen| !PACES.contains(chosen));
    let option = |minutes: u32| {
        html! { <option value={minutes.to_string()} selected={chosen == Some(minutes)}>{ every(minutes) }</option> }
    };
    html! {
        <section class="panel"><h2>{ say("pace") }</h2><div class="in line">
            <label for="pace" class="grow why">{ say("pace-hint") }</label>
            <div class="input"><select id="pace" {onchange}>
                <option value="" selected={chosen.is_none()}>
                    { say("pace-usual") }{ ": " }{ every(view.usual_pace.max(1)) }
                </option>
                { for PACES.into_iter().chain(other).map(option) }
            </select></div>
        </div></section>
    }
}
