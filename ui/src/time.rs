//! Moments in the reader's words and time zone.

use crate::say::{say, say_count, say_with};
use wire::Time;
use yew::prelude::*;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The moment that relative times are told from. The app moves it on every ten seconds, so that
/// only the words that changed are painted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now(pub Time);

/// This computer's clock.
#[cfg(target_arch = "wasm32")]
#[must_use]
#[allow(clippy::cast_possible_truncation)] // Milliseconds since 1970 fit in 53 bits.
pub fn now() -> Time {
    Time(js_sys::Date::now() as i64)
}

/// This computer's clock.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn now() -> Time {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A moment on the reader's wall: calendar date and clock time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Local {
    year: i64,
    /// 1 to 12.
    month: u32,
    day: u32,
    /// 0 is Sunday.
    weekday: u32,
    hour: u32,
    minute: u32,
    second: u32,
}

impl Local {
    fn is_same_day(self, other: Self) -> bool {
        (self.year, self.month, self.day) == (other.year, other.month, other.day)
    }
}

#[cfg(target_arch = "wasm32")]
#[allow(clippy::cast_precision_loss)] // Milliseconds since 1970 fit in 53 bits.
fn local(at: Time) -> Local {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at.0 as f64));
    Local {
        year: i64::from(date.get_full_year()),
        month: date.get_month() + 1,
        day: date.get_date(),
        weekday: date.get_day(),
        hour: date.get_hours(),
        minute: date.get_minutes(),
        second: date.get_seconds(),
    }
}

/// Natively (tests) the reader is in Greenwich. Days to date as in Howard Hinnant's
/// "chrono-compatible low-level date algorithms", `civil_from_days`.
#[cfg(not(target_arch = "wasm32"))]
fn local(at: Time) -> Local {
    let days = at.0.div_euclid(DAY);
    let rest = at.0.rem_euclid(DAY);
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let small = |n: i64| u32::try_from(n).unwrap_or_default();
    Local {
        year: yoe + era * 400 + i64::from(month <= 2),
        month: small(month),
        day: small(doy - (153 * mp + 2) / 5 + 1),
        weekday: small((days + 4).rem_euclid(7)),
        hour: small(rest / HOUR),
        minute: small(rest % HOUR / MINUTE),
        second: small(rest % MINUTE / SECOND),
    }
}

const MONTHS: [&str; 12] = [
    "month-1", "month-2", "month-3", "month-4", "month-5", "month-6", "month-7", "month-8",
    "month-9", "month-10", "month-11", "month-12",
];
const WEEKDAYS: [&str; 7] = [
    "weekday-0",
    "weekday-1",
    "weekday-2",
    "weekday-3",
    "weekday-4",
    "weekday-5",
    "weekday-6",
];

fn month(at: Local) -> AttrValue {
    say(MONTHS[(at.month as usize + 11) % 12])
}

fn weekday(at: Local) -> AttrValue {
    say(WEEKDAYS[at.weekday as usize % 7])
}

/// How long ago: "just now", "40 s ago", "4 min ago", "2 h ago", "yesterday", "5 days ago", then
/// the date.
#[must_use]
pub fn ago(at: Time, now: Time) -> AttrValue {
    let (then, today) = (local(at), local(now));
    let count = |key, millis| say_count(key, usize::try_from(millis).unwrap_or_default());
    match now.since(at) {
        ..10_000 => say("ago-now"),
        gone @ ..MINUTE => count("ago-seconds", gone / SECOND / 10 * 10),
        gone @ ..HOUR => count("ago-minutes", gone / MINUTE),
        gone if gone < DAY && then.is_same_day(today) || gone < 6 * HOUR => {
            count("ago-hours", gone / HOUR)
        }
        _ if then.is_same_day(local(now.plus(-DAY))) => say("ago-yesterday"),
        gone if gone < 14 * DAY => {
            // Calendar days: Friday noon is two days ago on Sunday morning.
            let midnight = i64::from((today.hour * 60 + today.minute) * 60 + today.second) * SECOND;
            count("ago-days", (gone - midnight) / DAY + 1)
        }
        _ => date(at, now),
    }
}

/// How long until: "in less than a minute", "in 4 min", "in 2 h", "in 5 days".
#[must_use]
pub fn until(at: Time, now: Time) -> AttrValue {
    let count = |key, n| say_count(key, usize::try_from(n).unwrap_or_default());
    match at.since(now) {
        ..MINUTE => say("until-soon"),
        left @ ..HOUR => count("until-minutes", left / MINUTE),
        left @ ..DAY => count("until-hours", left / HOUR),
        left => count("until-days", left / DAY),
    }
}

/// A day: "3 Mar", with its year where that is another one.
#[must_use]
pub fn date(at: Time, now: Time) -> AttrValue {
    let (then, today) = (local(at), local(now));
    if then.year == today.year {
        format!("{} {}", then.day, month(then)).into()
    } else {
        format!("{} {} {}", then.day, month(then), then.year).into()
    }
}

