//! Calls that wait for an admin.
//!
//! Owns: who waits, the notification of each, and what ends the waiting: an answer in the window, No in
//! the notification, the end of the time, the agent that hangs up, the end of the integration or of the
//! app. Must not know: which calls must ask (`calls::policy`), or how a call is made.
//!
//! In memory only: whoever asked waits in this run. A notification tells who asks for which tool, and no
//! argument; what is approved is named by a hash of all that would run.

use super::{policy::Exact, redact};
use crate::{
    Engine,
    connectors::{Caller, Progress},
    http::inert,
    integrations::Integration,
    ports::{Popup, Press, Urgency},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;
use wire::{
    AgentId, Answer, ApprovalId, ApprovalView, Because, CallId, Errand, Error, ErrorCode, NoticeId,
    Risk, TaskId, Topic,
};

/// How long an admin has, in minutes.
pub(crate) const MINUTES: i64 = 5;
/// How often the agent is told that its call still waits, in milliseconds: clients give up after a minute
/// in which they hear nothing.
const STILL_EACH_MS: i64 = 15_000;
/// How far each of these is, of what the server will tell: progress only grows, and the server's begins at 0.
const STILL: f64 = 1e-6;
/// Calls of one agent that wait at once, at most.
const WAITING_MAX: usize = 20;
/// Bytes of arguments that a person can be asked to look at.
const SHOWN_MAX: usize = 64 * 1024;

/// The calls that wait, the oldest first: ids are made in order.
#[derive(Default)]
pub(crate) struct Approvals(Mutex<BTreeMap<ApprovalId, Waiting>>);

struct Waiting {
    view: ApprovalView,
    agent: AgentId,
    answer: Option<oneshot::Sender<Said>>,
    /// What the desk calls its notification.
    handle: Option<String>,
}

enum Said {
    Approved { person: String },
    Denied { person: String },
}

impl Approvals {
    fn all(&self) -> MutexGuard<'_, BTreeMap<ApprovalId, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_handle(&self, handle: &str) -> Option<ApprovalId> {
        let all = self.all();
        let found = all
            .iter()
            .find(|(_, each)| each.handle.as_deref() == Some(handle));
        found.map(|(id, _)| *id)
    }

    /// Hands the answer to whoever waits. False: nobody does.
    fn say(&self, id: ApprovalId, said: Said) -> bool {
        let answer = self.all().get_mut(&id).and_then(|each| each.answer.take());
        answer.is_some_and(|answer| answer.send(said).is_ok())
    }
}

/// A call that must ask.
pub(crate) struct Question<'a> {
    /// Its row, and the task that it counts in.
    pub call: (CallId, Option<TaskId>),
    pub found: &'a Integration,
    pub exact: &'a Exact,
    pub risk: Risk,
    /// Who asks: its id and its name.
    pub agent: (AgentId, &'a str),
    pub because: &'a Because,
    pub arguments: &'a Value,
}

/// The calls that wait.
pub(crate) fn list(engine: &Engine) -> Vec<ApprovalView> {
    let all = engine.approvals().all();
    all.values().map(|each| each.view.clone()).collect()
}

/// An admin's answer, from the window.
pub(crate) async fn answer(engine: &Engine, id: ApprovalId, answer: Answer) -> Result<(), Error> {
    let person = engine.person().await;
    let gone = || Error::new(ErrorCode::ApprovalGone);
    let said = match answer {
        Answer::Deny => Said::Denied { person },
        Answer::Approve { hash } => {
            let all = engine.approvals().all();
            let view = all.get(&id).map(|each| &each.view).ok_or_else(gone)?;
            if view.hash != hash {
                return Err(Error::new(ErrorCode::ToolChanged).with("tool", view.action.clone()));
            }
            Said::Approved { person }
        }
    };
    engine
        .approvals()
        .say(id, said)
        .then_some(())
        .ok_or_else(gone)
}

/// A notification was pressed. Where it leads, if it is of a call that waits: to the window for a
/// review, nowhere for a No.
pub(crate) async fn pressed(engine: &Engine, handle: &str, press: Press) -> Option<Option<Errand>> {
    let id = engine.approvals().of_handle(handle)?;
    match press {
        Press::Deny => {
            let person = engine.person().await;
            engine.approvals().say(id, Said::Denied { person });
            Some(None)
        }
        Press::Open | Press::Fix | Press::Resume => Some(Some(Errand::Review { approval: id })),
    }
}

/// Asks an admin, and waits. Who approved it.
///
/// # Errors
/// `ApprovalDenied`, `ApprovalLate`, `ApprovalWithdrawn`, `ApprovalImpossible`,
/// `IntegrationDisconnected`.
pub(crate) async fn ask(
    engine: &Engine,
    question: &Question<'_>,
    caller: &Caller,
) -> Result<String, Error> {
    let live = engine.live(question.exact.integration).await?;
    let (waits, answered) = Waits::begin(engine, question)?;
    let named = |code| Error::new(code).with("tool", waits.view.action.clone());
    let (clock, stopping) = (engine.clock(), engine.stopping());
    tokio::select! {
        biased;
        said = answered => match said {
            Ok(Said::Approved { person }) => Ok(person),
            Ok(Said::Denied { person }) => {
                Err(named(ErrorCode::ApprovalDenied).with("person", person))
            }
            Err(_) => Err(named(ErrorCode::ApprovalWithdrawn)),
        },
        // First: the end of the app ends each integration, too.
        () = stopping.cancelled() => Err(named(ErrorCode::ApprovalWithdrawn)),
        () = live.ended.cancelled() => {
            Err(Error::new(ErrorCode::IntegrationDisconnected).with("integration", live.name()))
        }
        () = caller.hung_up.cancelled() => Err(named(ErrorCode::ApprovalWithdrawn)),
        () = clock.sleep_until(waits.view.until) => {
            Err(named(ErrorCode::ApprovalLate).with("n", MINUTES.to_string()))
        }
        never = still_waits(engine, caller) => match never {},
    }
}

