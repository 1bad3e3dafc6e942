//! The list of crons, as the page shows it.

use super::{depend::is_failing, schedule::Schedule};
use crate::{
    Engine,
    integrations::Integration,
    store::{
        self,
        crons::{CronRow, DependRow},
    },
};
use rusqlite::Connection;
use std::collections::BTreeMap;
use wire::{CronOwner, CronView, Dependence, Error, ErrorCode, Fix, IntegrationId, RunView, Time};

const DAY_MS: i64 = 86_400_000;
/// Runs of each that are shown.
const RUNS: u32 = 10;
/// Moments of the coming day that are shown, at most.
const MOMENTS: usize = 48;

/// Every cron, by name.
pub(crate) async fn list(engine: &Engine) -> Result<Vec<CronView>, Error> {
    let now = engine.now();
    let opens = engine.vault().state().opens();
    engine
        .store()
        .read(move |conn| {
            let around = Around::read(conn, opens)?;
            let mut depends = store::crons::depends(conn)?;
            let mut runs = store::crons::newest(conn, RUNS)?;
            Ok(store::crons::list(conn)?
                .into_iter()
                .map(|row| {
                    let depends = depends.remove(&row.id).unwrap_or_default();
                    let runs = runs.remove(&row.id).unwrap_or_default();
                    view(row, (depends, runs), &around, now)
                })
                .collect())
        })
        .await
}

/// What is there to depend on.
struct Around {
    integrations: BTreeMap<IntegrationId, Integration>,
    /// Each tool, and whether it waits for an admin.
    tools: BTreeMap<(IntegrationId, String), bool>,
    /// The keyring opens credentials.
    opens: bool,
}

impl Around {
    fn read(conn: &Connection, opens: bool) -> Result<Self, Error> {
        let tools = store::tools::names(conn)?;
        Ok(Self {
            integrations: Integration::all(conn)?
                .into_iter()
                .map(|each| (each.id, each))
                .collect(),
            tools: tools
                .into_iter()
                .map(|tool| ((tool.integration, tool.name), tool.held))
                .collect(),
            opens,
        })
    }

    /// What is plain to see; whether arguments fit is looked at when a run begins.
    fn obstacle(&self, row: &CronRow, depends: &[DependRow]) -> Option<Error> {
        for depend in depends {
            match self.integrations.get(&depend.integration) {
                None => {
                    let name = depend.integration_name.clone();
                    return Some(Error::new(ErrorCode::IntegrationGone).with("integration", name));
                }
                Some(found) if !found.row.enabled => {
                    let error = Error::new(ErrorCode::IntegrationOff);
                    return Some(
                        error
                            .with("integration", found.row.name.clone())
                            .fix(Fix::SwitchOn),
                    );
                }
                Some(_) => {}
            }
        }
        for (index, call) in row.calls.iter().enumerate() {
            let code = match self.tools.get(&(call.integration, call.tool.clone())) {
                Some(false) => None,
                Some(true) => Some(ErrorCode::ToolHeld),
                None => Some(ErrorCode::ToolUnknown),
            };
            if let Some(code) = code {
                let found = self.integrations.get(&call.integration);
                let name = found.map_or_else(String::new, |found| found.row.name.clone());
                return Some(
                    Error::new(code)
                        .with("integration", name)
                        .with("tool", crate::http::inert(&call.tool))
                        .with("call", (index + 1).to_string()),
                );
            }
        }
        // What kept it from starting last, as far as that cannot be seen from here.
        row.obstacle.clone().filter(|error| {
            let is_shut = error.fix == Some(Fix::Unlock) && !self.opens;
            is_shut
                || matches!(
                    error.code,
                    ErrorCode::ArgumentsInvalid
                        | ErrorCode::PolicyDenied
                        | ErrorCode::ApprovalNeeded
                        | ErrorCode::FieldInvalid
                )
        })
    }
}

fn view(
    row: CronRow,
    (depends, runs): (Vec<DependRow>, Vec<RunView>),
    around: &Around,
    now: Time,
) -> CronView {
    let obstacle = around.obstacle(&row, &depends);
    let is_held = depends.iter().any(|each| each.held_since.is_some());
    let schedule = Schedule::read(&row.schedule, &row.zone).ok();
    let goes = row.paused.is_none() && !is_held;
    let day = schedule
        .as_ref()
        .filter(|_| goes)
        .map(|schedule| schedule.moments(now, now.plus(DAY_MS), MOMENTS))
        .unwrap_or_default();
    let next = match &row.agent {
        None => row.next_at,
        Some(_) => schedule.filter(|_| goes).and_then(|each| each.next(now)),
    };
    CronView {
        id: row.id,
        name: row.name,
        owner: match row.agent {
            None => CronOwner::App,
            Some((id, name)) => CronOwner::Agent { id, name },
        },
        schedule: row.schedule,
        zone: row.zone,
        calls: row.calls,
        depends: depends
            .into_iter()
            .map(|each| {
                let found = around.integrations.get(&each.integration);
                Dependence {
                    integration: each.integration,
                    name: found.map_or(each.integration_name, |found| found.row.name.clone()),
                    held_since: each.held_since,
                    failing: found.is_some_and(|found| is_failing(found, now)),
                }
            })
            .collect(),
        missed: row.missed,
        limit_min: row.limit_min,
        paused: row.paused,
        obstacle,
        next,
        day,
        runs,
    }
}
