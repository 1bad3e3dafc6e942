use super::*;

mod episodes;
mod properties;

const MINUTE: i64 = 60_000;

fn healthy() -> State {
    State::connected(Time(0), None)
}

/// No answer, while another origin answered last at `at`.
fn while_others_answer(at: i64) -> Signal {
    Signal::Unreachable(Elsewhere::Others {
        answered: Some(Time(at)),
    })
}

fn after(state: &State, signals: &[(i64, Signal)]) -> State {
    signals.iter().fold(state.clone(), |state, (at, signal)| {
        next(&state, signal, Time(*at)).0
    })
}

#[test]
fn an_outage_fails_the_card_only_after_three_failures_over_two_minutes_while_others_answer() {
    let gone = while_others_answer(MINUTE);
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
fn an_answer_from_before_the_outage_does_not_tell_this_server_from_the_network() {
    let last_heard = while_others_answer(0);
    let state = after(
        &healthy(),
        &[
            (MINUTE, last_heard.clone()),
            (2 * MINUTE, last_heard.clone()),
            (9 * MINUTE, last_heard),
        ],
    );
    assert_eq!(
        state.shown(Time(9 * MINUTE)).status(),
        Status::Healthy,
        "nobody has answered since: it may be this computer's own network"
    );
    let state = after(&state, &[(10 * MINUTE, while_others_answer(9 * MINUTE))]);
    assert_eq!(state.shown(Time(10 * MINUTE)).status(), Status::Failing);
}

#[test]
fn a_lone_integration_can_fail_but_only_after_ten_minutes() {
    let gone = Signal::Unreachable(Elsewhere::Alone);
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
        after(&state, &[(30, Signal::PingOk)]).shown(Time(30)),
        Reason::Ok
    );
}

#[test]
fn a_credential_from_a_backup_is_mended_by_reconnect_alone() {
    let state = after(&healthy(), &[(1, Signal::Restored), (2, Signal::PingOk)]);
    assert_eq!(state.shown(Time(2)), Reason::RestoredFromBackup);
    let state = after(&state, &[(3, Signal::Connected { end: None })]);
    assert_eq!(state.shown(Time(3)), Reason::Ok);
}

#[test]
fn an_end_warns_seven_days_before_or_a_fifth_of_a_short_life() {
    const DAY: i64 = 24 * 60 * MINUTE;
    let long = End::fixed(Time(0), Time(90 * DAY));
    assert!(!long.warns(Time(82 * DAY)));
    assert!(long.warns(Time(83 * DAY)));
    let short = End::fixed(Time(0), Time(60 * MINUTE));
    assert!(!short.warns(Time(47 * MINUTE)));
    assert!(short.warns(Time(48 * MINUTE)));
}

#[test]
fn reaching_the_warning_window_is_a_change_even_without_news() {
    let end = End::fixed(Time(0), Time(100 * MINUTE));
    let state = State::connected(Time(0), Some(end));
    let (state, effects) = next(&state, &Signal::Tick, Time(90 * MINUTE));
    assert_eq!(
        effects,
        [
            Effect::StatusChanged {
                from: Status::Healthy,
                to: Status::Expiring
            },
            Effect::OpenNotice {
                kind: NoticeKind::Expiring,
                reason: Reason::EndsOn {
                    at: Time(100 * MINUTE)
                }
            }
        ]
    );
    let (_, effects) = next(&state, &Signal::Tick, Time(91 * MINUTE));
    assert!(effects.is_empty(), "a change is told once: {effects:?}");
}

#[test]
fn too_many_requests_is_never_a_failure_and_passes_by_itself() {
    let asks = |until, named| Signal::RateLimited {
        until: Time(until),
        named,
    };
    let state = after(&healthy(), &[(0, asks(50, true))]);
    assert_eq!(
        state.shown(Time(10)),
        Reason::RateLimited { until: Time(50) }
    );
    assert_eq!(state.shown(Time(10)).status(), Status::Healthy);
    assert_eq!(state.shown(Time(50)), Reason::Ok);
    // Calls leave it alone for as long as it named, and for a minute at most.
    assert_eq!(
        [0, 49, 50].map(|at| state.rests(Time(at))),
        [Some(1), Some(1), None]
    );
    let day = after(&healthy(), &[(0, asks(24 * 60 * MINUTE, true))]);
    assert_eq!(day.rests(Time(MINUTE - 1_000)), Some(1));
    assert_eq!(day.rests(Time(MINUTE)), None);
    assert_eq!(day.rests(Time(-9 * MINUTE)), None, "a clock that went back");
    let guessed = after(&healthy(), &[(0, asks(MINUTE, false))]);
    assert_eq!(guessed.rests(Time(1)), None);
    // An answer to what was sent before changes nothing of it; a ping that is let through does.
    let tool = "one".to_owned();
    let answered = after(&day, &[(1, Signal::CallOk { tool })]);
    assert_eq!(answered.rests(Time(2)), Some(60));
    assert_eq!(after(&day, &[(1, Signal::PingOk)]).rests(Time(2)), None);
}

/// Every reason that is not simply well.
fn reasons() -> Vec<Reason> {
    let at = Time(10);
    vec![
        Reason::RateLimited { until: at },
        Reason::EndsOn { at },
        Reason::Rejected { since: at },
        Reason::NeedsAccess { since: at },
        Reason::Unreachable { since: at },
        Reason::IssuerChanged,
        Reason::RestoredFromBackup,
        Reason::KeyringLost,
        Reason::RunEnded,
    ]
}

#[test]
fn pain_7_every_message_says_which_integration_and_what_to_do() {
    for reason in reasons() {
        let sentence = words::reason(&reason, "Orders API", "14:02");
        assert!(sentence.contains("Orders API"), "{sentence}");
        let needs_admin = reason.status() != Status::Healthy;
        assert_eq!(reason.fix(false).is_some(), needs_admin, "{sentence}");
    }
}

#[test]
fn pain_8_reconnect_mends_whatever_a_reconnect_is_offered_for() {
    for reason in reasons() {
        let broken = State {
            reason,
            ..healthy()
        };
        let mended = after(&broken, &[(20, Signal::Connected { end: None })]);
        assert_eq!(mended.shown(Time(20)), Reason::Ok, "{broken:?}");
    }
}
