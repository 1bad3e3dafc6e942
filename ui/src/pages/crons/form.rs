//! The form of a cron, new or not: what it calls and when, with the next five runs while it is typed.

use super::call::{CallForm, Typed};
use crate::{
    icons::{Icon, icon},
    inert::inert,
    ipc,
    pages::agents::refusal,
    parts::{
        crons::in_words,
        dialog::{Dialog, Width},
        field::{Field, choice},
    },
    query::{Query, use_query},
    say::{say, say_error, say_with},
    state::Frame,
};
use std::rc::Rc;
use wire::{
    CheckSchedule, CronCall, CronInput, CronView, Error, Firing, ListZones, Missed, SaveCron,
    ScheduleView, Shift,
};
use yew::{platform::spawn_local, prelude::*};

/// Schedules that need no typing.
const PRESETS: [(&str, &str); 5] = [
    ("cron-preset-hourly", "0 * * * *"),
    ("cron-preset-daily", "0 9 * * *"),
    ("cron-preset-weekdays", "0 9 * * 1-5"),
    ("cron-preset-weekly", "0 9 * * 1"),
    ("cron-preset-monthly", "0 9 1 * *"),
];

#[derive(Properties, PartialEq)]
pub struct Props {
    /// What it begins with; `None`: nothing.
    pub cron: Option<Rc<CronView>>,
    /// A new one like that.
    pub copy: bool,
    pub close: Callback<()>,
}

/// What is typed.
#[derive(Clone, PartialEq)]
struct Draft {
    name: String,
    schedule: String,
    /// `None` while nobody has typed in it: this computer's own.
    zone: Option<String>,
    calls: Vec<Typed>,
    missed: Missed,
    limit: String,
}

impl Draft {
    fn of(cron: Option<&CronView>, copy: bool) -> Self {
        let Some(cron) = cron else {
            return Self {
                name: String::new(),
                schedule: PRESETS[2].1.to_owned(),
                zone: None,
                calls: vec![Typed::new(0)],
                missed: Missed::CatchUp,
                limit: "10".to_owned(),
            };
        };
        let name = if copy {
            let copied = say_with("cron-copy-name", &[("name", &cron.name)]);
            copied.chars().take(60).collect()
        } else {
            cron.name.clone()
        };
        Self {
            name,
            schedule: cron.schedule.clone(),
            zone: Some(cron.zone.clone()),
            calls: cron
                .calls
                .iter()
                .zip(0..)
                .map(|(call, key)| Typed::of(call, key))
                .collect(),
            missed: cron.missed,
            limit: cron.limit_min.to_string(),
        }
    }
}

