//! What the record is narrowed to, as the admin chose it.

use crate::{inert::inert, say::say, time::moment_of};
use wire::{ActivityFilter, CallId, IntegrationId, Outcome, Time};
use yew::AttrValue;

/// The choice. It outlives the page: an admin who comes back finds what was looked at.
#[derive(Clone, Default, PartialEq)]
pub struct Chosen {
    pub integration: Option<IntegrationId>,
    pub pings: bool,
    pub span: Span,
    /// What the fields of [`Span::Between`] hold: from, to.
    pub between: [String; 2],
    pub only: ActivityFilter,
    /// The title of the thread or task that `only` narrows to: the filter itself holds an address.
    pub named: Option<AttrValue>,
    /// The name of the agent that it narrows to, as it was when it was chosen: one that is removed is in no
    /// list.
    pub agent: Option<AttrValue>,
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
    /// From one moment to another.
    Between,
}

impl Span {
    pub const ALL: [Self; 6] = [
        Self::Always,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Between,
    ];

    pub fn key(self) -> &'static str {
        match self {
            Self::Always => "span-always",
            Self::Hour => "span-hour",
            Self::Day => "span-day",
            Self::Week => "span-week",
            Self::Month => "span-month",
            Self::Between => "span-between",
        }
    }

    fn hours(self) -> Option<i64> {
        match self {
            Self::Always | Self::Between => None,
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
    /// One call and nothing else.
    pub fn of_call(call: CallId) -> Self {
        Self {
            only: ActivityFilter {
                call: Some(call),
                ..ActivityFilter::default()
            },
            ..Self::default()
        }
    }

    /// The filter as of now, to the minute, so that it stays the same from one look to the next.
    pub fn filter(&self, now: Time) -> ActivityFilter {
        let minute = 60_000;
        let [from, until] = match self.span {
            Span::Between => self.between.each_ref().map(|typed| moment_of(typed)),
            span => {
                let hours = span.hours();
                [
                    hours.map(|hours| Time((now.0 / minute - hours * 60) * minute)),
                    None,
                ]
            }
        };
        ActivityFilter {
            from,
            until,
            ..self.only.clone()
        }
    }

    /// What can be taken away again one by one: its label, and the choice without it. The names of the
    /// integration and of the agent, where they are known.
    pub fn chips(
        &self,
        (integration, agent): (Option<AttrValue>, Option<AttrValue>),
    ) -> Vec<(AttrValue, Self)> {
        let mut chips = Vec::new();
        let only = &self.only;
        let mut add = |label: AttrValue, without: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            without(&mut next);
            chips.push((label, next));
        };
        if self.integration.is_some() {
            let name = integration.unwrap_or_else(|| say("filter-integration"));
            add(name, &|next| next.integration = None);
        }
        if only.call.is_some() {
            add(say("chip-call"), &|next| next.only.call = None);
        }
        if let Some(tool) = &only.tool {
            add(inert(tool), &|next| next.only.tool = None);
        }
        let named = || self.named.clone();
        if only.agent.is_some() {
            add(agent.unwrap_or_else(|| say("chip-agent")), &|next| {
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
    fn between_two_moments_is_what_the_two_fields_hold() {
        let between = |from: &str, to: &str| {
            let chosen = Chosen {
                span: Span::Between,
                between: [from.to_owned(), to.to_owned()],
                ..Chosen::default()
            };
            let filter = chosen.filter(Time(1));
            (filter.from, filter.until)
        };
        let (from, until) = between("2026-11-24T14:00", "2026-11-24T15:00");
        let (from, until) = (from.expect("a moment"), until.expect("a moment"));
        assert_eq!(until.since(from), 3_600_000);
        assert_eq!(between("", "2026-11-24T15:00"), (None, Some(until)));
        assert_eq!(between("yesterday", ""), (None, None));
    }

    #[test]
    fn a_chip_is_never_called_by_the_name_of_another() {
        let mut chosen = Chosen {
            named: Some("Refund 17".into()),
            ..Chosen::default()
        };
        chosen.only.thread = Some("https://x.slack.com/archives/C1".into());
        chosen.only.agent = Some(wire::AgentId(uuid::Uuid::nil()));
        let labels = |agent: Option<&'static str>| {
            let chips = chosen.chips((None, agent.map(Into::into)));
            chips
                .into_iter()
                .map(|(label, _)| label)
                .collect::<Vec<_>>()
        };
        assert_eq!(labels(Some("Cursor")), ["Cursor", "Refund 17"]);
        assert_eq!(labels(None), [say("chip-agent"), "Refund 17".into()]);
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
        let chips = chosen.chips((None, None));
        let labels: Vec<&str> = chips.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(labels, ["one.call", "Refund 17"]);
        assert!(chips[0].1.only.tool.is_none() && chips[0].1.only.thread.is_some());
        assert!(chosen.narrows() && !Chosen::default().narrows());
    }
}
