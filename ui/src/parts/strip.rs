//! The strip of thirty days.

use crate::say::{say, say_count};
use wire::Day;
use yew::prelude::*;

/// Thirty bars, oldest first; read aloud it is one sentence.
pub fn strip(days: &[Day]) -> Html {
    let label = told(days);
    let bars = days.iter().map(|day| {
        let class = match day {
            Day::Unknown => "z",
            Day::Healthy => "",
            Day::Troubled => "w",
            Day::Failing => "b",
        };
        html! { <i class={class} /> }
    });
    html! {
        <div class="bars" role="img" aria-label={label.clone()} title={label}>{ for bars }</div>
    }
}

fn told(days: &[Day]) -> AttrValue {
    let count = |wanted: Day| days.iter().filter(|day| **day == wanted).count();
    let parts: Vec<AttrValue> = [
        (count(Day::Healthy), "days-healthy"),
        (count(Day::Troubled), "days-troubled"),
        (count(Day::Failing), "days-failing"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, key)| say_count(key, n))
    .collect();
    let known = if parts.is_empty() {
        say("days-none").to_string()
    } else {
        parts.join(", ")
    };
    format!("{} {known}", say("days-title")).into()
}