/// The sheet.
#[component]
pub fn Form(props: &Props) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let zones = use_query(ListZones {}, vec![]);
    let draft = use_state(|| Draft::of(props.cron.as_deref(), props.copy));
    let error = use_state(|| None::<Error>);
    let busy = use_state_eq(|| false);
    let own = zones.data.as_ref().map_or("UTC", |zones| &zones.own);
    let zone = draft.zone.clone().unwrap_or_else(|| own.to_owned());
    let check = use_query(
        CheckSchedule {
            schedule: draft.schedule.clone(),
            zone: zone.clone(),
        },
        vec![],
    );
    let id = props
        .cron
        .as_ref()
        .filter(|_| !props.copy)
        .map(|cron| cron.id);
    let onsubmit = {
        let (draft, zone, error, busy) = (draft.clone(), zone.clone(), error.clone(), busy.clone());
        let (frame, close) = (frame.clone(), props.close.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let cron = CronInput {
                name: draft.name.trim().to_owned(),
                schedule: draft.schedule.clone(),
                zone: zone.clone(),
                calls: draft
                    .calls
                    .iter()
                    .filter_map(Typed::call)
                    .collect::<Vec<CronCall>>(),
                missed: draft.missed,
                limit_min: draft.limit.trim().parse().unwrap_or(0),
            };
            let (error, busy, frame, close) =
                (error.clone(), busy.clone(), frame.clone(), close.clone());
            busy.set(true);
            spawn_local(async move {
                let said = say_with("cron-saved", &[("name", &cron.name)]);
                match ipc::call(SaveCron { id, cron }).await {
                    Ok(_) => {
                        frame.say(said);
                        frame.crons.retry.emit(());
                        close.emit(());
                    }
                    Err(refusal) => error.set(Some(refusal)),
                }
                busy.set(false);
            });
        })
    };
    let of_field = |field: &str| of_field(error.as_ref(), field);
    let elsewhere = error.as_ref().filter(|error| {
        let at = error.args.get("field").map(String::as_str);
        !matches!(at, Some("Name" | "Schedule" | "Time zone" | "Time limit"))
    });
    let title = match &props.cron {
        Some(cron) if !props.copy => say_with("cron-edit-name", &[("name", &cron.name)]),
        Some(_) | None => say("cron-new"),
    };
    let cancel = props.close.reform(|_: MouseEvent| ());
    let complete = !draft.name.trim().is_empty()
        && check.error.is_none()
        && !draft.calls.is_empty()
        && draft.calls.iter().all(|call| call.call().is_some());
    let missed = [
        (say("cron-missed-catch-up"), None),
        (say("cron-missed-leave-out"), None),
    ];
    let leaves_out = usize::from(draft.missed == Missed::LeaveOut);
    html! {
        <Dialog {title} on_close={props.close.clone()} width={Width::Wide}>
            <form {onsubmit} autocomplete="off" class="cron-form">
                <div>
                    <Field id="cron-name" label={say("field-name")} value={draft.name.clone()} required=true max={60}
                        autofocus=true error={of_field("Name")} on_input={set(&draft, |draft, text| draft.name = text)} />
                    <Field id="cron-schedule" label={say("cron-schedule")} value={draft.schedule.clone()} required=true max={120}
                        hint={say("cron-schedule-hint")} error={typed_wrong(&check, "Schedule")}
                        on_input={set(&draft, |draft, text| draft.schedule = text)} />
                    <div class="chips">{ for PRESETS.iter().map(|(key, text)| preset(&draft, key, text)) }</div>
                    <Field id="cron-zone" label={say("cron-zone")} value={zone} required=true max={60}
                        error={typed_wrong(&check, "Time zone")} on_input={set(&draft, |draft, text| draft.zone = Some(text))} />
                    { choice("cron-missed", say("cron-missed"), (&missed, leaves_out), &{
                        let draft = draft.clone();
                        Callback::from(move |at| draft.set(Draft {
                            missed: if at == 1 { Missed::LeaveOut } else { Missed::CatchUp },
                            ..(*draft).clone()
                        }))
                    }) }
                    <Field id="cron-limit" label={say("cron-limit")} value={draft.limit.clone()} required=true max={4}
                        error={of_field("Time limit")} on_input={set(&draft, |draft, text| draft.limit = text)} />
                </div>
                <div>
                    { ahead(&check, &draft) }
                    <fieldset class="row"><legend>{ say("cron-calls") }</legend>
                        { for draft.calls.iter().enumerate().map(|(at, typed)| call_form(&draft, at, typed)) }
                        <button type="button" class="quiet" data-testid="add-call" onclick={add(&draft)}>
                            { icon(Icon::Add) }{ say("cron-call-add") }</button>
                    </fieldset>
                </div>
                if let Some(error) = elsewhere { { refusal(error) } }
                <div class="buttons">
                    <button type="button" onclick={cancel}>{ say("cancel") }</button>
                    <button type="submit" class="primary" data-testid="save-cron" disabled={*busy || !complete}>{ say("save") }</button>
                </div>
            </form>
        </Dialog>
    }
}

