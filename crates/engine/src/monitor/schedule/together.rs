//! Some that are down together, and others well.

use super::tests::{INTERVAL_MS, ids, know, middle, outside};
use super::*;

/// Each at an origin of its own.
fn at<'a>(all: &[IntegrationId], names: &'a [String]) -> Vec<(IntegrationId, &'a str)> {
    let names = names.iter().map(String::as_str);
    all.iter().copied().zip(names).collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("host{n}")).collect()
}

#[test]
fn some_that_are_down_together_are_not_this_computers_network() {
    let all = ids(10);
    let names = names(10);
    let hosts = at(&all, &names);
    let mut schedule = Schedule::starting(Time(0));
    know(&mut schedule, 0, &all);
    let now = Time(SPREAD_MS);
    know(&mut schedule, now.0, &all);
    schedule.due(now, false);
    for id in &all[4..] {
        schedule.tried(*id, Tried::Answered, now, middle);
    }
    // An agent's call, or a sign of life.
    schedule.heard(all[7]);
    for id in &all[..4] {
        schedule.tried(*id, Tried::NoAnswer, now, middle);
    }
    assert!(
        !schedule.none_answers(&hosts),
        "whoever answered last is not asked yet"
    );
    assert_eq!(schedule.due(now, false), [Due { id: all[7] }]);
    assert!(!schedule.none_answers(&hosts), "nor has it told");
    schedule.tried(all[7], Tried::Answered, now, middle);
    for id in &all[..3] {
        schedule.tried(*id, Tried::NoAnswer, now, middle);
    }
    assert!(!schedule.none_answers(&hosts));
    assert!(schedule.due(now, false).is_empty(), "three prove nothing");
    // Now it is the network.
    for id in [all[3], all[7]] {
        schedule.tried(id, Tried::NoAnswer, now, middle);
    }
    assert!(schedule.none_answers(&hosts));
    schedule.heard(all[9]);
    assert!(!schedule.none_answers(&hosts));
}

#[test]
fn who_cannot_tell_is_no_witness() {
    let all = ids(8);
    let names = names(8);
    let hosts = at(&all, &names);
    let now = Time(SPREAD_MS);
    let silent = || {
        let mut schedule = Schedule::starting(Time(0));
        know(&mut schedule, now.0, &all);
        schedule.due(Time(2 * SPREAD_MS), false);
        for id in &all[4..] {
            schedule.tried(*id, Tried::Answered, now, middle);
        }
        schedule
    };
    let until = now.plus(3_600_000);
    for told in [Tried::Unclear, Tried::NotSent, Tried::RateLimited { until }] {
        let mut schedule = silent();
        schedule.tried(all[7], told, now, middle);
        for id in &all[..4] {
            schedule.tried(*id, Tried::NoAnswer, now, middle);
        }
        assert!(!schedule.none_answers(&hosts), "{told:?}");
        let due = schedule.due(now, false);
        assert_eq!(
            due,
            [Due { id: all[6] }],
            "{told:?}: who answered before it"
        );
        schedule.tried(all[6], Tried::NoAnswer, now, middle);
        assert!(schedule.none_answers(&hosts), "{told:?}");
        // What one tells that proves nothing does not end it.
        schedule.tried(all[6], Tried::Unclear, now, middle);
        assert!(schedule.none_answers(&hosts), "{told:?}");
    }
}

#[test]
fn offline_those_that_may_answer_are_tried_first() {
    let all = ids(8);
    let mut schedule = Schedule::starting(Time(0));
    know(&mut schedule, 0, &all);
    let now = Time(SPREAD_MS);
    schedule.due(now, false);
    for id in &all[4..] {
        schedule.tried(*id, Tried::Answered, now, middle);
    }
    for id in &all[..4] {
        schedule.tried(*id, Tried::NoAnswer, now, middle);
    }
    let mut asked = vec![];
    for tick in 1..=16 {
        let now = now.plus(tick * 10_000);
        let one = schedule.one().expect("one");
        schedule.tried(one.id, Tried::NoAnswer, now, middle);
        asked.push(one.id);
    }
    assert_eq!(asked[..4], [all[7], all[6], all[5], all[4]]);
    let later: BTreeSet<_> = asked[4..].iter().collect();
    assert!(later.len() >= 4, "and none alone for ever: {asked:?}");
}

/// A VPN that is off for two hours: what lies behind it is silent, quickly or not, and all others are as ever.
#[test]
fn while_some_are_down_for_hours_the_others_are_pinged_as_ever() {
    for (down, up, takes_ms) in [
        (6, 20, 10_000),
        (6, 20, 0),
        (8, 40, 10_000),
        (4, 10, 10_000),
    ] {
        let all = ids(down + up);
        let down = usize::try_from(down).expect("few");
        let names = names(all.len());
        let hosts = at(&all, &names);
        let mut schedule = Schedule::starting(Time(0));
        let mut under_way: Vec<(i64, IntegrationId)> = vec![];
        let mut pings = BTreeMap::<IntegrationId, usize>::new();
        let mut turn = 0_i64;
        let mut jitter = |below: i64| {
            turn += 1;
            (turn * 7_919) % below.max(1)
        };
        for second in 0..7_200 {
            let now = Time(second * 1_000);
            let known = all.iter().map(|id| outside(*id, INTERVAL_MS));
            schedule.know(now, known, &mut jitter);
            let (over, still) = under_way.iter().partition(|(at, _)| *at <= now.0);
            under_way = still;
            let over: Vec<(i64, IntegrationId)> = over;
            for (_, id) in over {
                let is_down = all[..down].contains(&id);
                let tried = if is_down {
                    Tried::NoAnswer
                } else {
                    Tried::Answered
                };
                let came_back = schedule.tried(id, tried, now, &mut jitter);
                assert!(!came_back, "in second {second}");
                assert!(!schedule.none_answers(&hosts), "in second {second}");
            }
            for Due { id } in schedule.due(now, false) {
                let is_down = all[..down].contains(&id);
                under_way.push((now.0 + if is_down { takes_ms } else { 200 }, id));
                *pings.entry(id).or_default() += 1;
            }
        }
        let of_others: usize = all[down..].iter().map(|id| pings[id]).sum();
        let an_hour = of_others / 2 / (all.len() - down);
        assert!(an_hour <= 5, "{an_hour} an hour of {of_others}");
        for id in &all[..down] {
            assert!(pings[id] >= 8, "{} of one that is down", pings[id]);
        }
    }
}
