//! A schedule: five fields and a zone, and the moments they name. Pure.
//!
//! What a change of the clock does is what users of cron know (cron(8) of Vixie and Debian). Where minute
//! and hour are written out, each time of day runs once a day: one that a change leaves out runs as soon
//! as the clock has moved on, one that comes twice runs the first time. Where minute or hour is a `*`, the
//! schedule follows the wall: what does not exist does not run, what comes twice runs twice.

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use wire::{Error, ErrorCode, Firing, ScheduleView, Shift, Time};

/// The fields' names on screen.
pub const SCHEDULE: &str = "Schedule";
pub const ZONE: &str = "Time zone";
/// Characters of a schedule, at most.
const TEXT_MAX: usize = 120;
const DAY_MS: i64 = 86_400_000;
/// Moments that one look counts or shows, at most.
const SHOWN: usize = 5;
/// Thirteen months: how far a change of the clock is looked for.
const AHEAD_MS: i64 = 396 * DAY_MS;
/// Moments looked through for it, at most.
const LOOKED: usize = 2_000;

/// Five fields and a zone, both understood.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: Tz,
    /// Minute and hour are written out, so a time of day runs once a day.
    written_out: bool,
}

impl Schedule {
    /// Reads five fields (or `@daily` and the like) and a zone's name.
    ///
    /// # Errors
    /// `FieldEmpty`, `FieldInvalid` with `field` [`SCHEDULE`] or [`ZONE`].
    pub fn read(text: &str, zone: &str) -> Result<Self, Error> {
        let zone = read_zone(zone)?;
        let text = text.trim();
        let wrong = |why: String| {
            Error::new(ErrorCode::FieldInvalid)
                .with("field", SCHEDULE)
                .with("why", why)
        };
        if text.is_empty() {
            return Err(Error::new(ErrorCode::FieldEmpty).with("field", SCHEDULE));
        }
        if text.chars().count() > TEXT_MAX {
            return Err(wrong(format!("more than {TEXT_MAX} characters")));
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        if !text.starts_with('@') && fields.len() != 5 {
            let why = "five fields are needed: minute, hour, day of month, month, day of week";
            return Err(wrong(format!("it has {}; {why}", fields_of(fields.len()))));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(text)
            .map_err(|error| wrong(told(&error.to_string())))?;
        let has_star = |at: usize| fields.get(at).is_some_and(|field| field.contains('*'));
        let written_out = if text.starts_with('@') {
            !text.eq_ignore_ascii_case("@hourly")
        } else {
            !has_star(0) && !has_star(1)
        };
        let schedule = Self {
            cron,
            zone,
            written_out,
        };
        // A leap day is eight years away at most.
        if schedule.next(Time(0)).is_none() {
            return Err(wrong(
                "there is no such day, so it would never run".to_owned(),
            ));
        }
        Ok(schedule)
    }

    /// The first moment after `after`; `None` where there is none any more.
    #[must_use]
    pub fn next(&self, after: Time) -> Option<Time> {
        let from = DateTime::<Utc>::from_timestamp_millis(after.0)?.with_timezone(&self.zone);
        if !self.written_out {
            let next = self.cron.find_next_occurrence(&from, false).ok()?;
            return Some(Time(next.timestamp_millis()));
        }
        // On the wall, which never jumps; then where that is in the world.
        let mut wall = from.naive_local();
        loop {
            wall = self.cron.find_next_occurrence(&wall, false).ok()?;
            let (at, _) = self.place(wall)?;
            if at > after {
                return Some(at);
            }
        }
    }

    /// Where a time of day that is written out runs.
    fn place(&self, wall: NaiveDateTime) -> Option<(Time, Option<Shift>)> {
        match self.zone.from_local_datetime(&wall) {
            LocalResult::Single(at) => Some((Time(at.timestamp_millis()), None)),
            LocalResult::Ambiguous(first, _) => {
                Some((Time(first.timestamp_millis()), Some(Shift::Once)))
            }
            LocalResult::None => {
                // The longest gap there ever was is a day (a change of the date line).
                let mut later = wall;
                for _ in 0..=2 * 24 * 60 {
                    later += TimeDelta::minutes(1);
                    if let Some(at) = self.zone.from_local_datetime(&later).earliest() {
                        return Some((Time(at.timestamp_millis()), Some(Shift::Moved)));
                    }
                }
                None
            }
        }
    }

    /// The last moment after `after`, up to and including `until`: it stands for all of them.
    #[must_use]
    pub fn latest(&self, after: Time, until: Time) -> Option<Time> {
        // From near to far, so that a year of minutes is not walked through.
        for back in [3_600_000, DAY_MS, 32 * DAY_MS, 367 * DAY_MS, i64::MAX] {
            let from = after.max(until.plus(-back));
            let mut last = None;
            let mut at = from;
            while let Some(next) = self.next(at).filter(|next| *next <= until) {
                last = Some(next);
                at = next;
            }
            if last.is_some() || from == after {
                return last;
            }
        }
        None
    }

    /// The moments after `after`, at most `count`, none later than `until`.
    #[must_use]
    pub fn moments(&self, after: Time, until: Time, count: usize) -> Vec<Time> {
        std::iter::successors(self.next(after), |at| self.next(*at))
            .take_while(|at| *at <= until)
            .take(count)
            .collect()
    }

    /// What is shown of it while it is typed.
    #[must_use]
    pub fn view(&self, now: Time) -> ScheduleView {
        let next: Vec<Firing> = self
            .moments(now, Time(i64::MAX), SHOWN)
            .into_iter()
            .map(|at| self.firing(at))
            .collect();
        let a_day = self.moments(now, now.plus(DAY_MS), 2_000).len();
        let shift = self
            .moments(now, now.plus(AHEAD_MS), LOOKED)
            .into_iter()
            .map(|at| self.firing(at))
            .find(|firing| firing.shift.is_some());
        ScheduleView {
            each_minute: next.len() == SHOWN && next[SHOWN - 1].at.since(next[0].at) == 4 * 60_000,
            next,
            shift,
            a_day: u32::try_from(a_day).unwrap_or(u32::MAX),
        }
    }

    fn firing(&self, at: Time) -> Firing {
        let local = DateTime::<Utc>::from_timestamp_millis(at.0)
            .unwrap_or_default()
            .with_timezone(&self.zone);
        let comes_twice = matches!(
            self.zone.from_local_datetime(&local.naive_local()),
            LocalResult::Ambiguous(..)
        );
        let shift = match (self.cron.is_time_matching(&local), comes_twice) {
            (Ok(false), _) => Some(Shift::Moved),
            (_, true) if self.written_out => Some(Shift::Once),
            (_, true) => Some(Shift::Twice),
            (_, false) => None,
        };
        Firing {
            at,
            wall: local.format("%a %-d %b %Y, %H:%M").to_string(),
            shift,
        }
    }
}

fn fields_of(count: usize) -> String {
    if count == 1 {
        "one field".to_owned()
    } else {
        format!("{count} fields")
    }
}

/// A zone of the tz database by its name.
fn read_zone(name: &str) -> Result<Tz, Error> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", ZONE));
    }
    name.parse().map_err(|_| {
        Error::new(ErrorCode::FieldInvalid)
            .with("field", ZONE)
            .with(
                "why",
                "the tz database has no zone of that name, such as Europe/Berlin",
            )
    })
}

/// Every zone, by name; and this computer's own.
#[must_use]
pub fn zones() -> wire::ZonesView {
    let own = iana_time_zone::get_timezone().unwrap_or_default();
    wire::ZonesView {
        all: chrono_tz::TZ_VARIANTS
            .iter()
            .map(|zone| zone.name().to_owned())
            .collect(),
        own: own
            .parse::<Tz>()
            .map_or_else(|_| "UTC".to_owned(), |zone| zone.name().to_owned()),
    }
}

/// The library's words, without its names for its own parts.
fn told(words: &str) -> String {
    let plain = words
        .trim_start_matches("Invalid pattern: ")
        .trim_start_matches("Component error: ")
        .trim_start_matches("Pattern contains illegal characters: ")
        .replace("CronPattern", "it")
        .replace("Position", "position");
    crate::http::inert(plain.trim_end_matches('.'))
}

#[cfg(test)]
mod tests;
