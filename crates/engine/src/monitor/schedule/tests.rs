use super::*;
use proptest::prelude::*;

#[test]
fn only_what_came_from_the_far_side_is_an_answer() {
    let tried = |code| {
        Tried::of(&TestReport {
            health: wire::HealthView {
                status: wire::Status::Healthy,
                reason: wire::Reason::Ok,
                fix: None,
                since: Time(0),
                checked_at: None,
            },
            at: Time(0),
            tried: String::new(),
            took_ms: 0,
            answer: String::new(),
            error: Some(wire::Error::new(code)),
        })
    };
    for (code, told) in [
        (ErrorCode::Rejected, Tried::Answered),
        (ErrorCode::Unreachable, Tried::NoAnswer),
        // A portal that answers every name with an address of its own.
        (ErrorCode::AddressPrivate, Tried::NoAnswer),
        (ErrorCode::AddressForbidden, Tried::NoAnswer),
        (ErrorCode::KeyringLocked, Tried::NotSent),
        (ErrorCode::KeyringLost, Tried::Unclear),
        (ErrorCode::CredentialUnreadable, Tried::Unclear),
        (ErrorCode::CredentialRestored, Tried::Unclear),
        (ErrorCode::IntegrationUnknown, Tried::Unclear),
    ] {
        assert_eq!(tried(code), told, "{code:?}");
    }
}

/// The usual time between pings of what is well.
pub(super) const INTERVAL_MS: i64 = 15 * 60_000;

pub(super) fn ids(count: u128) -> Vec<IntegrationId> {
    (1..=count)
        .map(|n| IntegrationId(uuid::Uuid::from_u128(n)))
        .collect()
}

pub(super) fn middle(below: i64) -> i64 {
    below / 2
}

pub(super) fn outside(id: IntegrationId, pace_ms: i64) -> Known {
    Known {
        id,
        checked_at: None,
        pace_ms,
        is_outside: true,
    }
}

pub(super) fn know(schedule: &mut Schedule, now: i64, ids: &[IntegrationId]) {
    let mut turn = 0;
    schedule.know(
        Time(now),
        ids.iter().map(|id| outside(*id, INTERVAL_MS)),
        |below| {
            turn += 1;
            (turn * 7919) % below.max(1)
        },
    );
}

#[test]
fn each_has_its_own_pace_and_a_quicker_one_holds_from_now_on() {
    let all = ids(2);
    let mut schedule = Schedule::starting(Time(0));
    let know = |schedule: &mut Schedule, now: i64, paces: [i64; 2]| {
        let known = all.iter().zip(paces).map(|(id, pace)| outside(*id, pace));
        schedule.know(Time(now), known, middle);
    };
    let (minute, day) = (60_000, 24 * 3_600_000);
    know(&mut schedule, 0, [minute, day]);
    let mut pings = [0, 0];
    for second in (0..7_200).step_by(10) {
        let now = Time(second * 1_000);
        // Half an hour before the end the second is to be checked each minute, too.
        let pace = if second < 5_400 { day } else { minute };
        know(&mut schedule, now.0, [minute, pace]);
        for due in schedule.due(now, false) {
            schedule.tried(due.id, Tried::Answered, now, middle);
            pings[usize::from(due.id == all[1])] += 1;
        }
    }
    assert!((100..=125).contains(&pings[0]), "{pings:?}");
    assert!((25..=32).contains(&pings[1]), "{pings:?}");
}

#[test]
fn what_failed_is_looked_at_soon_however_seldom_it_is_checked() {
    let all = ids(1);
    let mut schedule = Schedule::starting(Time(0));
    let day = 24 * 3_600_000;
    schedule.know(Time(0), [outside(all[0], day)].into_iter(), middle);
    let mut now = 66_000;
    for _ in 0..12 {
        let due = schedule.next().expect("one");
        now = now.max(due.0);
        assert_eq!(schedule.due(Time(now), false).len(), 1);
        schedule.tried(all[0], Tried::Trouble, Time(now), middle);
        let next = schedule.next().expect("one").since(Time(now));
        assert!(next <= DOUBT_MAX_MS, "{next}");
    }
}

