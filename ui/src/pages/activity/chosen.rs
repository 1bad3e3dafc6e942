//! What the record is narrowed to, as the admin chose it.

use crate::{inert::inert, say::say};
use wire::{ActivityFilter, CardView, IntegrationId, Outcome, Time};
use yew::AttrValue;

/// The choice. It outlives the page: an admin who comes back finds what was looked at.
#[derive(Clone, Default, PartialEq)]
pub struct Chosen {
    pub integration: Option<IntegrationId>,
    pub pings: bool,
    pub span: Span,
    pub only: ActivityFilter,
    /// The name of the agent, or the title of the thread, that `only` narrows to: the filter itself holds
    /// an id or an address.
    pub named: Option<AttrValue>,
}

/// How far back.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Span {
    #[default]
    Always,
    Hour,
    Day,
    Week,
    Month,
}

impl Span {
    pub const ALL: [Self; 5] = [Self::Always, Self::Hour, Self::Day, Self::Week, Self::Month];

    pub fn key(self) -> &'static str {
        match self {
            Self::Always => "span-always",
            Self::Hour => "span-hour",
            Self::Day => "span-day",
            Self::Week => "span-week",
            Self::Month => "span-month",
        }
    }

    fn hours(self) -> Option<i64> {
        match self {
            Self::Always => None,
            Self::Hour => Some(1),
            Self::Day => Some(24),
            Self::Week => Some(24 * 7),
            Self::Month => Some(24 * 30),
        }
    }
}

/// The outcomes that can be chosen, by the key of their word.
pub const OUTCOMES: [(Outcome, &str); 7] = [
    (Outcome::Ok, "outcome-ok"),
    (Outcome::Failed, "outcome-failed"),
    (Outcome::Refused, "outcome-refused"),
    (Outcome::Approved, "outcome-approved"),
    (Outcome::Denied, "outcome-denied"),
    (Outcome::Running, "outcome-running"),
    (Outcome::Unknown, "outcome-unknown"),
];

impl Chosen {
    /// The filter as of now, to the minute, so that it stays the same from one look to the next.
    pub fn filter(&self, now: Time) -> ActivityFilter {
        let minute = 60_000;
        ActivityFilter {
            from: self
                .span
                .hours()
                .map(|hours| Time((now.0 / minute - hours * 60) * minute)),
            ..self.only.clone()
        }
    }

    /// What can be taken away again one by one: its label, and the choice without it.
    pub fn chips(&self, cards: &[CardView]) -> Vec<(AttrValue, Self)> {
        let mut chips = Vec::new();
        let only = &self.only;
        let mut add = |label: AttrValue, without: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            without(&mut next);
            chips.push((label, next));
        };
        if let Some(id) = self.integration {
            let card = cards.iter().find(|card| card.id == id);
            let name = card.map_or_else(|| say("filter-integration"), |card| inert(&card.name));
            add(name, &|next| next.integration = None);
        }
        if let Some(tool) = &only.tool {
            add(inert(tool), &|next| next.only.tool = None);
        }
        let named = || self.named.clone();
        if only.agent.is_some() {
            let label = named().filter(|_| only.task.is_none());
            add(label.unwrap_or_else(|| say("chip-agent")), &|next| {
                next.only.agent = None
            });
        }
        if only.thread.is_some() {
            let label = named().unwrap_or_else(|| say("chip-thread"));
            add(label, &|next| next.only.thread = None);
        }
        if let Some(task) = &only.task {
            // An id is nothing to read.
            let id = uuid::Uuid::try_parse(task).is_ok();
            let label = if id { say("task") } else { inert(task) };
            let label = named().unwrap_or(label);
            add(label, &|next| next.only.task = None);
        }
        chips
    }

    /// Whether anything narrows it.
    pub fn narrows(&self) -> bool {
        self.integration.is_some()
            || self.span != Span::Always
            || self.only != ActivityFilter::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_begins_at_a_whole_minute() {
        let chosen = Chosen {
            span: Span::Hour,
            ..Chosen::default()
        };
        let at = |millis| chosen.filter(Time(millis)).from;
        assert_eq!(at(7_200_001), Some(Time(3_600_000)));
        assert_eq!(at(7_200_001), at(7_259_999), "the same within a minute");
        assert_eq!(Chosen::default().filter(Time(1)).from, None);
    }

    #[test]
    fn each_chip_takes_away_what_it_names_and_nothing_else() {
        let only = ActivityFilter {
            tool: Some("one.call".into()),
            thread: Some("https://x.slack.com/archives/C1".into()),
            ..ActivityFilter::default()
        };
        let chosen = Chosen {
            only,
            named: Some("Refund 17".into()),
            ..Chosen::default()
        };
        let chips = chosen.chips(&[]);
        let labels: Vec<&str> = chips.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(labels, ["one.call", "Refund 17"]);
        assert!(chips[0].1.only.tool.is_none() && chips[0].1.only.thread.is_some());
        assert!(chosen.narrows() && !Chosen::default().narrows());
    }
}
