//! The runs of one cron: when, by what, how each call went.

use crate::{
    inert::inert,
    say::{say, say_error, say_with},
    time::{at_now, full, stamp, took},
};
use wire::{CronView, RunCause, RunOutcome, RunView};
use yew::prelude::*;

/// The class of a run's dot, and the key of its word.
pub fn outcome(outcome: RunOutcome) -> (&'static str, &'static str) {
    match outcome {
        RunOutcome::Running => ("z", "run-running"),
        RunOutcome::Ok => ("", "run-ok"),
        RunOutcome::Failed => ("b", "run-failed"),
        RunOutcome::NotStarted => ("w", "run-not-started"),
        RunOutcome::TimedOut => ("b", "run-timed-out"),
        RunOutcome::Interrupted => ("w", "run-interrupted"),
    }
}

/// How long it took, where it is over.
pub fn lasted(run: &RunView) -> Option<u32> {
    let ended = run.ended_at.filter(|_| {
        !matches!(
            run.outcome,
            RunOutcome::NotStarted | RunOutcome::Interrupted
        )
    })?;
    u32::try_from(ended.since(run.begun_at).max(0)).ok()
}

fn cause(cause: &RunCause) -> AttrValue {
    match cause {
        RunCause::Schedule => say("cause-schedule"),
        RunCause::CatchUp => say("cause-catch-up"),
        RunCause::Admin { name } => say_with("cause-admin", &[("name", name)]),
        RunCause::Agent => say("cause-agent"),
    }
}

/// Newest first.
pub fn table(cron: &CronView) -> Html {
    html! {
        <ul class="history" data-testid="history">
            { for cron.runs.iter().rev().map(|run| {
                let (class, word) = outcome(run.outcome);
                let at = run.begun_at;
                html! {
                    <li key={run.id.to_string()}>
                        <span class="dots"><i class={class} /></span>
                        <span title={full(at)}>{ at_now(move |now| html! { stamp(at, now) }) }</span>
                        <span class="grow">
                            { say(word) }{ ", " }{ cause(&run.cause) }
                            if let Some(error) = &run.error { <p class="error">{ say_error(error) }</p> }
                            { for run.calls.iter().map(|call| html! {
                                <p class="sub"><code>{ inert(&call.action) }</code>{ " " }
                                    { match (&call.error, call.took_ms) {
                                        (None, Some(ms)) => took(ms),
                                        (Some(_), _) => say("run-failed"),
                                        (None, None) => say("run-running"),
                                    } }</p>
                            }) }
                        </span>
                        <span class="sub">{ lasted(run).map(took).unwrap_or_default() }</span>
                    </li>
                }
            }) }
        </ul>
    }
}