#[test]
fn the_first_wave_is_spread_over_a_minute() {
    let all = ids(200);
    let mut schedule = Schedule::starting(Time(0));
    know(&mut schedule, 0, &all);
    let mut seen = 0;
    for second in 0..SPREAD_MS / 1000 {
        let due = schedule.due(Time(second * 1000), false).len();
        assert!(due <= 40, "{due} at once in second {second}");
        seen += due;
    }
    const { assert!(SPREAD_MS >= 60_000) };
    assert_eq!(seen + schedule.due(Time(SPREAD_MS), false).len(), 200);
}

#[test]
fn waking_after_three_days_spreads_all_and_runs_each_once() {
    let all = ids(200);
    let mut schedule = Schedule::starting(Time(0));
    know(&mut schedule, 0, &all);
    let woken = 3 * 24 * 3_600_000;
    know(&mut schedule, woken, &all);
    let at_once = schedule.due(Time(woken), false).len();
    assert!(at_once < 20, "{at_once} in the first moment after waking");
    let later = schedule.due(Time(woken + SPREAD_MS), false).len();
    assert_eq!(
        at_once + later,
        200,
        "each one once, not once for each missed turn"
    );
}

#[test]
fn one_that_runs_is_not_started_again() {
    let all = ids(1);
    let mut schedule = Schedule::starting(Time(0));
    know(&mut schedule, 0, &all);
    assert_eq!(schedule.due(Time(SPREAD_MS), false).len(), 1);
    assert_eq!(schedule.due(Time(70_000), false).len(), 0);
    schedule.tried(all[0], Tried::Answered, Time(80_000), middle);
    assert_eq!(schedule.due(Time(81_000), false).len(), 0);
    assert_eq!(
        schedule
            .due(Time(80_000 + INTERVAL_MS * 3 / 2), false)
            .len(),
        1
    );
}

#[test]
fn what_is_near_already_is_not_brought_nearer() {
    let all = ids(1);
    let mut schedule = Schedule::starting(Time(0));
    know(&mut schedule, 0, &all);
    let first = schedule.next().expect("one waits");
    schedule.soon(all[0], (Time(0), SPREAD_MS), middle);
    assert_eq!(
        schedule.next(),
        Some(first),
        "or a wave would lose its tail"
    );
    schedule.soon(all[0], (Time(0), 0), middle);
    assert_eq!(schedule.next(), Some(Time(0).min(first)));
}

#[test]
fn too_many_requests_are_not_asked_again_before_their_time() {
    let all = ids(1);
    let mut schedule = Schedule::starting(Time(0));
    know(&mut schedule, 0, &all);
    schedule.due(Time(SPREAD_MS), false);
    let until = Time(10_000_000);
    schedule.tried(all[0], Tried::RateLimited { until }, Time(61_000), middle);
    assert!(schedule.due(Time(9_999_999), false).is_empty());
}

#[test]
fn offline_tries_one_at_a_time_and_the_first_answer_says_that_it_is_back() {
    let all = ids(50);
    let mut schedule = Schedule::starting(Time(0));
    know(&mut schedule, 0, &all);
    for due in schedule.due(Time(SPREAD_MS), false) {
        schedule.tried(due.id, Tried::NoAnswer, Time(61_000), middle);
    }
    let names: Vec<String> = (0..50).map(|n| format!("host{n}")).collect();
    let outside: Vec<_> = all
        .iter()
        .copied()
        .zip(names.iter().map(String::as_str))
        .collect();
    assert!(schedule.none_answers(&outside));
    let one_origin: Vec<_> = all.iter().map(|id| (*id, "host")).collect();
    assert!(
        !schedule.none_answers(&one_origin),
        "one server that is down is not this computer's network"
    );
    let one = schedule.due(Time(70_000), true);
    assert_eq!(one.len(), 1);
    assert!(
        schedule.tried(one[0].id, Tried::Answered, Time(71_000), middle),
        "it is back"
    );
    assert!(!schedule.none_answers(&outside));
}

