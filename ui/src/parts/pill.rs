//! The status pill: icon, word and colour, never colour alone.

use crate::{
    icons::{Icon, icon},
    say::{say, say_with},
    state::Tone,
    time::{until, use_now},
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
#[must_use]
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

/// What a [`StatusPill`] shows.
#[derive(Properties, PartialEq)]
pub struct StatusProps {
    pub status: Status,
    pub reason: Reason,
    /// False: switched off, which is all that counts then.
    pub enabled: bool,
}

impl StatusProps {
    /// Those of a card.
    #[must_use]
    pub fn of(card: &CardView) -> Self {
        Self {
            status: card.health.status,
            reason: card.health.reason.clone(),
            enabled: card.enabled,
        }
    }
}

/// How an integration is: "Healthy", "Expires in 5 days", "Failing", "Switched off".
#[component]
pub fn StatusPill(props: &StatusProps) -> Html {
    let now = use_now();
    let (tone, picture, word) = if props.enabled {
        let (tone, picture) = of_status(props.status);
        let word = match (props.status, &props.reason) {
            (Status::Expiring, Reason::EndsOn { at }) if at.since(now) > 0 => {
                say_with("expires-in", &[("when", &until(*at, now))])
            }
            (status, _) => words::status(status).into(),
        };
        (tone, picture, word)
    } else {
        (Tone::Quiet, Icon::Off, say("switched-off"))
    };
    html! {
        <span class={classes!("pill", tone.class())} data-testid="status">
            { icon(picture) }{ word }
        </span>
    }
}

/// How a call ended.
#[must_use]
pub fn outcome_pill(outcome: Outcome) -> Html {
    let (tone, picture, key) = match outcome {
        Outcome::Running => (Tone::Quiet, Icon::Busy, "outcome-running"),
        Outcome::Ok => (Tone::Ok, Icon::Healthy, "outcome-ok"),
        Outcome::Failed => (Tone::Bad, Icon::Failing, "outcome-failed"),
        Outcome::Refused => (Tone::Warn, Icon::Refused, "outcome-refused"),
        Outcome::Unknown => (Tone::Quiet, Icon::Unknown, "outcome-unknown"),
    };
    pill(tone, picture, say(key))
}

/// What a tool may do.
#[must_use]
pub fn risk_pill(risk: Risk) -> Html {
    let (tone, picture, key) = match risk {
        Risk::Reads => (Tone::Quiet, Icon::Show, "risk-reads"),
        Risk::Writes => (Tone::Warn, Icon::Rename, "risk-writes"),
        Risk::Destroys => (Tone::Bad, Icon::Expiring, "risk-destroys"),
    };
    pill(tone, picture, say(key))
}
