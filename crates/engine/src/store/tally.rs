//! The count of calls that are over: of their task, of their agent, and the last use of their integration.
//!
//! Made some moments behind the calls, many at once: a call does not wait for it. What is not counted yet
//! is in the data too (`open_calls`), so that no count is lost with the app.

use super::{Tx, agents, failed, integrations, tasks, text};
use std::collections::{BTreeMap, BTreeSet};
use wire::{AgentId, Error, IntegrationId, Outcome, RowKind, TaskId, Time};

/// Calls that one commit counts: others wait for it.
const BATCH: usize = 300;

/// A call that is over.
struct Over {
    seq: i64,
    kind: RowKind,
    outcome: Outcome,
    at: Time,
    task: Option<TaskId>,
    agent: Option<AgentId>,
    integration: Option<IntegrationId>,
    because: String,
}

#[derive(Default)]
struct Sums {
    tasks: BTreeMap<TaskId, tasks::Count>,
    touched: BTreeSet<(TaskId, IntegrationId)>,
    agents: BTreeMap<AgentId, (u32, Time)>,
    used: BTreeMap<IntegrationId, (Time, String)>,
}

/// Counts the calls that are over and were not counted, a batch of them. True: there may be more.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub(super) fn count(tx: &Tx<'_>) -> Result<bool, Error> {
    tx.only_records();
    let over = over(tx)?;
    let more = over.len() == BATCH;
    tx.leaves_uncounted(more);
    let mut done = tx
        .prepare_cached("delete from open_calls where call_seq = ?1")
        .map_err(failed)?;
    let mut sums = Sums::default();
    for call in over {
        done.execute([call.seq]).map_err(failed)?;
        sums.add(call);
    }
    sums.write(tx)?;
    Ok(more)
}

fn over(tx: &Tx<'_>) -> Result<Vec<Over>, Error> {
    tx.prepare_cached(
        "select n.call_seq, c.kind, o.outcome, o.at, n.task_id, c.agent_id, c.integration_id, c.because \
         from open_calls n cross join outcomes o on o.call_seq = n.call_seq \
         cross join calls c on c.seq = n.call_seq order by n.call_seq limit ?1",
    )
    .and_then(|mut statement| {
        statement
            .query_map([BATCH], |row| {
                Ok(Over {
                    seq: row.get(0)?,
                    kind: text::from_word(row, 1)?,
                    outcome: text::from_word(row, 2)?,
                    at: Time(row.get(3)?),
                    task: text::id_or_null(row, 4)?,
                    agent: text::id_or_null(row, 5)?,
                    integration: text::id_or_null(row, 6)?,
                    because: row.get(7)?,
                })
            })?
            .collect()
    })
    .map_err(failed)
}

impl Sums {
    fn add(&mut self, call: Over) {
        if let Some(task) = call.task {
            self.tasks
                .entry(task)
                .or_default()
                .add(call.outcome, call.at);
        }
        let refused = matches!(call.outcome, Outcome::Refused | Outcome::Denied);
        let (RowKind::Call, false, Some(integration)) = (call.kind, refused, call.integration)
        else {
            return;
        };
        if let Some(agent) = call.agent {
            let (calls, last) = self.agents.entry(agent).or_insert((0, call.at));
            *calls += 1;
            *last = call.at.max(*last);
        }
        if let Some(task) = call.task {
            self.touched.insert((task, integration));
        }
        match self.used.get_mut(&integration) {
            Some(newest) if call.at < newest.0 => {}
            Some(newest) => *newest = (call.at, call.because),
            None => {
                self.used.insert(integration, (call.at, call.because));
            }
        }
    }

    /// Whatever is gone meanwhile is left out: its history stays in the record.
    fn write(self, tx: &Tx<'_>) -> Result<(), Error> {
        for (task, count) in self.tasks {
            tasks::count(tx, task, count)?;
        }
        for (task, integration) in self.touched {
            tasks::touch(tx, task, integration)?;
        }
        for (agent, (calls, last)) in self.agents {
            agents::count_calls(tx, agent, calls, last)?;
        }
        for (integration, (at, because)) in self.used {
            integrations::set_last_used(tx, integration, at, &because)?;
        }
        Ok(())
    }
}
