use crate::{AgentId, CronId, Error, IntegrationId, Time};
use serde::{Deserialize, Serialize};

/// What becomes of runs that came due while the app could not make them: it was not running, this
/// computer slept, or the run before was not over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// One run stands for all of them.
    #[default]
    CatchUp,
    /// They are left out; the next one is the schedule's.
    LeaveOut,
}

/// One call of a cron: its arguments are a JSON object as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronCall {
    pub integration: IntegrationId,
    /// The tool's own name, without prefix.
    pub tool: String,
    pub arguments: String,
}

/// What an admin types of a cron.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronInput {
    /// 1 to 60 characters.
    pub name: String,
    /// Five fields: minute, hour, day of month, month, day of week.
    pub schedule: String,
    /// A zone of the tz database, such as `Europe/Berlin`.
    pub zone: String,
    /// Made one after the other; the first that fails ends the run. 1 to 20.
    pub calls: Vec<CronCall>,
    pub missed: Missed,
    /// A run that takes longer is ended. 1 to 1,440.
    pub limit_min: u32,
}

/// Whose cron it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "owner")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#owner")
)]
pub enum CronOwner {
    /// The app's own: it makes the calls.
    App,
    /// An agent's, which asks before each run. Its name as it is now, or was when it was removed.
    Agent { id: AgentId, name: String },
}

/// An admin's own pause, which nothing but an admin lifts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub by: String,
    pub at: Time,
}

/// What a cron depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependence {
    pub integration: IntegrationId,
    /// Its name; the last one that was known where it is gone.
    pub name: String,
    /// Its failure paused the cron then; an admin is still to resume it.
    pub held_since: Option<Time>,
    /// It fails now, so nothing can be resumed.
    pub failing: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    Running,
    Ok,
    /// A call failed; those after it were not made.
    Failed,
    /// It did not start: nothing was sent.
    NotStarted,
    /// It took longer than its limit.
    TimedOut,
    /// The app ended while it ran. It is not repeated.
    Interrupted,
}

/// What set a run off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    serde(rename_all = "snake_case", tag = "cause")
)]
#[cfg_attr(
    target_arch = "wasm32",
    serde(rename_all = "snake_case", rename = "#cause")
)]
pub enum RunCause {
    Schedule,
    /// In the place of what was missed.
    CatchUp,
    Admin {
        name: String,
    },
    /// The agent whose cron it is.
    Agent,
}

/// One call of a run, as far as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCall {
    /// `stripe.list_charges`.
    pub action: String,
    /// `None`: not over, or the app ended meanwhile.
    pub took_ms: Option<u32>,
    pub error: Option<Error>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunView {
    pub id: uuid::Uuid,
    /// The moment of the schedule that it is for.
    pub due_at: Option<Time>,
    pub begun_at: Time,
    pub ended_at: Option<Time>,
    pub outcome: RunOutcome,
    pub cause: RunCause,
    /// Why it failed or did not start.
    pub error: Option<Error>,
    /// The calls that it came to, in their order.
    pub calls: Vec<RunCall>,
}

/// One cron.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronView {
    pub id: CronId,
    pub name: String,
    pub owner: CronOwner,
    pub schedule: String,
    pub zone: String,
    /// Empty for an agent's.
    pub calls: Vec<CronCall>,
    pub depends: Vec<Dependence>,
    pub missed: Missed,
    pub limit_min: u32,
    /// An admin's own pause.
    pub paused: Option<Pause>,
    /// Why it would not start now, apart from a failing integration.
    pub obstacle: Option<Error>,
    /// When it is due; `None` while it is paused.
    pub next: Option<Time>,
    /// Due moments of the next 24 hours, at most 48.
    pub day: Vec<Time>,
    /// The newest runs, oldest first; at most ten.
    pub runs: Vec<RunView>,
}

impl CronView {
    /// True where a failure has paused it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.depends.iter().any(|each| each.held_since.is_some())
    }
}

/// One moment of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firing {
    pub at: Time,
    /// On the wall of the schedule's zone: `Fri 27 Nov 2026, 09:00`.
    pub wall: String,
    pub shift: Option<Shift>,
}

/// What a change of the clock does to a moment of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// Its time of day does not exist on that day: it runs as soon as the clock has moved on.
    Moved,
    /// Its time of day comes twice on that day, and it runs the first time only.
    Once,
    /// Its time of day comes twice on that day, and it runs both times.
    Twice,
}

/// A schedule, as it is typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleView {
    /// The next five.
    pub next: Vec<Firing>,
    /// The next moment that a change of the clock moves, within thirteen months.
    pub shift: Option<Firing>,
    /// Runs within the coming 24 hours.
    pub a_day: u32,
    /// It runs each minute.
    pub each_minute: bool,
}

/// A cron, as an integration's card names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronBrief {
    pub id: CronId,
    pub name: String,
    /// This integration's failure paused it, and nobody has resumed it.
    pub held: bool,
    /// Paused by an admin.
    pub paused: bool,
}

impl CronBrief {
    /// True where resuming this integration's crons sets it going again.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.held && !self.paused
    }
}

/// What came of resuming the crons of one integration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// How many go on now.
    pub going: u32,
    /// The names of other integrations whose failures paused some of them as well.
    pub still_held_by: Vec<String>,
}

/// The zones that a schedule can be of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZonesView {
    /// By name.
    pub all: Vec<String>,
    /// This computer's own; `UTC` where it tells none.
    pub own: String,
}
