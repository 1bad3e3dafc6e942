//! Crons as cards, the strip and notices name them, and what resumes them.

use crate::{
    inert::inert,
    say::{say, say_count, say_with},
    state::Act,
};
use wire::{CardView, CronBrief, IntegrationId, Status};
use yew::prelude::*;

/// The names of those that this integration's failure paused, and that only wait to be resumed.
#[must_use]
pub fn waiting(card: &CardView) -> Vec<&str> {
    let all = card.crons.iter().filter(|each| each.waits());
    all.map(|each| each.name.as_str()).collect()
}

/// True where all that is left to do is to resume.
#[must_use]
pub fn can_resume(card: &CardView) -> bool {
    card.enabled && card.health.status != Status::Failing && card.crons.iter().any(CronBrief::waits)
}

/// "Weekly revenue and Refund watch are paused."; nothing where none is.
#[must_use]
pub fn paused(names: &[&str]) -> Option<AttrValue> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let all = listed(&names)?;
    Some(if names.len() == 1 {
        say_with("cron-paused", &[("name", &all)])
    } else {
        say_with("crons-paused", &[("names", &all)])
    })
}

/// "Weekly revenue and Refund watch"; `None` where there is none.
#[must_use]
pub fn listed(names: &[String]) -> Option<String> {
    let (last, first) = names.split_last()?;
    Some(if first.is_empty() {
        last.clone()
    } else {
        format!("{} {} {last}", first.join(", "), say("crons-and"))
    })
}

/// "Resume 2 crons".
pub fn resume_button(
    (id, name): (IntegrationId, &str),
    count: usize,
    act: &Callback<(IntegrationId, Act)>,
    class: &'static str,
) -> Html {
    let onclick = act.reform(move |_: MouseEvent| (id, Act::ResumeCrons));
    let label = say_count("crons-resume", count);
    let aria = say_with("action-for", &[("action", &label), ("name", name)]);
    html! { <button type="button" {class} {onclick} data-testid="resume-crons" aria-label={aria}>{ label }</button> }
}

/// A schedule in words where it has one of the common forms; else its five fields.
#[must_use]
pub fn in_words(schedule: &str) -> AttrValue {
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let [minute, hour, day, "*", weekday] = fields[..] else {
        return inert(schedule);
    };
    let number = |text: &str| text.parse::<u8>().ok();
    let at = number(minute)
        .zip(number(hour))
        .map(|(minute, hour)| format!("{hour:02}:{minute:02}"));
    match (at, day, weekday) {
        (Some(at), "*", "*") => say_with("cron-daily", &[("at", &at)]),
        (Some(at), "*", "1-5" | "MON-FRI") => say_with("cron-weekdays", &[("at", &at)]),
        (Some(at), "*", day) => match number(day).filter(|day| *day <= 7) {
            Some(day) => {
                let name = say(WEEKDAYS[usize::from(day % 7)]);
                say_with("cron-weekly", &[("day", &name), ("at", &at)])
            }
            None => inert(schedule),
        },
        (Some(at), day, "*") if number(day).is_some() => {
            say_with("cron-monthly", &[("day", day), ("at", &at)])
        }
        (None, "*", "*") => match (minute, hour, minute.strip_prefix("*/"), number(minute)) {
            ("*", "*", _, _) => say("cron-each-minute"),
            (_, "*", Some(n), _) if number(n).is_some() => say_with("cron-minutes", &[("n", n)]),
            (_, "*", _, Some(n)) => say_with("cron-hourly", &[("n", &format!("{n:02}"))]),
            _ => inert(schedule),
        },
        _ => inert(schedule),
    }
}

const WEEKDAYS: [&str; 7] = [
    "on-sun", "on-mon", "on-tue", "on-wed", "on-thu", "on-fri", "on-sat",
];
