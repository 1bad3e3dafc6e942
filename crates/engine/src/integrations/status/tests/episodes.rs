//! One notice for each episode, and the traps.

use super::*;

const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Everything that was done about `signals`.
fn told(state: &mut State, signals: &[(i64, Signal)]) -> Vec<Effect> {
    let mut all = Vec::new();
    for (at, signal) in signals {
        let (new, effects) = next(state, signal, Time(*at));
        *state = new;
        all.extend(effects);
    }
    all
}

fn opened(effects: &[Effect], of: NoticeKind) -> usize {
    effects
        .iter()
        .filter(|effect| matches!(effect, Effect::OpenNotice { kind, .. } if *kind == of))
        .count()
}

fn closed(effects: &[Effect], of: NoticeKind) -> usize {
    effects
        .iter()
        .filter(|effect| **effect == Effect::CloseNotice { kind: of })
        .count()
}

fn offers(effects: &[Effect]) -> usize {
    effects
        .iter()
        .filter(|effect| **effect == Effect::OfferResume)
        .count()
}

/// A ping each quarter of an hour that goes well.
fn well(from: i64, to: i64) -> Vec<(i64, Signal)> {
    (from..=to)
        .step_by(15 * 60_000)
        .map(|at| (at, Signal::PingOk))
        .collect()
}

#[test]
fn a_key_that_fails_on_monday_heals_and_fails_on_friday_gives_two_notices() {
    let mut state = healthy();
    let mut effects = told(&mut state, &[(DAY, Signal::Rejected)]);
    effects.extend(told(&mut state, &well(DAY + HOUR, 5 * DAY)));
    effects.extend(told(&mut state, &[(5 * DAY + 1, Signal::Rejected)]));
    assert_eq!(opened(&effects, NoticeKind::Failing), 2);
    assert_eq!(closed(&effects, NoticeKind::Failing), 1);
}

#[test]
fn a_token_that_rotates_hourly_under_a_dying_refresh_token_gives_one_notice() {
    let last = 30 * DAY;
    let end = |now: i64| {
        // The server counts down in seconds: each telling is a little off.
        Some(End {
            renewal: Renewal::ByRefresh,
            ..End::fixed(Time(now), Time(last + now % 997))
        })
    };
    let mut state = State::connected(Time(0), end(0));
    let signals: Vec<_> = (1..30 * 24)
        .flat_map(|hour| {
            let at = hour * HOUR;
            [
                (at, Signal::Refreshed { end: end(at) }),
                (at + 1, Signal::PingOk),
            ]
        })
        .collect();
    let effects = told(&mut state, &signals);
    assert_eq!(opened(&effects, NoticeKind::Expiring), 1);
    assert_eq!(closed(&effects, NoticeKind::Expiring), 0);
    assert!(
        matches!(state.shown(Time(29 * DAY)), Reason::EndsOn { .. }),
        "and the card says so"
    );
}

#[test]
fn a_refresh_token_whose_end_moves_with_each_refresh_never_warns() {
    let end = |now: i64| {
        Some(End {
            renewal: Renewal::ByRefresh,
            ..End::fixed(Time(now), Time(now + 30 * DAY))
        })
    };
    let mut state = State::connected(Time(0), end(0));
    // The app was closed for 25 days: the refresh that is asked for moves the end before anybody is told.
    let effects = told(&mut state, &[(25 * DAY, Signal::Tick)]);
    assert_eq!(effects, [Effect::Refresh]);
    let again = told(&mut state, &[(25 * DAY + MINUTE, Signal::Tick)]);
    assert!(again.is_empty(), "asked for once: {again:?}");
    let now = 25 * DAY + 2 * MINUTE;
    let effects = told(&mut state, &[(now, Signal::Refreshed { end: end(now) })]);
    assert!(effects.is_empty(), "{effects:?}");
    assert_eq!(state.shown(Time(now + 20 * DAY)), Reason::Ok);
}

#[test]
fn an_end_that_no_refresh_moves_is_told_also_where_no_refresh_succeeds() {
    let end = End {
        renewal: Renewal::ByRefresh,
        ..End::fixed(Time(0), Time(100 * DAY))
    };
    let mut state = State::connected(Time(0), Some(end));
    let tries: Vec<_> = (93 * 24..100 * 24)
        .map(|hour| (hour * HOUR, Signal::RefreshAmbiguous))
        .collect();
    let effects = told(&mut state, &tries);
    assert_eq!(opened(&effects, NoticeKind::Expiring), 1);
    assert!(
        effects.iter().filter(|e| **e == Effect::Refresh).count() >= 80,
        "and it is tried each hour all the same"
    );
}