#[test]
fn what_runs_on_this_computer_keeps_its_turn_offline_and_tells_nothing_of_the_network() {
    let all = ids(6);
    let local = all[5];
    let mut schedule = Schedule::starting(Time(0));
    let known = all.iter().map(|id| Known {
        is_outside: *id != local,
        ..outside(*id, INTERVAL_MS)
    });
    schedule.know(Time(0), known, middle);
    for due in schedule.due(Time(SPREAD_MS), false) {
        let tried = if due.id == local {
            Tried::Answered
        } else {
            Tried::NoAnswer
        };
        assert!(!schedule.tried(due.id, tried, Time(SPREAD_MS), middle));
    }
    let names: Vec<String> = (0..5).map(|n| format!("host{n}")).collect();
    let outside: Vec<_> = all
        .iter()
        .copied()
        .zip(names.iter().map(String::as_str))
        .collect();
    let mut of_local = 0;
    for tick in 1..360 {
        let now = Time(SPREAD_MS + tick * 10_000);
        let due = schedule.due(now, true);
        assert!(due.iter().filter(|each| each.id != local).count() == 1);
        for each in due {
            let tried = if each.id == local {
                of_local += 1;
                Tried::Answered
            } else {
                Tried::NoAnswer
            };
            assert!(!schedule.tried(each.id, tried, now, middle), "it is back");
            assert!(schedule.none_answers(&outside), "in tick {tick}");
        }
    }
    assert!((3..=8).contains(&of_local), "{of_local} in an hour");
}

#[test]
fn no_answer_is_none_though_it_asked_to_slow_down_before_and_is_left_its_time() {
    let until = Time(10_000_000);
    let report = TestReport {
        at: Time(0),
        tried: String::new(),
        took_ms: 1,
        error: Some(wire::Error::new(ErrorCode::Unreachable)),
        answer: String::new(),
        health: wire::HealthView {
            status: wire::Status::Healthy,
            reason: wire::Reason::RateLimited { until },
            fix: None,
            since: Time(0),
            checked_at: None,
        },
    };
    assert_eq!(Tried::of(&report), Tried::NoAnswer);
    let all = ids(1);
    let mut schedule = Schedule::starting(Time(0));
    know(&mut schedule, 0, &all);
    schedule.due(Time(SPREAD_MS), false);
    schedule.tried(all[0], Tried::RateLimited { until }, Time(61_000), middle);
    assert_eq!(schedule.due(Time(70_000), true).len(), 1, "offline");
    schedule.tried(all[0], Tried::NoAnswer, Time(71_000), middle);
    assert!(schedule.due(Time(9_999_999), false).is_empty());
}

#[test]
fn doubt_looks_again_sooner_than_the_interval_and_backs_off() {
    let all = ids(1);
    let mut schedule = Schedule::starting(Time(0));
    know(&mut schedule, 0, &all);
    schedule.due(Time(SPREAD_MS), false);
    let mut waits = vec![];
    let mut now = SPREAD_MS;
    for _ in 0..8 {
        schedule.tried(all[0], Tried::NoAnswer, Time(now), middle);
        let next = (now..)
            .step_by(1000)
            .find(|t| !schedule.due(Time(*t), false).is_empty())
            .expect("due at last");
        waits.push(next - now);
        now = next;
    }
    assert!(waits[0] <= 2 * DOUBT_MS, "{waits:?}");
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
    assert!(
        waits.iter().all(|wait| *wait <= INTERVAL_MS * 3 / 2 + 1000),
        "{waits:?}"
    );
}

proptest! {
    #[test]
    fn whatever_the_clock_does_every_one_is_due_again_within_two_intervals(
        jumps in prop::collection::vec(-7_200_000i64..7_200_000, 1..40)
    ) {
        let all = ids(5);
        let mut schedule = Schedule::starting(Time(0));
        let mut now = 0i64;
        for jump in jumps {
            now += jump;
            know(&mut schedule, now, &all);
            for due in schedule.due(Time(now), false) {
                schedule.tried(due.id, Tried::Answered, Time(now), middle);
            }
        }
        let later = now + 2 * INTERVAL_MS;
        prop_assert_eq!(schedule.due(Time(later), false).len(), 5);
    }
}
