//! What closing the window asks where nothing could bring it back.

use crate::{ipc, parts::dialog::Dialog, say::say, state::Frame};
use wire::{Command, MinimiseWindow, QuitApp};
use yew::{platform::spawn_local, prelude::*};

/// What stops, and the two ways out.
pub fn sheet(frame: &Frame, close: &Callback<()>) -> Html {
    html! {
        <Dialog title={say("quit-title")} on_close={close.clone()} narrow=true>
            <p>{ say("quit-hint") }</p>
            <div class="buttons end">
                <button type="button" onclick={does(frame, close, || QuitApp {})}>{ say("quit-quit") }</button>
                <button type="button" class="primary" autofocus=true onclick={does(frame, close, || MinimiseWindow {})}>
                    { say("quit-minimise") }
                </button>
            </div>
        </Dialog>
    }
}

fn does<C: Command<Reply = ()>>(
    frame: &Frame,
    close: &Callback<()>,
    request: fn() -> C,
) -> Callback<MouseEvent> {
    let (frame, close) = (frame.clone(), close.clone());
    Callback::from(move |_: MouseEvent| {
        close.emit(());
        let frame = frame.clone();
        spawn_local(async move {
            if let Err(error) = ipc::call(request()).await {
                frame.say_failed(&error);
            }
        });
    })
}
