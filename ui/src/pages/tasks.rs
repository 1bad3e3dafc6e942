//! Tasks: what agents work at now and did lately, and the buttons that stop one and let it go on.

use crate::{
    icons::{Icon, icon},
    inert::inert,
    ipc,
    pages::activity::chosen::Chosen,
    parts::{
        pill::{pill, waiting_pill},
        states,
        tile::{Size, tile},
    },
    query::use_query,
    route::{Route, go},
    say::{say, say_count, say_with},
    state::{Action, Frame, Sheet, Toast, Tone},
    time::{ago_now, at_now, full, took},
};
use wire::{
    ActivityFilter, ApprovalId, ApprovalView, ListTasks, OpenTaskThread, ResumeTask, StopTask,
    TaskId, TaskState, TaskView, Topic,
};
use yew::{platform::spawn_local, prelude::*};

/// The page.
#[component]
pub fn Tasks() -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let tasks = use_query(ListTasks {}, vec![Topic::Tasks, Topic::Integrations]);
    let act = {
        let frame = frame.clone();
        Callback::from(move |(act, id)| perform(&frame, act, id))
    };
    let open = act.reform(|id| (Act::Open, id));
    let look = frame.dispatch.reform(|chosen: Chosen| {
        go(Route::Activity);
        Action::Look(chosen)
    });
    let review = frame
        .dispatch
        .reform(|id| Action::Open(Sheet::Approval(id)));
    html! {
        <>
            <header class="page"><div>
                <h1 tabindex="-1" id="title">{ say("tasks") }</h1>
                <div class="sub">{ say("tasks-sub") }</div>
            </div></header>
            <section class="panel table">
                { states::shown(&tasks, states::loading_lines(), |all| if all.is_empty() {
                    states::empty(say("no-tasks"), say("no-tasks-hint"))
                } else {
                    let waiting = frame.approvals.data.as_deref().map_or(&[][..], Vec::as_slice);
                    table((all, waiting), &act, &(open.clone(), look.clone(), review.clone()))
                }) }
            </section>
        </>
    }
}

/// What the buttons of a row do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Open,
    Stop,
    /// A run of a cron, which does not go on.
    StopRun,
    Resume,
}

/// Does it, and says how it went; a Stop can be taken back from its toast.
fn perform(frame: &Frame, act: Act, id: TaskId) {
    let frame = frame.clone();
    spawn_local(async move {
        let (answer, key) = match act {
            Act::Open => (ipc::call(OpenTaskThread { id }).await, None),
            Act::Stop | Act::StopRun => {
                (ipc::call(StopTask { id }).await, Some("task-stopped-now"))
            }
            Act::Resume => (ipc::call(ResumeTask { id }).await, Some("task-resumed-now")),
        };
        match (answer, key) {
            (Err(error), _) => frame.say_failed(&error),
            (Ok(()), None) => {}
            (Ok(()), Some(key)) => {
                let undo = (act == Act::Stop).then(|| {
                    let frame = frame.clone();
                    let on = Callback::from(move |()| perform(&frame, Act::Resume, id));
                    (say("task-undo"), on)
                });
                frame.dispatch.emit(Action::Say(Toast {
                    tone: Tone::Ok,
                    text: say(key),
                    link: None,
                    undo,
                }));
            }
        }
    });
}

/// Where a row leads: its thread, what is in the record of it, and its call that waits for an admin.
pub type Leads = (Callback<TaskId>, Callback<Chosen>, Callback<ApprovalId>);

/// The tasks, those that run first. `waiting`: calls that wait for an admin.
pub fn table(
    (all, waiting): (&[TaskView], &[ApprovalView]),
    act: &Callback<(Act, TaskId)>,
    leads: &Leads,
) -> Html {
    html! {
        <table>
            <thead><tr>
                <th scope="col">{ say("col-status") }</th>
                <th scope="col">{ say("task") }</th>
                <th scope="col">{ say("task-origin") }</th>
                <th scope="col">{ say("task-touched") }</th>
                <th scope="col" class="num">{ say("agent-calls") }</th>
                <th scope="col" class="num">{ say("col-took") }</th>
                <th scope="col">{ say("task-last") }</th>
                <th scope="col"><span class="unseen">{ say("task-stop") }</span></th>
            </tr></thead>
            <tbody>{ for all.iter().map(|task| row((task, waiting), act, leads)) }</tbody>
        </table>
    }
}

/// The rows of a task, in the record.
fn rows_of(task: &TaskView, title: AttrValue) -> Chosen {
    Chosen {
        only: ActivityFilter {
            agent: task.agent,
            task: Some(task.in_record.clone()),
            ..ActivityFilter::default()
        },
        named: Some(title),
        agent: task.agent.map(|_| inert(&task.agent_name)),
        ..Chosen::default()
    }
}

