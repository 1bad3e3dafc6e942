use super::*;
use rstest::rstest;

fn at(text: &str) -> Time {
    Time(
        DateTime::parse_from_rfc3339(text)
            .expect("a moment")
            .timestamp_millis(),
    )
}

fn told(time: Option<Time>) -> String {
    let at = time.and_then(|at| DateTime::<Utc>::from_timestamp_millis(at.0));
    at.map_or_else(String::new, |at| at.format("%Y-%m-%dT%H:%MZ").to_string())
}

fn next(schedule: &str, zone: &str, after: &str) -> String {
    let schedule = Schedule::read(schedule, zone).expect("a schedule");
    told(schedule.next(at(after)))
}

#[rstest]
// A plain day, names, lists, steps, the leap day.
#[case(
    "0 9 * * 1-5",
    "Europe/Berlin",
    "2026-11-27T08:00:00Z",
    "2026-11-30T08:00Z"
)]
#[case("*/15 * * * *", "UTC", "2026-11-27T08:00:00Z", "2026-11-27T08:15Z")]
#[case("0 0 29 2 *", "UTC", "2026-11-27T08:00:00Z", "2028-02-29T00:00Z")]
#[case(
    "30 6 1 JAN *",
    "Asia/Kolkata",
    "2026-11-27T08:00:00Z",
    "2027-01-01T01:00Z"
)]
// 02:30 is left out on 28 March 2027 in Berlin: it runs as soon as the clock has moved on.
#[case(
    "30 2 * * *",
    "Europe/Berlin",
    "2027-03-27T12:00:00Z",
    "2027-03-28T01:00Z"
)]
#[case(
    "15,45 2 * * *",
    "Europe/Berlin",
    "2027-03-28T01:00:00Z",
    "2027-03-29T00:15Z"
)]
// 02:30 comes twice on 25 October 2026: it runs the first time only.
#[case(
    "30 2 * * *",
    "Europe/Berlin",
    "2026-10-24T12:00:00Z",
    "2026-10-25T00:30Z"
)]
#[case(
    "30 2 * * *",
    "Europe/Berlin",
    "2026-10-25T00:30:00Z",
    "2026-10-26T01:30Z"
)]
// A star follows the wall: both times, and never what does not exist.
#[case(
    "*/30 2 * * *",
    "Europe/Berlin",
    "2026-10-25T00:30:00Z",
    "2026-10-25T01:00Z"
)]
#[case(
    "30 * * * *",
    "Europe/Berlin",
    "2027-03-28T00:30:00Z",
    "2027-03-28T01:30Z"
)]
// A change of half an hour, and one at midnight.
#[case(
    "15 2 * * *",
    "Australia/Lord_Howe",
    "2026-10-03T12:00:00Z",
    "2026-10-03T15:30Z"
)]
#[case(
    "0 0 * * *",
    "Africa/Cairo",
    "2027-04-29T12:00:00Z",
    "2027-04-29T22:00Z"
)]
fn a_moment_comes_when_users_of_cron_expect_it(
    #[case] schedule: &str,
    #[case] zone: &str,
    #[case] after: &str,
    #[case] expected: &str,
) {
    assert_eq!(
        next(schedule, zone, after),
        expected,
        "{schedule} in {zone}"
    );
}

#[rstest]
#[case("", "UTC", SCHEDULE)]
#[case("9 o'clock", "UTC", SCHEDULE)]
#[case("61 * * * *", "UTC", SCHEDULE)]
#[case("0 9 * *", "UTC", SCHEDULE)]
#[case("0 0 9 * * *", "UTC", SCHEDULE)]
#[case("0 0 30 2 *", "UTC", SCHEDULE)]
#[case("@never", "UTC", SCHEDULE)]
#[case("0 9 * * *", "", ZONE)]
#[case("0 9 * * *", "Mars/Olympus", ZONE)]
fn bad_input_is_told_at_its_field(#[case] text: &str, #[case] zone: &str, #[case] field: &str) {
    let error = Schedule::read(text, zone).expect_err("it is none");
    assert_eq!(error.args["field"], field, "{error}");
    assert!(
        error.code == ErrorCode::FieldEmpty || error.args["why"].len() > 10,
        "{error}"
    );
}

#[test]
fn what_never_runs_is_told_at_once() {
    let began = std::time::Instant::now();
    for text in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31 2 *"] {
        assert!(Schedule::read(text, "Europe/Berlin").is_err(), "{text}");
    }
    assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
}

#[test]
fn the_form_shows_five_moments_and_what_a_change_of_the_clock_does() {
    let now = at("2026-11-27T08:00:00Z");
    let daily = Schedule::read("30 2 * * *", "Europe/Berlin").expect("a schedule");
    let view = daily.view(now);
    assert_eq!(view.next.len(), 5);
    assert_eq!(view.next[0].wall, "Sat 28 Nov 2026, 02:30");
    assert_eq!((view.a_day, view.each_minute), (1, false));
    let shift = view.shift.expect("the summer time of 2027");
    assert_eq!(
        (shift.wall.as_str(), shift.shift),
        ("Sun 28 Mar 2027, 03:00", Some(Shift::Moved))
    );
    let minutes = Schedule::read("* * * * *", "UTC").expect("a schedule");
    let view = minutes.view(now);
    assert!(view.each_minute);
    assert_eq!(view.a_day, 1_440);
    assert!(view.shift.is_none());
}

#[test]
fn the_latest_of_many_missed_moments_is_found_without_walking_through_all() {
    let each = Schedule::read("* * * * *", "UTC").expect("a schedule");
    let began = std::time::Instant::now();
    let (from, until) = (at("2020-01-01T00:00:00Z"), at("2026-11-27T08:00:30Z"));
    assert_eq!(told(each.latest(from, until)), "2026-11-27T08:00Z");
    assert!(began.elapsed().as_millis() < 500);
    assert_eq!(each.latest(until, until), None);
    let yearly = Schedule::read("0 0 1 1 *", "UTC").expect("a schedule");
    assert_eq!(told(yearly.latest(from, until)), "2026-01-01T00:00Z");
}
