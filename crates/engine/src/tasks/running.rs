//! What runs now of each task, and which tasks calls have lately gone on with.

use super::{Told, idle};
use crate::Engine;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;
use wire::{AgentId, TaskId, Time, Topic};

/// Tasks that are remembered between their calls.
const REMEMBERED: usize = 1_000;

/// What runs now of each task, and which tasks calls have lately gone on with.
#[derive(Default)]
pub(crate) struct Running {
    jobs: Mutex<HashMap<TaskId, Job>>,
    entered: Mutex<HashMap<(AgentId, String), Entered>>,
}

pub(super) struct Job {
    agent: Option<AgentId>,
    stop: CancellationToken,
    pub calls: u32,
}

/// A task as its last call found it.
struct Entered {
    id: TaskId,
    title: String,
    url: Option<String>,
    last_at: Time,
}

impl Running {
    pub(super) fn all(&self) -> MutexGuard<'_, HashMap<TaskId, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entered(&self) -> MutexGuard<'_, HashMap<(AgentId, String), Entered>> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task, where a call has lately gone on with it and told the same of it.
    pub(super) fn again(&self, agent: AgentId, told: &Told<'_>, now: Time) -> Option<TaskId> {
        let mut entered = self.entered();
        let known = entered.get_mut(&(agent, told.key.clone()))?;
        let same = (told.title.is_empty() || told.title == known.title)
            && told.url.is_none_or(|url| known.url.as_deref() == Some(url));
        if !same || now.since(known.last_at) >= idle(&told.key) {
            return None;
        }
        known.last_at = known.last_at.max(now);
        Some(known.id)
    }

    pub(super) fn remember(&self, agent: AgentId, told: Told<'_>, (id, now): (TaskId, Time)) {
        let mut entered = self.entered();
        if entered.len() >= REMEMBERED {
            entered.clear();
        }
        let known = Entered {
            id,
            title: told.title.to_owned(),
            url: told.url.map(str::to_owned),
            last_at: now,
        };
        entered.insert((agent, told.key), known);
    }

    /// It was stopped: what its next call finds is looked up.
    pub fn forget(&self, task: TaskId) {
        self.entered().retain(|_, known| known.id != task);
    }

    /// What begins of it from now on is not ended with what ran when it was stopped.
    pub(super) fn begin_anew(&self, engine: &Engine, task: TaskId) {
        if let Some(job) = self.all().get_mut(&task)
            && job.stop.is_cancelled()
        {
            job.stop = engine.stopping().child_token();
        }
    }

    /// Ends what runs of it.
    pub fn stop(&self, task: TaskId) {
        if let Some(job) = self.all().get(&task) {
            job.stop.cancel();
        }
    }

    /// Ends what runs or waits for this agent.
    pub fn stop_of(&self, agent: AgentId) {
        for job in self.all().values() {
            if job.agent == Some(agent) {
                job.stop.cancel();
            }
        }
    }
}

/// One call of a task that runs, until it is dropped.
pub(crate) struct Run {
    engine: Engine,
    task: TaskId,
    /// Cancelled when an admin stops the task.
    pub stop: CancellationToken,
}

impl Run {
    pub fn begin(engine: &Engine, task: TaskId, agent: Option<AgentId>) -> Self {
        let mut all = engine.running().all();
        let job = all.entry(task).or_insert_with(|| Job {
            agent,
            stop: engine.stopping().child_token(),
            calls: 0,
        });
        job.calls += 1;
        Self {
            engine: engine.clone(),
            task,
            stop: job.stop.clone(),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        {
            let mut all = self.engine.running().all();
            if let Some(job) = all.get_mut(&self.task) {
                job.calls = job.calls.saturating_sub(1);
                if job.calls == 0 {
                    all.remove(&self.task);
                }
            }
        }
        self.engine.store().announce_soon(Topic::Tasks);
    }
}