fn row(
    (task, waiting): (&TaskView, &[ApprovalView]),
    act: &Callback<(Act, TaskId)>,
    (open, look, review): &Leads,
) -> Html {
    let id = task.id;
    let title = match task.title.as_str() {
        "" => say("task-unnamed"),
        title => inert(title),
    };
    let name = title.clone();
    let (word, shown) = state(task, (waiting, &name), review);
    let rows = rows_of(task, title.clone());
    html! {
        <tr key={id.to_string()} data-testid="task" data-state={word}>
            <td>{ shown }</td>
            <td class="any">
                if task.url.is_some() {
                    <button type="button" class="link" title={say("open-thread")} data-testid="thread"
                        onclick={open.reform(move |_: MouseEvent| id)}>{ title }{ icon(Icon::Browser) }</button>
                } else {
                    { title }
                }
            </td>
            <td class="cut">if task.cron.is_some() { <a href={Route::Crons.href()}>{ say("cron-col") }</a> } else { { inert(&task.agent_name) } }</td>
            <td><span class="touched">{ for task.integrations.iter().map(|each| html! {
                <span title={inert(&each.name)}>
                    { each.icon.as_ref().map(|of| tile(of, Size::Small)).unwrap_or_default() }
                    <span class={classes!(each.icon.is_some().then_some("unseen"))}>{ inert(&each.name) }</span>
                </span>
            }) }</span></td>
            <td class="num"><button type="button" class="link" data-testid="task-rows"
                aria-label={say_with("task-rows-name", &[("task", &name), ("calls", &task.calls.to_string())])} title={say("row-task-only")}
                onclick={look.reform(move |_: MouseEvent| rows.clone())}>{ task.calls }</button>{ troubles(task) }</td>
            <td class="t num">{ lasted(task) }</td>
            <td class="t">{ ago_now(task.last_at) }</td>
            <td class="end">{ button(task, &name, act) }</td>
        </tr>
    }
}

/// What an admin can do about it now: stop it, or let one that was stopped go on.
fn button(task: &TaskView, name: &AttrValue, act: &Callback<(Act, TaskId)>) -> Html {
    let id = task.id;
    match &task.state {
        TaskState::Running | TaskState::Open => {
            let stop = if task.cron.is_some() {
                Act::StopRun
            } else {
                Act::Stop
            };
            html! {
                <button type="button" class="quiet danger" data-testid="stop-task"
                    aria-label={say_with("task-stop-name", &[("task", name)])}
                    onclick={pressed(act, (stop, id))}>{ say("task-stop") }</button>
            }
        }
        TaskState::Stopped {
            until: Some(until), ..
        } => {
            let (until, name) = (*until, name.clone());
            let resume = pressed(act, (Act::Resume, id));
            at_now(move |now| {
                html! {
                    if now < until {
                        <button type="button" class="quiet" data-testid="resume-task"
                            aria-label={say_with("task-resume-name", &[("task", &name)])}
                            onclick={resume.clone()}>{ say("task-resume") }</button>
                    }
                }
            })
        }
        TaskState::Stopped { until: None, .. } | TaskState::Over => Html::default(),
    }
}

/// Each of the two buttons comes where the other was: the second press of a double one is no wish.
fn pressed(act: &Callback<(Act, TaskId)>, wanted: (Act, TaskId)) -> Callback<MouseEvent> {
    let act = act.clone();
    Callback::from(move |event: MouseEvent| {
        if event.detail() < 2 {
            act.emit(wanted);
        }
    })
}

/// How long it has lasted: until now, while a call runs.
fn lasted(task: &TaskView) -> Html {
    let (begun, last, runs) = (task.begun_at, task.last_at, task.running > 0);
    at_now(move |now| {
        let until = if runs { last.max(now) } else { last };
        let millis = until.since(begun).max(0);
        html! { { took(u32::try_from(millis).unwrap_or(u32::MAX)) } }
    })
}

/// "2 failed", "1 refused".
fn troubles(task: &TaskView) -> Html {
    let told = [("task-failed", task.failed), ("task-refused", task.refused)];
    let lines = told
        .into_iter()
        .filter(|(_, n): &(&'static str, u32)| *n > 0);
    let line = |(key, n)| html! { <div class="sub">{ say_count(key, n as usize) }</div> };
    lines.map(line).collect()
}

/// How it stands: the name of it, and its pill. Of its calls that run some may wait for an admin.
fn state(
    task: &TaskView,
    (waiting, name): (&[ApprovalView], &str),
    review: &Callback<ApprovalId>,
) -> (&'static str, Html) {
    let mut waits = waiting.iter().filter(|each| each.task == Some(task.id));
    match &task.state {
        TaskState::Running => {
            let first = waits.next().map(|each| each.id);
            let count = first.map_or(0, |_| 1 + waits.count());
            let runs = (task.running as usize).saturating_sub(count);
            let shown = html! {
                <span class="states">
                    if let Some(id) = first { { waiting_pill((say_count("calls-wait", count), name), review.reform(move |_: MouseEvent| id)) } }
                    if runs > 0 { { pill(Tone::Ok, Icon::Busy, say_count("task-running", runs)) } }
                </span>
            };
            (if runs > 0 { "running" } else { "waiting" }, shown)
        }
        TaskState::Open => ("open", went(task, say("task-open"))),
        TaskState::Over => ("over", went(task, say("task-over"))),
        TaskState::Stopped { person, until, .. } => {
            let word = say_with("task-stopped", &[("person", person)]);
            let until =
                until.map(|until| say_with("task-stopped-until", &[("time", &full(until))]));
            let shown =
                html! { <span title={until}>{ pill(Tone::Warn, Icon::Refused, word) }</span> };
            ("stopped", shown)
        }
    }
}

/// The pill of one whose calls are over: it warns where one did not work, and more where none did.
fn went(task: &TaskView, word: AttrValue) -> Html {
    let troubles = task.failed + task.refused;
    if troubles == 0 {
        return pill(Tone::Quiet, Icon::Healthy, word);
    }
    let (picture, key) = if troubles < task.calls {
        (Icon::Expiring, "task-in-part")
    } else {
        (Icon::Failing, "task-in-vain")
    };
    pill(Tone::Warn, picture, say_with(key, &[("status", &word)]))
}
