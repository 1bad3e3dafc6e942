//! The status pill: icon, word and colour, never colour alone.

use crate::{
    icons::{Icon, icon},
    say::{say, say_with},
    state::Tone,
    time::{at_now, until},
};
use wire::{CardView, Outcome, Reason, Risk, Status};
use yew::prelude::*;

impl Tone {
    /// The class that colours it.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Quiet => "calm",
        }
    }
}

/// A pill with its icon and word.
pub fn pill(tone: Tone, picture: Icon, word: AttrValue) -> Html {
    html! { <span class={classes!("pill", tone.class())}>{ icon(picture) }{ word }</span> }
}

/// The tone and icon of a status.
#[must_use]
pub fn of_status(status: Status) -> (Tone, Icon) {
    match status {
        Status::Healthy => (Tone::Ok, Icon::Healthy),
        Status::Expiring => (Tone::Warn, Icon::Expiring),
        Status::Failing => (Tone::Bad, Icon::Failing),
    }
}

/// How an integration is: "Healthy", "Expires in 5 days", "Failing", "Switched off".
pub fn status_pill(card: &CardView) -> Html {
    let shown = |tone: Tone, picture, word: AttrValue| {
        html! {
            <span class={classes!("pill", tone.class())} data-testid="status">
                { icon(picture) }{ word }
            </span>
        }
    };
    if !card.enabled {
        return shown(Tone::Quiet, Icon::Off, say("switched-off"));
    }
    let status = card.health.status;
    let (tone, picture) = of_status(status);
    let word: AttrValue = words::status(status).into();
    match (status, &card.health.reason) {
        (Status::Expiring, Reason::EndsOn { at } | Reason::VendorEnds { at }) => {
            let at = *at;
            at_now(move |now| {
                let left = at.since(now) > 0;
                let when = || say_with("expires-in", &[("when", &until(at, now))]);
                shown(tone, picture, if left { when() } else { word.clone() })
            })
        }
        (_, _) => shown(tone, picture, word),
    }
}

/// How a call ended.
pub fn outcome_pill(outcome: Outcome) -> Html {
    let (tone, picture, key) = match outcome {
        Outcome::Running => (Tone::Quiet, Icon::Busy, "outcome-running"),
        Outcome::Ok => (Tone::Ok, Icon::Healthy, "outcome-ok"),
        Outcome::Approved => (Tone::Warn, Icon::Healthy, "outcome-approved"),
        Outcome::Denied => (Tone::Bad, Icon::Refused, "outcome-denied"),
        Outcome::Failed => (Tone::Bad, Icon::Failing, "outcome-failed"),
        Outcome::Refused => (Tone::Warn, Icon::Refused, "outcome-refused"),
        Outcome::Unknown => (Tone::Quiet, Icon::Unknown, "outcome-unknown"),
    };
    pill(tone, picture, say(key))
}

/// A call waits for an admin, or so many do: leads to it. `name`: of the tool or the task.
pub fn waiting_pill((word, name): (AttrValue, &str), onclick: Callback<MouseEvent>) -> Html {
    let label = say_with("action-for", &[("action", &word), ("name", name)]);
    html! {
        <button type="button" class="link" data-testid="waits" title={say("approval-review")} aria-label={label} {onclick}>
            { pill(Tone::Warn, Icon::Agents, word) }{ icon(Icon::Open) }
        </button>
    }
}

/// What a tool may do.
pub fn risk_pill(risk: Risk) -> Html {
    let (tone, picture, key) = match risk {
        Risk::Reads => (Tone::Quiet, Icon::Show, "risk-reads"),
        Risk::Writes => (Tone::Quiet, Icon::Rename, "risk-writes"),
        Risk::Destroys => (Tone::Warn, Icon::Expiring, "risk-destroys"),
    };
    pill(tone, picture, say(key))
}