/// A moment inside a sentence: "14:02" today, else "Fri 27 Nov, 09:00".
#[must_use]
pub fn moment(at: Time, now: Time) -> AttrValue {
    if local(at).is_same_day(local(now)) {
        clock(at)
    } else {
        dated(at, now)
    }
}

/// A moment with its day, also today's: "Fri 27 Nov, 09:00".
#[must_use]
pub fn dated(at: Time, now: Time) -> AttrValue {
    let day = date(at, now);
    format!("{} {day}, {}", weekday(local(at)), clock(at)).into()
}

/// The time of day: "14:02".
#[must_use]
pub fn clock(at: Time) -> AttrValue {
    let then = local(at);
    format!("{:02}:{:02}", then.hour, then.minute).into()
}

/// A moment in a column: "14:06:11" today, else "21 Nov, 14:06".
#[must_use]
pub fn stamp(at: Time, now: Time) -> AttrValue {
    let (then, today) = (local(at), local(now));
    if then.is_same_day(today) {
        format!("{:02}:{:02}:{:02}", then.hour, then.minute, then.second).into()
    } else {
        format!("{}, {:02}:{:02}", date(at, now), then.hour, then.minute).into()
    }
}

/// The whole of it, for a title: "Fri 27 Nov 2026, 14:06:11".
#[must_use]
pub fn full(at: Time) -> AttrValue {
    let then = local(at);
    format!(
        "{} {} {} {}, {:02}:{:02}:{:02}",
        weekday(then),
        then.day,
        month(then),
        then.year,
        then.hour,
        then.minute,
        then.second
    )
    .into()
}

/// A day as a date field holds it: `2026-11-27`.
#[must_use]
pub fn day_of(at: Time) -> String {
    let then = local(at);
    format!("{:04}-{:02}-{:02}", then.year, then.month, then.day)
}

/// The first moment of the day that a date field holds; `None` where it holds none.
#[must_use]
pub fn start_of(day: &str) -> Option<Time> {
    on_day(day, [0, 0])
}

/// The moment that a field of date and time holds, by the reader's clock: `2026-11-24T14:00`, or with a blank
/// where an engine has such a field as plain text. `None` where it holds none.
#[must_use]
pub fn moment_of(typed: &str) -> Option<Time> {
    let (day, clock) = typed.trim().split_once(['T', ' '])?;
    let clock = clock.trim();
    // A field may add seconds; they are not asked for.
    let with_seconds = || numbers(clock, ':').map(|[hour, minute, _]: [u32; 3]| [hour, minute]);
    let [hour, minute] = numbers(clock, ':').or_else(with_seconds)?;
    (hour < 24 && minute < 60).then_some(())?;
    on_day(day, [hour, minute])
}

/// The moment of this day and clock time; `None` where the calendar has no such day.
fn on_day(day: &str, clock: [u32; 2]) -> Option<Time> {
    let [year, month, day] = numbers(day, '-')?;
    ((1970..10_000).contains(&year) && (1..=12).contains(&month)).then_some(())?;
    let at = wall([year, month, day], clock);
    let then = local(at);
    (then.month == month && then.day == day).then_some(at)
}

/// So many numbers, written as digits, with this between them.
fn numbers<const N: usize>(text: &str, between: char) -> Option<[u32; N]> {
    let mut parts = text.split(between);
    let mut found = [0; N];
    for number in &mut found {
        let digits = parts.next()?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        *number = digits.parse().ok().filter(|_| is_number)?;
    }
    parts.next().is_none().then_some(found)
}

/// A moment by the reader's clock.
#[cfg(target_arch = "wasm32")]
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // A calendar's numbers are small.
fn wall([year, month, day]: [u32; 3], [hour, minute]: [u32; 2]) -> Time {
    let date = js_sys::Date::new_with_year_month_day_hr_min(
        year,
        month as i32 - 1,
        day as i32,
        hour as i32,
        minute as i32,
    );
    Time(date.get_time() as i64)
}

/// Natively (tests) the reader is in Greenwich: `days_from_civil` of the same paper.
#[cfg(not(target_arch = "wasm32"))]
fn wall([year, month, day]: [u32; 3], [hour, minute]: [u32; 2]) -> Time {
    let (y, m, d) = (i64::from(year), i64::from(month), i64::from(day));
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    let minutes = i64::from(hour) * 60 + i64::from(minute);
    Time((era * 146_097 + doe - 719_468) * DAY + minutes * MINUTE)
}

/// How long something took: "182 ms", "2.4 s".
#[must_use]
pub fn took(millis: u32) -> AttrValue {
    if millis < 1_000 {
        say_with("took-ms", &[("n", &millis.to_string())])
    } else {
        let tenths = millis / 100;
        say_with(
            "took-s",
            &[("n", &format!("{}.{}", tenths / 10, tenths % 10))],
        )
    }
}

