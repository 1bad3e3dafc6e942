//! When a token is renewed: pure, so that every life can be tried.
//!
//! Owns: the moment, from when a token was received and when it ends. Must not know: how it is renewed.

use wire::Time;

/// Five minutes before its end, or at three quarters of its life where that is earlier, a token is
/// renewed.
const MARGIN_MS: i64 = 5 * 60_000;

/// From when on a token is renewed. At half of its life at the earliest: five minutes before the end of
/// one that lives for three would be before its beginning, and it would be renewed without end.
pub(super) fn renew_from(received: Time, end: Time) -> Time {
    let life = end.since(received).max(0);
    let before = MARGIN_MS.max(life / 4).min(life / 2);
    end.plus(-before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const SECOND: i64 = 1_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;

    #[rstest]
    #[case::a_second(SECOND, SECOND / 2)]
    #[case::a_minute(MINUTE, 30 * SECOND)]
    #[case::five_minutes(5 * MINUTE, 150 * SECOND)]
    #[case::ten_minutes(10 * MINUTE, 5 * MINUTE)]
    #[case::a_quarter_of_an_hour(15 * MINUTE, 10 * MINUTE)]
    #[case::both_are_the_same(20 * MINUTE, 15 * MINUTE)]
    #[case::an_hour(HOUR, 45 * MINUTE)]
    #[case::a_day(DAY, 18 * HOUR)]
    #[case::sixty_days(60 * DAY, 45 * DAY)]
    fn the_earlier_of_three_quarters_and_five_minutes_before(#[case] life: i64, #[case] due: i64) {
        let received = Time(1_800_000_000_000);
        assert_eq!(
            renew_from(received, received.plus(life)),
            received.plus(due)
        );
    }

    #[test]
    fn whatever_is_received_is_used_for_half_of_its_life_first() {
        let received = Time(1_800_000_000_000);
        for life in (1..3 * HOUR).step_by(997) {
            let due = renew_from(received, received.plus(life)).since(received);
            assert!(due >= life / 2, "{life}: {due}");
            assert!(due <= life * 3 / 4 + 1, "{life}: {due}");
        }
    }

    #[test]
    fn what_ended_before_it_came_is_due_at_once() {
        assert_eq!(renew_from(Time(1_000), Time(400)), Time(400));
    }
}