#[test]
fn a_flapping_integration_is_told_of_once_and_offers_to_resume_once() {
    let mut state = healthy();
    let signals: Vec<_> = (0..100)
        .flat_map(|n| {
            let at = n * 10 * MINUTE;
            [(at, Signal::Rejected), (at + 5 * MINUTE, Signal::PingOk)]
        })
        .collect();
    let effects = told(&mut state, &signals);
    assert_eq!(opened(&effects, NoticeKind::Failing), 1);
    assert_eq!(offers(&effects), 1, "to resume is offered once");
    assert_eq!(
        effects
            .iter()
            .filter(|e| matches!(e, Effect::StatusChanged { .. }))
            .count(),
        200,
        "the record is complete"
    );
    let effects = told(&mut state, &well(1000 * MINUTE, 1075 * MINUTE));
    assert_eq!(closed(&effects, NoticeKind::Failing), 1);
}

#[test]
fn an_hour_that_nobody_watched_is_no_hour_of_health() {
    let mut state = healthy();
    let effects = told(
        &mut state,
        &[
            (0, Signal::Rejected),
            (MINUTE, Signal::PingOk),
            (2 * HOUR, Signal::Tick),
            (3 * DAY, Signal::ClockJumped),
            (3 * DAY + 1, Signal::PingOk),
        ],
    );
    assert_eq!(closed(&effects, NoticeKind::Failing), 0);
    assert!(state.episodes.failing.is_some());
}

#[test]
fn a_403_on_one_tool_never_fails_the_card_and_passes_when_the_tool_works() {
    let mut state = healthy();
    let refused = Signal::ScopeMissing {
        tool: "refund".into(),
        scopes: vec!["payments:write".into()],
    };
    let effects = told(&mut state, &[(1, refused.clone()), (2, refused)]);
    assert!(effects.is_empty(), "{effects:?}");
    assert_eq!(state.shown(Time(2)), Reason::Ok);
    assert_eq!(state.lacks["refund"], ["payments:write"]);
    let tool = "refund".to_owned();
    told(&mut state, &[(3, Signal::CallOk { tool })]);
    assert!(state.lacks.is_empty());
}

#[test]
fn repair_withdraws_the_notice_and_switching_off_does_too() {
    for end_of_it in [Signal::Connected { end: None }, Signal::SwitchedOff] {
        let mut state = healthy();
        let effects = told(
            &mut state,
            &[(1, Signal::Forbidden), (2, end_of_it.clone())],
        );
        assert_eq!(closed(&effects, NoticeKind::Failing), 1, "{end_of_it:?}");
    }
}

#[test]
fn what_is_switched_off_is_told_of_to_nobody_and_asked_first_when_switched_on() {
    let mut state = healthy();
    let effects = told(
        &mut state,
        &[
            (1, Signal::SwitchedOff),
            (2, Signal::Rejected),
            (3, Signal::SwitchedOn),
        ],
    );
    assert_eq!(opened(&effects, NoticeKind::Failing), 0);
    assert_eq!(
        effects.last(),
        Some(&Effect::SchedulePing { within_ms: 0 }),
        "what was known is old"
    );
    let effects = told(&mut state, &[(4, Signal::Rejected)]);
    assert_eq!(opened(&effects, NoticeKind::Failing), 1);
}

#[test]
fn another_cause_within_an_episode_changes_the_notice_and_opens_none() {
    let mut state = healthy();
    let effects = told(&mut state, &[(1, Signal::Rejected), (2, Signal::Forbidden)]);
    assert_eq!(opened(&effects, NoticeKind::Failing), 1);
    assert_eq!(
        effects.last(),
        Some(&Effect::ChangeNotice {
            kind: NoticeKind::Failing,
            reason: Reason::NeedsAccess { since: Time(2) },
            well_since: None
        })
    );
}

#[test]
fn a_call_that_heals_is_followed_by_the_apps_own_test() {
    let mut state = healthy();
    let tool = "list".to_owned();
    let effects = told(
        &mut state,
        &[(1, Signal::Rejected), (2, Signal::CallOk { tool })],
    );
    assert_eq!(effects.last(), Some(&Effect::SchedulePing { within_ms: 0 }));
    assert_eq!(offers(&effects), 1);
}

#[test]
fn a_401_of_one_call_is_a_doubt_that_the_next_ping_settles() {
    let mut state = healthy();
    let effects = told(&mut state, &[(1, Signal::CallRejected)]);
    assert_eq!(effects, [Effect::SchedulePing { within_ms: 0 }]);
    assert_eq!(state.shown(Time(1)), Reason::Ok);
}