/// "4 min ago", which moves on by itself.
pub fn ago_now(at: Time) -> Html {
    at_now(move |now| html! { <time title={full(at)}>{ ago(at, now) }</time> })
}

/// Something that is told from now on, and rendered again as time goes by; nothing around it is.
pub fn at_now(show: impl Fn(Time) -> Html + 'static) -> Html {
    html! { <AtNow show={Callback::from(show)} /> }
}

#[derive(Properties, PartialEq)]
struct AtNowProps {
    show: Callback<Time, Html>,
}

#[component]
fn AtNow(props: &AtNowProps) -> Html {
    let now = use_context::<Now>().map_or_else(now, |now| now.0);
    props.show.emit(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sun 22 Nov 2026, 14:06:11 in Greenwich.
    const NOW: Time = Time(1_795_356_371_000);

    #[test]
    fn a_moment_is_told_as_people_tell_it() {
        assert_eq!(full(NOW).as_str(), "Sun 22 Nov 2026, 14:06:11");
        assert_eq!(
            full(Time(951_782_400_000)).as_str(),
            "Tue 29 Feb 2000, 00:00:00"
        );
        assert_eq!(moment(NOW.plus(-4 * MINUTE), NOW).as_str(), "14:02");
        assert_eq!(moment(NOW.plus(5 * DAY), NOW).as_str(), "Fri 27 Nov, 14:06");
        assert_eq!(
            moment(NOW.plus(60 * DAY), NOW).as_str(),
            "Thu 21 Jan 2027, 14:06"
        );
        assert_eq!(stamp(NOW, NOW).as_str(), "14:06:11");
        assert_eq!(stamp(NOW.plus(-DAY), NOW).as_str(), "21 Nov, 14:06");
    }

    #[test]
    fn ages_are_rounded_down_and_never_negative() {
        for (millis, told) in [
            (-5_000, "just now"),
            (9_999, "just now"),
            (47_000, "40 s ago"),
            (4 * MINUTE + 59_000, "4 min ago"),
            (2 * HOUR, "2 h ago"),
            (13 * HOUR, "13 h ago"),
            (15 * HOUR, "yesterday"),
            (DAY, "yesterday"),
            (39 * HOUR, "2 days ago"),
            (5 * DAY, "5 days ago"),
            (30 * DAY, "23 Oct"),
        ] {
            assert_eq!(ago(NOW.plus(-millis), NOW).as_str(), told, "{millis} ms");
        }
    }

    #[test]
    fn what_ends_is_told_in_whole_units() {
        for (millis, told) in [
            (-1, "in less than a minute"),
            (9 * MINUTE, "in 9 min"),
            (2 * HOUR + 1, "in 2 h"),
            (DAY, "in 1 day"),
            (5 * DAY + HOUR, "in 5 days"),
        ] {
            assert_eq!(until(NOW.plus(millis), NOW).as_str(), told, "{millis} ms");
        }
    }

    #[test]
    fn a_day_that_was_typed_is_the_day_that_is_shown() {
        for day in ["2026-11-27", "2000-02-29", "1970-01-01", "2031-01-31"] {
            let at = start_of(day).unwrap_or_default();
            assert_eq!(day_of(at), day);
            assert_eq!(day_of(at.plus(DAY - 1)), day, "to its last moment");
        }
        for none in [
            "",
            "tomorrow",
            "2026-13-01",
            "2026-11-00",
            "2026-11",
            "2026-02-30",
            "2026-11-1-1",
            "2026-+1-01",
        ] {
            assert_eq!(start_of(none), None, "{none}");
        }
    }

    #[test]
    fn a_moment_is_read_the_same_with_a_blank_as_with_a_letter_between_its_parts() {
        let at = moment_of("2026-11-22T14:06").expect("a moment");
        assert_eq!(full(at).as_str(), "Sun 22 Nov 2026, 14:06:00");
        for same in [
            "2026-11-22 14:06",
            " 2026-11-22  14:06 ",
            "2026-11-22T14:06:11",
        ] {
            assert_eq!(moment_of(same), Some(at), "{same}");
        }
        for none in [
            "",
            "yesterday",
            "2026-11-22",
            "14:06",
            "2026-11-22 24:00",
            "2026-11-22 14:60",
            "2026-11-31 14:06",
            "22.11.2026 14:06",
            "2026-11-22 2:06 pm",
            "2026-11-22T14:06:",
            "Nov 22 2026 14:06",
        ] {
            assert_eq!(moment_of(none), None, "{none}");
        }
    }

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(took(182).as_str(), "182 ms");
        assert_eq!(took(2_449).as_str(), "2.4 s");
    }
}
