//! What a row of Tasks says of its calls.

use super::*;
use wire::{TaskState, TaskView, Time};

const SECOND: i64 = 1_000;

/// A task that began five minutes before [`NOW`] and called last two seconds later.
fn task(state: TaskState, (calls, failed, refused, running): (u32, u32, u32, u32)) -> String {
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
    let leads = (Callback::noop(), Callback::noop());
    rendered(crate::pages::tasks::table(
        &[view],
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
fn a_task_lasts_until_now_while_a_call_of_it_runs() {
    assert!(task(TaskState::Running, (0, 0, 0, 1)).contains("300.0 s"));
    assert!(task(TaskState::Open, (1, 0, 0, 0)).contains("2.0 s"));
}
