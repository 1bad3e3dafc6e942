//! The app without its window: whether it starts at login, and whether checks are paused.

use crate::{
    ipc,
    parts::states,
    query::use_query,
    say::{say, say_error},
    state::Frame,
};
use wire::{BackgroundView, Error, GetBackground, PauseChecks, SetStartAtLogin, Topic};
use yew::{platform::spawn_local, prelude::*};

/// The section of Settings.
#[component]
pub fn Background() -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let query = use_query(GetBackground {}, vec![Topic::App]);
    let error = use_state_eq(|| None::<Error>);
    let body = states::shown(
        &query,
        states::loading_lines(),
        |view: &std::rc::Rc<BackgroundView>| {
            let Some(on) = view.at_login else {
                return html! { <p class="sub">{ say("at-login-unknown") }</p> };
            };
            let (retry, error) = (query.retry.clone(), error.clone());
            let onchange = Callback::from(move |_: Event| {
                let (retry, error) = (retry.clone(), error.clone());
                spawn_local(async move {
                    let done = ipc::call(SetStartAtLogin { on: !on }).await;
                    error.set(done.err());
                    retry.emit(());
                });
            });
            html! {
                <label class="option" for="at-login">
                    <input type="checkbox" id="at-login" checked={on} {onchange} /><span>{ say("at-login") }</span>
                </label>
            }
        },
    );
    let is_paused = frame
        .app
        .data
        .as_ref()
        .is_some_and(|app| app.paused_until.is_some());
    html! {
        <section class="panel" id="background"><h2>{ say("background") }</h2><div class="in stack">
            <p class="sub">{ say("background-hint") }</p>
            { body }
            if let Some(error) = &*error { <p class="error" role="alert">{ say_error(error) }</p> }
            <div class="buttons start">{ pause_button(&frame, is_paused) }</div>
        </div></section>
    }
}

/// Pauses the checks for an hour, or lets them go on.
pub fn pause_button(frame: &Frame, is_paused: bool) -> Html {
    let frame = frame.clone();
    let onclick = Callback::from(move |_: MouseEvent| {
        let frame = frame.clone();
        spawn_local(async move {
            let hours = (!is_paused).then_some(1);
            if let Err(error) = ipc::call(PauseChecks { hours }).await {
                frame.say_failed(&error);
            }
        });
    });
    let label = if is_paused {
        "resume-checks"
    } else {
        "pause-checks"
    };
    html! { <button type="button" {onclick}>{ say(label) }</button> }
}
