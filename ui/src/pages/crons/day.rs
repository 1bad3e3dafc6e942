//! The next 24 hours: one mark for each run that is due.

use crate::{
    say::say,
    time::{at_now, clock},
};
use std::rc::Rc;
use wire::{CronView, Time};
use yew::prelude::*;

const DAY: i64 = 86_400_000;
/// Hours between two labels.
const STEP: i64 = 4;

/// The strip.
pub fn strip(crons: &[Rc<CronView>]) -> Html {
    let mut due: Vec<(Time, String)> = crons
        .iter()
        .flat_map(|cron| cron.day.iter().map(|at| (*at, cron.name.clone())))
        .collect();
    due.sort();
    if due.is_empty() {
        return html! { <section class="panel"><p class="in sub">{ say("cron-day-none") }</p></section> };
    }
    at_now(move |now| {
        let marks = due.iter().filter_map(|(at, name)| {
            let after = at.since(now);
            (0..=DAY).contains(&after).then(|| {
                let x = (after / 60_000).to_string();
                html! { <rect {x} y="4" width="3" height="24" rx="1.5"><title>{ format!("{} {name}", clock(*at)) }</title></rect> }
            })
        });
        let labels = (0..24 / STEP).map(|n| {
            let at = now.plus(n * STEP * 3_600_000);
            html! { <span>{ if n == 0 { say("cron-day-now") } else { clock(at) } }</span> }
        });
        html! {
            <section class="panel day" aria-label={say("cron-day")} data-testid="day">
                <h2>{ say("cron-day") }</h2>
                <div class="in">
                    <svg viewBox="0 0 1440 32" preserveAspectRatio="none" aria-hidden="true">{ for marks }</svg>
                    <div class="hours" aria-hidden="true">{ for labels }</div>
                </div>
            </section>
        }
    })
}
