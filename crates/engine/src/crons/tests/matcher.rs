//! A reading of schedules that shares nothing with the engine's: each minute is looked at.

use chrono::{DateTime, Datelike as _, LocalResult, Offset as _, TimeZone as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use std::cell::Cell;
use wire::Time;

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

/// One schedule, field by field.
pub struct Reading {
    zone: Tz,
    minutes: Vec<u32>,
    hours: Vec<u32>,
    days: Vec<u32>,
    months: Vec<u32>,
    weekdays: Vec<u32>,
    any_day: bool,
    any_weekday: bool,
    written_out: bool,
    /// The hour that was looked at last, and its offset where that is the same throughout.
    known: Cell<(i64, Option<i64>)>,
}

impl Reading {
    pub fn of(text: &str, zone: Tz) -> Self {
        let fields: Vec<&str> = text.split(' ').collect();
        let weekdays = numbers(fields[4], 0, 7).into_iter().map(|day| day % 7);
        Self {
            zone,
            minutes: numbers(fields[0], 0, 59),
            hours: numbers(fields[1], 0, 23),
            days: numbers(fields[2], 1, 31),
            months: numbers(fields[3], 1, 12),
            weekdays: weekdays.collect(),
            any_day: fields[2] == "*",
            any_weekday: fields[4] == "*",
            written_out: !fields[0].contains('*') && !fields[1].contains('*'),
            known: Cell::new((i64::MIN, None)),
        }
    }

    /// `wall`: what the zone's clock shows, as milliseconds.
    fn matches(&self, wall: i64) -> bool {
        let minute = u32::try_from(wall.div_euclid(MINUTE).rem_euclid(60)).expect("below 60");
        let hour = u32::try_from(wall.div_euclid(60 * MINUTE).rem_euclid(24)).expect("below 24");
        if !self.minutes.contains(&minute) || !self.hours.contains(&hour) {
            return false;
        }
        let wall = utc(Time(wall)).naive_utc();
        let day = self.days.contains(&wall.day());
        let weekday = self
            .weekdays
            .contains(&wall.weekday().num_days_from_sunday());
        // Where both are given, either will do (POSIX crontab).
        let day = match (self.any_day, self.any_weekday) {
            (true, true) => true,
            (false, true) => day,
            (true, false) => weekday,
            (false, false) => day || weekday,
        };
        day && self.months.contains(&wall.month())
    }

    /// What the zone's clock shows, as milliseconds.
    fn wall(&self, at: Time) -> i64 {
        let hour = at.0.div_euclid(60 * MINUTE);
        let (known, same) = self.known.get();
        if known != hour {
            let (first, last) = (hour * 60 * MINUTE, (hour * 60 + 59) * MINUTE);
            let same = Some(self.offset(first)).filter(|first| *first == self.offset(last));
            self.known.set((hour, same));
            return at.0 + same.unwrap_or_else(|| self.offset(at.0));
        }
        at.0 + same.unwrap_or_else(|| self.offset(at.0))
    }

    fn offset(&self, at: i64) -> i64 {
        let local = utc(Time(at)).with_timezone(&self.zone);
        i64::from(local.offset().fix().local_minus_utc()) * 1_000
    }

    /// Whether this minute is a moment of the schedule.
    pub fn fires(&self, at: Time) -> bool {
        let wall = self.wall(at);
        if !self.written_out {
            return self.matches(wall);
        }
        // What the change of this minute left out comes now.
        let mut left_out = self.wall(at.plus(-MINUTE)) + MINUTE;
        while left_out < wall {
            if self.matches(left_out) {
                return true;
            }
            left_out += MINUTE;
        }
        if !self.matches(wall) {
            return false;
        }
        match self.zone.from_local_datetime(&utc(Time(wall)).naive_utc()) {
            LocalResult::Ambiguous(_, second) => second.timestamp_millis() != at.0,
            LocalResult::Single(_) | LocalResult::None => true,
        }
    }

    /// Every moment after `after` up to `until`.
    pub fn moments(&self, after: Time, until: Time) -> Vec<Time> {
        let mut minute = (after.0.div_euclid(MINUTE) + 1) * MINUTE;
        let mut all = Vec::new();
        while minute <= until.0 {
            if self.fires(Time(minute)) {
                all.push(Time(minute));
            }
            minute += MINUTE;
        }
        all
    }

    /// The first moment after `after`, where it is not later than `claimed` says; six hours are looked
    /// through at most.
    pub fn first_after(&self, after: Time, claimed: Option<Time>) -> Option<Time> {
        let limit = after.plus(DAY / 4);
        let until = claimed.map_or(limit, |at| at.min(limit));
        let mut minute = (after.0.div_euclid(MINUTE) + 1) * MINUTE;
        while minute <= until.0 {
            if self.fires(Time(minute)) {
                return Some(Time(minute));
            }
            minute += MINUTE;
        }
        // Further away than was looked.
        claimed.filter(|at| *at > limit)
    }
}

fn utc(at: Time) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.0).expect("a moment of our time")
}

fn numbers(field: &str, low: u32, high: u32) -> Vec<u32> {
    let mut all = Vec::new();
    for part in field.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step: u32 = step.parse().expect("a step");
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (low, high),
            Some((from, to)) => (from.parse().expect("from"), to.parse().expect("to")),
            None => (
                range.parse().expect("a number"),
                range.parse().expect("a number"),
            ),
        };
        all.extend((from..=to).step_by(step as usize));
    }
    all
}

/// Any zone of the tz database.
pub fn zone_of(gene: u16) -> Tz {
    TZ_VARIANTS[usize::from(gene) % TZ_VARIANTS.len()]
}

/// A moment from 2015 to 2036; half of them within a day of a change of the zone's clock.
pub fn near_a_change(zone: Tz, gene: u16, start: i64) -> Time {
    let from = 1_420_070_400_000 + (start % 8_000) * DAY;
    if gene.is_multiple_of(2) {
        return Time(from + start % DAY);
    }
    let offset = |at: i64| {
        let local = utc(Time(at)).with_timezone(&zone);
        local.offset().fix().local_minus_utc()
    };
    let change = (0..366)
        .map(|day| from + day * DAY)
        .find(|at| offset(*at) != offset(*at + DAY));
    Time(change.unwrap_or(from) - DAY / 4 + start % DAY)
}

/// Any schedule of the common forms, from genes.
pub fn schedule_of(genes: &[u16; 10]) -> String {
    let minute = field(genes[2], genes[3], (0, 59), true);
    let hour = field(genes[4], genes[5], (0, 23), true);
    // Most have any day, so that something happens in a history of days.
    let day = match genes[6] % 8 {
        0 => field(genes[7], genes[7] / 7, (1, 28), false),
        1 => format!("*/{}", 2 + genes[7] % 4),
        _ => "*".to_owned(),
    };
    let weekday = match genes[8] % 6 {
        0 => "1-5".to_owned(),
        1 => field(genes[9], genes[9] / 5, (0, 7), false),
        _ => "*".to_owned(),
    };
    format!("{minute} {hour} {day} * {weekday}")
}

fn field(form: u16, gene: u16, (low, high): (u16, u16), star: bool) -> String {
    let span = high - low + 1;
    let one = low + gene % span;
    let two = low + (gene / 61) % span;
    let (from, to) = (one.min(two), one.max(two));
    match form % 7 {
        0 | 1 if star => "*".to_owned(),
        2 if star => format!("*/{}", 2 + gene % 30),
        3 => format!("{from},{to}"),
        4 => format!("{from}-{to}"),
        5 => format!("{from}-{to}/{}", 1 + gene % 9),
        _ => one.to_string(),
    }
}
