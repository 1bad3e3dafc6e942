use super::*;
use proptest::prelude::*;

const MINUTE: i64 = 60_000;

fn healthy() -> State {
    State::connected(Time(0), None)
}

fn after(state: &State, signals: &[(i64, Signal)]) -> State {
    signals.iter().fold(state.clone(), |state, (at, signal)| {
        next(&state, signal, Time(*at)).0
    })
}

#[test]
fn an_outage_fails_the_card_only_after_three_failures_over_two_minutes_while_others_answer() {
    let gone = Signal::Unreachable(Elsewhere::Answers);
    let quick = after(
        &healthy(),
        &[(1, gone.clone()), (2, gone.clone()), (3, gone.clone())],
    );
    assert_eq!(
        quick.shown(Time(3)).status(),
        Status::Healthy,
        "three within a moment is a blip"
    );
    let long = after(
        &healthy(),
        &[
            (0, gone.clone()),
            (MINUTE, gone.clone()),
            (2 * MINUTE, gone),
        ],
    );
    assert_eq!(
        long.shown(Time(2 * MINUTE)),
        Reason::Unreachable { since: Time(0) }
    );
}

#[test]
fn a_lone_integration_can_fail_but_only_after_ten_minutes() {
    let gone = Signal::Unreachable(Elsewhere::NothingToCompare);
    let nine = after(
        &healthy(),
        &[
            (0, gone.clone()),
            (5 * MINUTE, gone.clone()),
            (9 * MINUTE, gone.clone()),
        ],
    );
    assert_eq!(nine.shown(Time(9 * MINUTE)).status(), Status::Healthy);
    let ten = after(&nine, &[(10 * MINUTE, gone)]);
    assert_eq!(ten.shown(Time(10 * MINUTE)).status(), Status::Failing);
}

#[test]
fn no_network_says_nothing_about_an_integration() {
    let off = Signal::Unreachable(Elsewhere::Offline);
    let state = after(
        &healthy(),
        &[
            (0, off.clone()),
            (60 * MINUTE, off.clone()),
            (600 * MINUTE, off),
        ],
    );
    assert_eq!(state, healthy());
}

#[test]
fn a_rejection_fails_at_once_keeps_its_first_moment_and_one_answer_heals() {
    let state = after(
        &healthy(),
        &[(10, Signal::Rejected), (20, Signal::Rejected)],
    );
    assert_eq!(state.shown(Time(20)), Reason::Rejected { since: Time(10) });
    assert_eq!(
        after(&state, &[(30, Signal::Answered)]).shown(Time(30)),
        Reason::Ok
    );
}

#[test]
fn a_credential_from_a_backup_is_mended_by_reconnect_alone() {
    let state = after(&healthy(), &[(1, Signal::Restored), (2, Signal::Answered)]);
    assert_eq!(state.shown(Time(2)), Reason::RestoredFromBackup);
    let state = after(&state, &[(3, Signal::Connected { end: None })]);
    assert_eq!(state.shown(Time(3)), Reason::Ok);
}

#[test]
fn an_end_warns_seven_days_before_or_a_fifth_of_a_short_life() {
    const DAY: i64 = 24 * 60 * MINUTE;
    let long = End {
        issued: Time(0),
        at: Time(90 * DAY),
    };
    assert!(!long.warns(Time(82 * DAY)));
    assert!(long.warns(Time(83 * DAY)));
    let short = End {
        issued: Time(0),
        at: Time(60 * MINUTE),
    };
    assert!(!short.warns(Time(47 * MINUTE)));
    assert!(short.warns(Time(48 * MINUTE)));
}

#[test]
fn reaching_the_warning_window_is_a_change_even_without_news() {
    let end = End {
        issued: Time(0),
        at: Time(100 * MINUTE),
    };
    let state = State::connected(Time(0), Some(end));
    let (_, effects) = next(&state, &Signal::Tick, Time(90 * MINUTE));
    assert_eq!(
        effects,
        [Effect::StatusChanged {
            from: Status::Healthy,
            to: Status::Expiring
        }]
    );
}

#[test]
fn too_many_requests_is_never_a_failure_and_passes_by_itself() {
    let state = after(&healthy(), &[(0, Signal::RateLimited { until: Time(50) })]);
    assert_eq!(
        state.shown(Time(10)),
        Reason::RateLimited { until: Time(50) }
    );
    assert_eq!(state.shown(Time(10)).status(), Status::Healthy);
    assert_eq!(state.shown(Time(50)), Reason::Ok);
}

fn any_signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        4 => Just(Signal::Answered),
        1 => Just(Signal::Rejected),
        1 => Just(Signal::Forbidden),
        2 => Just(Signal::Unreachable(Elsewhere::Answers)),
        2 => Just(Signal::Unreachable(Elsewhere::NothingToCompare)),
        2 => Just(Signal::Unreachable(Elsewhere::Offline)),
        1 => (0i64..1_000_000).prop_map(|at| Signal::RateLimited { until: Time(at) }),
        1 => Just(Signal::Connected { end: None }),
        1 => Just(Signal::Restored),
        2 => Just(Signal::Tick),
    ]
}

proptest! {
    #[test]
    fn only_a_definitive_answer_or_a_long_outage_ever_fails_a_card(
        steps in prop::collection::vec((0i64..5 * MINUTE, any_signal()), 0..60)
    ) {
        let mut state = healthy();
        let mut now = 0;
        for (wait, signal) in steps {
            now += wait;
            let before = state.shown(Time(now)).status();
            let (new, effects) = next(&state, &signal, Time(now));
            let after = new.shown(Time(now)).status();
            if before != Status::Failing && after == Status::Failing {
                let definitive = matches!(signal, Signal::Rejected | Signal::Forbidden | Signal::Restored);
                let outage = matches!(signal, Signal::Unreachable(Elsewhere::Answers | Elsewhere::NothingToCompare))
                    && new.outage.is_some_and(|o| o.count >= 3 && now - o.first.0 >= OUTAGE_MS);
                prop_assert!(definitive || outage, "{signal:?} broke a healthy card");
            }
            prop_assert!(effects.len() <= 1, "one change of status at most");
            prop_assert!(matches!(new.shown(Time(now)).status(), Status::Healthy | Status::Failing));
            if signal == (Signal::Connected { end: None }) {
                prop_assert_eq!(after, Status::Healthy, "a reconnect always heals");
            }
            state = new;
        }
    }
}
