//! Schedules and their runs against an independent reading: minute by minute, with nothing but the
//! offsets of the tz database.

mod agents;
mod matcher;
mod outage;
mod unwritable;

use super::{
    claim::{Watch, correct, decide},
    schedule::Schedule,
};
use crate::store::crons::CronRow;
use matcher::{Reading, near_a_change, schedule_of, zone_of};
use proptest::prelude::*;
use std::collections::BTreeMap;
use wire::{CronId, Missed, RunCause, RunOutcome, RunView, Time};

const MINUTE: i64 = 60_000;

/// A world with one cron: what its clock reads, what is on disk, and what ran.
struct World {
    now: Time,
    row: CronRow,
    watch: Watch,
    schedule: Schedule,
    reading: Reading,
    /// When each moment's run began.
    runs: BTreeMap<Time, Time>,
    last: Option<RunView>,
    /// When somebody looked last.
    looked: Time,
}

impl World {
    fn new(text: &str, zone: chrono_tz::Tz, missed: Missed, now: Time) -> Self {
        let schedule = Schedule::read(text, zone.name()).expect("a schedule that runs");
        let row = CronRow {
            id: CronId(uuid::Uuid::nil()),
            name: String::new(),
            agent: None,
            schedule: text.to_owned(),
            zone: zone.name().to_owned(),
            calls: Vec::new(),
            missed,
            limit_min: 1,
            created_at: now,
            paused: None,
            next_at: schedule.next(now),
            handled_at: now,
            obstacle: None,
        };
        Self {
            now,
            row,
            watch: Watch::from(now),
            schedule,
            reading: Reading::of(text, zone),
            runs: BTreeMap::new(),
            last: None,
            looked: now,
        }
    }

    /// One look, as the loop and the store make it; and everything that must hold of it.
    fn look(&mut self) -> Result<(), TestCaseError> {
        let now = self.now;
        let awake = (0..=90_000).contains(&now.since(self.looked));
        self.looked = now;
        self.watch.look(now);
        if let Some(row) = correct(&self.row, Some(&self.schedule), now) {
            self.row = row;
        }
        let handled = self.row.handled_at;
        let expected = self.reading.moments(handled, now);
        let mut begun = None;
        if self.row.next_at.is_some_and(|at| at <= now) {
            let (row, starts) = decide(
                &self.row,
                (&self.schedule, self.last.as_ref()),
                self.watch,
                now,
            );
            self.row = row;
            // The index of runs: a moment that has its run gets no other.
            if let Some((due, cause)) = starts.filter(|(due, _)| !self.runs.contains_key(due)) {
                self.runs.insert(due, now);
                self.last = Some(run(due, now));
                begun = Some((due, cause));
            }
        }
        let ran = |at: &Time| self.runs.contains_key(at);
        match (expected.last(), begun) {
            (None, begun) => prop_assert!(begun.is_none(), "a run at no moment: {begun:?}"),
            (Some(latest), None) => prop_assert!(
                ran(latest) || (self.row.missed == Missed::LeaveOut && !awake),
                "{} of {:?} had no run",
                latest.0,
                self.row.schedule
            ),
            (Some(latest), Some((due, cause))) => {
                prop_assert_eq!(due, *latest, "one run stands for all that was missed");
                if awake {
                    prop_assert_eq!(&cause, &RunCause::Schedule);
                }
                if self.row.missed == Missed::LeaveOut {
                    prop_assert!(now.since(due) <= 90_000 || awake, "late: {due:?}");
                }
            }
        }
        Ok(())
    }
}

fn run(due: Time, now: Time) -> RunView {
    RunView {
        id: uuid::Uuid::nil(),
        due_at: Some(due),
        begun_at: now,
        ended_at: Some(now),
        outcome: RunOutcome::Ok,
        cause: RunCause::Schedule,
        error: None,
        calls: Vec::new(),
    }
}

/// What happens to a computer.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Awake for so many looks, 5 to 30 seconds apart.
    Awake { looks: u8, apart_s: u8 },
    /// Asleep, or off: nobody looks.
    Asleep { minutes: u16 },
    /// The app ends and starts again.
    Restart { down_s: u16 },
    /// The clock is set, either way.
    Jump { minutes: i16 },
    /// The clock was wrong by days, and is set right after a look.
    WrongFor { days: u8 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (1..12u8, 5..31u8).prop_map(|(looks, apart_s)| Event::Awake { looks, apart_s }),
        3 => (1..1_500u16).prop_map(|minutes| Event::Asleep { minutes }),
        2 => (1..600u16).prop_map(|down_s| Event::Restart { down_s }),
        2 => (-400..400i16).prop_map(|minutes| Event::Jump { minutes }),
        1 => (1..4u8).prop_map(|days| Event::WrongFor { days }),
    ]
}

fn live(world: &mut World, event: Event) -> Result<(), TestCaseError> {
    match event {
        Event::Awake { looks, apart_s } => {
            for _ in 0..looks {
                world.now = world.now.plus(i64::from(apart_s) * 1_000);
                world.look()?;
            }
        }
        Event::Asleep { minutes } => world.now = world.now.plus(i64::from(minutes) * MINUTE),
        Event::Restart { down_s } => {
            world.now = world.now.plus(i64::from(down_s) * 1_000);
            world.watch = Watch::from(world.now);
        }
        Event::Jump { minutes } => world.now = world.now.plus(i64::from(minutes) * MINUTE),
        Event::WrongFor { days } => {
            let away = i64::from(days) * 24 * 60 * MINUTE;
            world.now = world.now.plus(away);
            world.look()?;
            world.now = world.now.plus(-away);
        }
    }
    world.look()?;
    let (row, reading) = (&world.row, &world.reading);
    let next = reading.first_after(row.handled_at, row.next_at);
    prop_assert_eq!(row.next_at, next, "what is told to be next");
    Ok(())
}

/// Histories in an ordinary run of the tests; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(asked.unwrap_or(2_000))
}

proptest! {
    #![proptest_config(config())]

    /// Over random zones, schedules, restarts, jumps of the clock and sleeps: each moment runs once, or
    /// one run stands for it, and none runs twice.
    #[test]
    fn no_run_is_missed_and_none_is_doubled(
        genes in prop::array::uniform10(any::<u16>()),
        leave_out in any::<bool>(),
        start in 0..1_000_000_000i64,
        events in prop::collection::vec(event(), 1..24),
    ) {
        let zone = zone_of(genes[0]);
        let text = schedule_of(&genes);
        let begin = near_a_change(zone, genes[1], start);
        let missed = if leave_out { Missed::LeaveOut } else { Missed::CatchUp };
        let mut world = World::new(&text, zone, missed, begin);
        for event in events {
            live(&mut world, event)?;
        }
        for due in world.runs.keys() {
            prop_assert!(world.reading.fires(*due), "{} is no moment of {text} in {zone}", due.0);
        }
    }
}
