//! The banner above every page: what stands between the app and the credentials.

use crate::{
    icons::{Icon, icon},
    inert::inert,
    say::say,
    time::full,
};
use wire::{DataTrouble, KeyringView};
use yew::prelude::*;

/// What the admin chose in the banner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// Ask the system to unlock, then try again.
    Unlock,
    /// Keep credentials in memory until the app ends.
    SessionOnly,
    /// See the cards that need a reconnect.
    Review,
}

/// The sentence and the buttons of a keyring's state; `None` where all is well.
#[must_use]
pub fn trouble(keyring: KeyringView) -> Option<(&'static str, &'static [(Choice, &'static str)])> {
    match keyring {
        KeyringView::Unasked | KeyringView::Ready | KeyringView::SessionOnly => None,
        KeyringView::Absent => Some((
            "keyring-absent",
            &[
                (Choice::Unlock, "try-again"),
                (Choice::SessionOnly, "keep-for-this-run"),
            ],
        )),
        KeyringView::Locked => Some((
            "keyring-locked",
            &[
                (Choice::Unlock, "fix-unlock"),
                (Choice::SessionOnly, "keep-for-this-run"),
            ],
        )),
        KeyringView::Hanging => Some((
            "keyring-hanging",
            &[
                (Choice::Unlock, "try-again"),
                (Choice::SessionOnly, "keep-for-this-run"),
            ],
        )),
        KeyringView::Lost => Some(("keyring-lost", &[(Choice::Review, "review")])),
    }
}

/// The banner; nothing where all is well. `busy`: a choice is being carried out.
pub fn banner(keyring: KeyringView, busy: bool, choose: &Callback<Choice>) -> Html {
    let Some((sentence, choices)) = trouble(keyring) else {
        return Html::default();
    };
    html! {
        <div class="banner warn-edge" role="alert" data-testid="banner">
            <span class="warn-ink">{ icon(Icon::Lock) }</span>
            <span class="grow">{ say(sentence) }</span>
            <>{ for choice_buttons(choices, busy, choose) }</>
        </div>
    }
}

/// The data on disk is damaged, or there is no backup of it.
pub fn data(trouble: &DataTrouble, on_go_on: &Callback<MouseEvent>) -> Html {
    let at = trouble.at().map(full).unwrap_or_default();
    let told = inert(&words::data(trouble, &at));
    html! {
        <div class="banner warn-edge" role="alert" data-testid="data-trouble">
            <span class="warn-ink">{ icon(Icon::Expiring) }</span>
            <span class="grow">{ told }</span>
            if matches!(trouble, DataTrouble::CameBack { .. }) {
                <button type="button" onclick={on_go_on}>{ say("data-go-on") }</button>
            }
        </div>
    }
}

/// This computer is offline: cards keep what was last known.
pub fn offline() -> Html {
    html! {
        <div class="banner warn-edge" role="status" data-testid="banner">
            <span class="warn-ink">{ icon(Icon::Offline) }</span>
            <span class="grow">{ say("offline") }</span>
        </div>
    }
}

/// The buttons of the choices, the first one ahead.
pub fn choice_buttons(
    choices: &'static [(Choice, &'static str)],
    busy: bool,
    choose: &Callback<Choice>,
) -> impl Iterator<Item = Html> {
    choices.iter().enumerate().map(move |(index, (choice, label))| {
        let choose = choose.clone();
        let onclick = Callback::from(move |_: MouseEvent| choose.emit(*choice));
        let class = (index > 0).then_some("quiet");
        html! { <button type="button" class={classes!(class)} disabled={busy} {onclick}>{ say(label) }</button> }
    })
}
