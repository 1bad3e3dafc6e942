//! What a row of Tasks says of its calls.

use super::*;
use wire::{ApprovalId, ApprovalView, CallId, Hidden, Risk, TaskId, TaskState, TaskView, Time};

const SECOND: i64 = 1_000;

/// A task that began five minutes before [`NOW`] and called last two seconds later.
fn task(state: TaskState, calls: (u32, u32, u32, u32)) -> String {
    beside(&[], state, calls)
}

/// The same beside calls that wait for an admin.
fn beside(
    waiting: &[ApprovalView],
    state: TaskState,
    (calls, failed, refused, running): (u32, u32, u32, u32),
) -> String {
    let begun_at = NOW.plus(-300 * SECOND);
    let last_at: Time = begun_at.plus(2 * SECOND);
    let view = TaskView {
        id: wire::TaskId(id(1).0),
        agent: None,
        cron: None,
        agent_name: "Claude".to_owned(),
        title: "Refund 17".to_owned(),
        url: None,
        begun_at,
        last_at,
        integrations: vec![],
        calls,
        failed,
        refused,
        running,
        state,
        in_record: String::new(),
    };
    let leads = (Callback::noop(), Callback::noop(), Callback::noop());
    rendered(crate::pages::tasks::table(
        (&[view], waiting),
        &Callback::noop(),
        &leads,
    ))
}

#[test]
fn a_task_whose_calls_did_not_work_does_not_end_with_a_tick() {
    let well = task(TaskState::Over, (3, 0, 0, 0));
    assert!(well.contains("calm") && well.contains("Over"), "{well}");
    let part = task(TaskState::Over, (3, 1, 1, 0));
    assert!(part.contains("Over, some failed"), "{part}");
    let none = task(TaskState::Open, (3, 1, 2, 0));
    assert!(none.contains("Open, all failed"), "{none}");
    for told in [part, none] {
        assert!(told.contains("warn") && !told.contains("calm"), "{told}");
    }
}

#[test]
fn a_stopped_task_says_until_when_and_can_go_on_only_while_it_is_refused() {
    let stopped = |until| {
        let (person, at) = ("Ada".to_owned(), NOW);
        task(TaskState::Stopped { person, at, until }, (3, 0, 1, 0))
    };
    let held = stopped(Some(NOW.plus(3_600 * SECOND)));
    assert!(held.contains("Let it go on: Refund 17"), "{held}");
    assert!(held.contains("Its calls are refused until "), "{held}");
    for over in [stopped(Some(NOW.plus(-SECOND))), stopped(None)] {
        assert!(!over.contains("resume-task"), "{over}");
    }
}

#[test]
fn a_task_lasts_until_now_while_a_call_of_it_runs() {
    assert!(task(TaskState::Running, (0, 0, 0, 1)).contains("300.0 s"));
    assert!(task(TaskState::Open, (1, 0, 0, 0)).contains("2.0 s"));
}

#[test]
fn a_call_that_waits_for_an_approval_does_not_run() {
    let waits = |task: u32| ApprovalView {
        id: ApprovalId(id(7).0),
        call: CallId(id(8).0),
        task: Some(TaskId(id(task).0)),
        integration: id(1),
        integration_name: "Orders".to_owned(),
        tool: "refund".to_owned(),
        action: "orders.refund".to_owned(),
        risk: Risk::Destroys,
        agent: "Claude".to_owned(),
        title: String::new(),
        url: None,
        arguments: "{}".to_owned(),
        hidden: Hidden::default(),
        hash: String::new(),
        asked_at: NOW,
        until: NOW,
    };
    let one = beside(&[waits(1), waits(2)], TaskState::Running, (0, 0, 0, 1));
    assert!(one.contains("1 call waits for your approval"), "{one}");
    assert!(
        !one.contains("call runs"),
        "nothing else is under way: {one}"
    );
    let both = beside(&[waits(1), waits(1)], TaskState::Running, (0, 0, 0, 3));
    assert!(both.contains("2 calls wait for your approval"), "{both}");
    assert!(both.contains("1 call runs"), "{both}");
    let another = beside(&[waits(2)], TaskState::Running, (0, 0, 0, 1));
    assert!(
        another.contains("1 call runs") && !another.contains("approval"),
        "{another}"
    );
}