/// Tells whoever wants to hear of the call that it still waits, for ever.
async fn still_waits(engine: &Engine, caller: &Caller) -> Infallible {
    let Some(hears) = caller.hears() else {
        return std::future::pending().await;
    };
    let (clock, mut progress) = (engine.clock(), 0.0);
    loop {
        progress += STILL;
        // One that does not listen now is told again.
        let _ = hears.try_send(Progress {
            progress,
            total: None,
            message: Some(words::text("approval-waits")),
        });
        clock.sleep_until(engine.now().plus(STILL_EACH_MS)).await;
    }
}

/// One call that waits; it waits no longer once this is dropped.
struct Waits {
    engine: Engine,
    view: ApprovalView,
}

impl Waits {
    fn begin(
        engine: &Engine,
        question: &Question<'_>,
    ) -> Result<(Self, oneshot::Receiver<Said>), Error> {
        let view = view(engine, question)?;
        let (answer, answered) = oneshot::channel();
        {
            let mut all = engine.approvals().all();
            let (agent, _) = question.agent;
            let of_agent = all.values().filter(|each| each.agent == agent);
            if of_agent.count() >= WAITING_MAX {
                return Err(Error::new(ErrorCode::ApprovalImpossible)
                    .with("tool", view.action)
                    .with("why", format!("{WAITING_MAX} calls wait already")));
            }
            all.insert(
                view.id,
                Waiting {
                    view: view.clone(),
                    agent,
                    answer: Some(answer),
                    handle: None,
                },
            );
        }
        engine.store().announce([Topic::Approvals]);
        tokio::spawn(notify(engine.clone(), popup(&view), view.id));
        let engine = engine.clone();
        Ok((Self { engine, view }, answered))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let gone = self.engine.approvals().all().remove(&self.view.id);
        self.engine.store().announce([Topic::Approvals]);
        if let Some(handle) = gone.and_then(|gone| gone.handle) {
            take_back(&self.engine, handle);
        }
    }
}

fn take_back(engine: &Engine, handle: String) {
    let engine = engine.clone();
    tokio::spawn(async move {
        if let Err(why) = engine.desk().withdraw(&handle).await {
            tracing::info!(why, "a notification of a call that waits no longer stays");
        }
    });
}

/// Shows the notification. The window shows the call too, so one that cannot be shown costs nothing.
async fn notify(engine: Engine, popup: Popup, id: ApprovalId) {
    let handle = match engine.desk().notify(&popup, None).await {
        Ok(handle) => handle,
        Err(why) => {
            tracing::info!(why, "no notification of a call that waits");
            return;
        }
    };
    let over = match engine.approvals().all().get_mut(&id) {
        Some(waiting) => {
            waiting.handle = Some(handle);
            None
        }
        None => Some(handle),
    };
    if let Some(handle) = over {
        take_back(&engine, handle);
    }
}

fn popup(view: &ApprovalView) -> Popup {
    let args = [("agent", view.agent.as_str()), ("tool", &view.action)];
    Popup {
        id: NoticeId(view.id.0),
        title: words::with("approval-popup-title", &args),
        body: words::with("approval-popup-body", &[("n", &MINUTES.to_string())]),
        urgency: Urgency::Critical,
        buttons: vec![
            (Press::Open, words::text("approval-review")),
            (Press::Deny, words::text("approval-deny")),
        ],
    }
}

fn view(engine: &Engine, question: &Question<'_>) -> Result<ApprovalView, Error> {
    let Question { found, exact, .. } = question;
    let action = inert(&format!("{}.{}", found.row.slug, exact.tool));
    let (arguments, hidden) = redact::shown(question.arguments);
    let arguments = serde_json::to_string_pretty(&arguments)
        .map_err(|error| Error::new(ErrorCode::Internal).with("why", error.to_string()))?;
    // What is cut could not be approved.
    if arguments.len() > SHOWN_MAX {
        return Err(Error::new(ErrorCode::ApprovalImpossible)
            .with("tool", action)
            .with(
                "why",
                format!("its arguments are over {} KiB", SHOWN_MAX / 1024),
            ));
    }
    let (title, url) = match question.because {
        Because::Task { title, url, .. } => (title.clone(), url.clone()),
        Because::Admin { .. }
        | Because::Health
        | Because::Connecting
        | Because::Outside
        | Because::Notice
        | Because::Cron { .. } => (String::new(), None),
    };
    let now = engine.now();
    Ok(ApprovalView {
        id: ApprovalId(uuid::Uuid::now_v7()),
        call: question.call.0,
        task: question.call.1,
        integration: exact.integration,
        integration_name: found.row.name.clone(),
        tool: exact.tool.clone(),
        action,
        risk: question.risk,
        agent: question.agent.1.to_owned(),
        title,
        url,
        arguments,
        hidden,
        hash: exact.hash(),
        asked_at: now,
        until: now.plus(MINUTES * 60_000),
    })
}
