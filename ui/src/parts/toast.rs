//! Toasts: short, said aloud, gone by themselves unless they tell of a failure.

use crate::{
    icons::{Icon, icon},
    say::say,
    state::{Toast, Tone},
};
use gloo_timers::callback::Timeout;
use yew::prelude::*;

/// How long a toast that needs nothing stays, in milliseconds.
const STAYS: u32 = 7_000;
/// The same where something can be taken back: time to come to it by keyboard.
const STAYS_FOR_UNDO: u32 = 30_000;

/// The corner where the toasts stand, oldest first. It is always there, so that what comes is read
/// aloud. `gone` is told when one went or was sent away.
pub fn toasts(toasts: &[(u32, Toast)], gone: &Callback<u32>) -> Html {
    html! {
        <div class="toasts" role="status" aria-live="polite">
            { for toasts.iter().map(|(id, toast)| html! {
                <ToastItem key={*id} id={*id} toast={toast.clone()} gone={gone.clone()} />
            }) }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct ItemProps {
    id: u32,
    toast: Toast,
    gone: Callback<u32>,
}

#[component]
fn ToastItem(props: &ItemProps) -> Html {
    let (id, gone) = (props.id, props.gone.clone());
    let stays = match props.toast.tone {
        Tone::Ok | Tone::Quiet => true,
        // A failure stays until it was read.
        Tone::Warn | Tone::Bad => false,
    };
    let millis = if props.toast.undo.is_some() {
        STAYS_FOR_UNDO
    } else {
        STAYS
    };
    {
        let gone = gone.clone();
        use_effect_with((), move |()| {
            let timer = stays.then(|| Timeout::new(millis, move || gone.emit(id)));
            move || drop(timer)
        });
    }
    let picture = match props.toast.tone {
        Tone::Ok => Icon::Healthy,
        Tone::Warn | Tone::Bad => Icon::Expiring,
        Tone::Quiet => Icon::Info,
    };
    let close = {
        let gone = gone.clone();
        Callback::from(move |_: MouseEvent| gone.emit(id))
    };
    let link = props.toast.link.as_ref().map(|(label, route)| {
        let follow = Callback::from(move |_: MouseEvent| gone.emit(id));
        html! { <a class="link" href={route.href()} onclick={follow}>{ label.clone() }</a> }
    });
    let undo = props.toast.undo.as_ref().map(|(label, undo)| {
        let (undo, gone) = (undo.clone(), props.gone.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            undo.emit(());
            gone.emit(id);
        });
        html! { <button type="button" class="quiet" data-testid="undo" {onclick}>{ label.clone() }</button> }
    });
    html! {
        <div class="toast" data-testid="toast" data-tone={props.toast.tone.class()}>
            <span class={format!("{}-ink", props.toast.tone.class())}>{ icon(picture) }</span>
            <span class="grow">{ props.toast.text.clone() }</span>
            { link.unwrap_or_default() }{ undo.unwrap_or_default() }
            <button type="button" class="quiet icon" aria-label={say("dismiss")} onclick={close}>
                { icon(Icon::Close) }
            </button>
        </div>
    }
}
