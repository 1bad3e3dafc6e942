//! The very first page: nothing is connected, and the sample is one click away.

use crate::{
    icons::{Icon, icon},
    ipc,
    say::say,
    state::{Action, Frame, Sheet},
};
use wire::{Confirmed, StartConnect, Target};
use yew::{platform::spawn_local, prelude::*};

/// Offers the sample and Add integration.
#[component]
pub fn FirstRun() -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let starting = use_state(|| false);
    let connect = {
        let (frame, starting) = (frame.clone(), starting.clone());
        Callback::from(move |_: MouseEvent| {
            let (frame, starting) = (frame.clone(), starting.clone());
            starting.set(true);
            spawn_local(async move {
                let request = StartConnect {
                    target: Target::Sample,
                    confirmed: Confirmed::default(),
                    ends_at: None,
                };
                match ipc::call(request).await {
                    Ok(began) => frame.dispatch.emit(Action::Sample(Some(began.id))),
                    Err(error) => frame.say_failed(&error),
                }
                starting.set(false);
            });
        })
    };
    let add = frame
        .dispatch
        .reform(|_: MouseEvent| Action::Open(Sheet::Add));
    let busy = *starting || frame.state.sample.is_some();
    html! {
        <div class="first-run">
            <span class="mark big" aria-hidden="true">{ icon(Icon::Link) }</span>
            <h1 tabindex="-1" id="title">{ say("first-title") }</h1>
            <p>{ say("first-sentence") }</p>
            <div class="buttons">
                <button type="button" class="primary" data-testid="connect-sample" disabled={busy} onclick={connect}>
                    { icon(if busy { Icon::Busy } else { Icon::Sample }) }
                    { say(if busy { "connecting-sample" } else { "connect-sample" }) }
                </button>
                <button type="button" data-testid="add-integration" onclick={add}>
                    { icon(Icon::Add) }{ say("add-integration") }
                </button>
            </div>
            <p class="sub">{ say("sample-is") }</p>
        </div>
    }
}