fn of_field(error: Option<&Error>, field: &str) -> Option<AttrValue> {
    error
        .filter(|error| error.args.get("field").is_some_and(|at| at == field))
        .map(say_error)
}

fn typed_wrong(check: &Query<ScheduleView>, field: &str) -> Option<AttrValue> {
    of_field(check.error.as_deref(), field)
}

/// Sets one text of the draft.
fn set(draft: &UseStateHandle<Draft>, put: fn(&mut Draft, String)) -> Callback<String> {
    let draft = draft.clone();
    Callback::from(move |text| {
        let mut next = (*draft).clone();
        put(&mut next, text);
        draft.set(next);
    })
}

fn preset(draft: &UseStateHandle<Draft>, key: &'static str, text: &'static str) -> Html {
    let pressed = draft.schedule.trim() == text;
    let put = set(draft, |draft, text| draft.schedule = text);
    let onclick = put.reform(move |_: MouseEvent| text.to_owned());
    html! { <button type="button" class="chip" aria-pressed={pressed.to_string()} {onclick}>{ say(key) }</button> }
}

/// What comes of it: the next five, what a change of the clock does, what it costs.
fn ahead(check: &Query<ScheduleView>, draft: &Draft) -> Html {
    let (Some(view), None) = (&check.data, &check.error) else {
        return Html::default();
    };
    let calls = view.a_day as usize * draft.calls.len();
    let (runs, calls) = (view.a_day.to_string(), calls.to_string());
    html! {
        <section class="row ahead" role="status" data-testid="next-runs">
            <b>{ in_words(&draft.schedule) }</b>
            if view.each_minute {
                <p class="warn-ink">{ say_with("cron-costs", &[("calls", &calls)]) }</p>
            } else {
                <p class="sub">{ say_with("cron-a-day", &[("runs", &runs), ("calls", &calls)]) }</p>
            }
            <p class="sub">{ say("cron-next-five") }</p>
            <ol>{ for view.next.iter().map(|firing| html! { <li>{ inert(&firing.wall) }{ shift(firing) }</li> }) }</ol>
            if let Some(firing) = view.shift.as_ref().filter(|each| !view.next.contains(each)) {
                <p class="sub">{ say_with("shift-ahead", &[("wall", &firing.wall)]) }{ shift(firing) }</p>
            }
        </section>
    }
}

fn shift(firing: &Firing) -> Html {
    let key = match firing.shift {
        None => return Html::default(),
        Some(Shift::Moved) => "shift-moved",
        Some(Shift::Once) => "shift-once",
        Some(Shift::Twice) => "shift-twice",
    };
    html! { <small class="sub">{ " " }{ say(key) }</small> }
}

fn add(draft: &UseStateHandle<Draft>) -> Callback<MouseEvent> {
    let draft = draft.clone();
    Callback::from(move |_| {
        let mut next = (*draft).clone();
        let key = next
            .calls
            .iter()
            .map(|call| call.key + 1)
            .max()
            .unwrap_or(0);
        next.calls.push(Typed::new(key));
        draft.set(next);
    })
}

fn call_form(draft: &UseStateHandle<Draft>, at: usize, typed: &Typed) -> Html {
    let change = {
        let draft = draft.clone();
        Callback::from(move |typed| {
            let mut next = (*draft).clone();
            if let Some(call) = next.calls.get_mut(at) {
                *call = typed;
            }
            draft.set(next);
        })
    };
    let remove = {
        let draft = draft.clone();
        Callback::from(move |()| {
            let mut next = (*draft).clone();
            next.calls.remove(at);
            draft.set(next);
        })
    };
    let up = (at > 0).then(|| {
        let draft = draft.clone();
        Callback::from(move |()| {
            let mut next = (*draft).clone();
            next.calls.swap(at - 1, at);
            draft.set(next);
        })
    });
    html! {
        <CallForm key={typed.key} number={at + 1} typed={typed.clone()} {change} {remove} {up} />
    }
}
