//! Crons: when each runs next, how it went, who paused it and why.

mod arguments;
mod call;
mod day;
mod form;
mod history;

use crate::{
    icons::{Icon, icon},
    inert::inert,
    ipc,
    parts::{
        crons::{in_words, listed},
        menu::{Menu, MenuItem},
        states,
    },
    say::{say, say_error, say_with},
    state::{Action, Frame, Toast, Tone},
    time::{ago, at_now, full, moment, took, until},
};
use form::Form;
use std::{collections::BTreeSet, rc::Rc};
use web_sys::HtmlElement;
use wire::{
    Command, CronId, CronOwner, CronView, DeleteCron, Dependence, IntegrationId, PauseCron,
    RestoreCron, ResumeCron, RunCron, RunOutcome, Time,
};
use yew::{platform::spawn_local, prelude::*};

/// What is due for longer waits for something.
const LATE_MS: i64 = 60_000;

/// What stands in front of the page.
#[derive(Clone, PartialEq)]
enum Open {
    Nothing,
    /// A form: of a new cron, of this one, or of a copy of it.
    Form {
        of: Option<Rc<CronView>>,
        copy: bool,
    },
    Menu {
        of: Rc<CronView>,
        right: f64,
        below: f64,
    },
}

/// What is done to a cron without a form.
#[derive(Clone, Copy, PartialEq)]
enum Do {
    Pause,
    Resume,
    Run,
    Delete,
    Restore,
}

#[derive(Properties, PartialEq)]
pub struct Props {
    /// Only those that depend on it, without the page's heading.
    #[prop_or_default]
    pub only: Option<IntegrationId>,
}

/// The page, or an integration's part of it.
#[component]
pub fn Crons(props: &Props) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let open = use_state_eq(|| Open::Nothing);
    let unfolded = use_state_eq(BTreeSet::<CronId>::new);
    let close = {
        let open = open.clone();
        Callback::from(move |()| open.set(Open::Nothing))
    };
    let new = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| {
            open.set(Open::Form {
                of: None,
                copy: false,
            });
        })
    };
    let only = props.only;
    html! {
        <>
            if only.is_none() {
                <header class="page">
                    <div><h1 tabindex="-1" id="title">{ say("crons") }</h1>
                        <div class="sub">{ say("crons-sub") }</div></div>
                    <span class="grow" />
                    <button type="button" class="primary" data-testid="new-cron" onclick={new}>
                        { icon(Icon::Add) }{ say("cron-new") }
                    </button>
                </header>
            }
            { states::shown(&frame.crons, states::loading_lines(), |all| {
                let mine: Vec<Rc<CronView>> = all.iter().filter(|cron| of(cron, only)).cloned().map(Rc::new).collect();
                if mine.is_empty() && only.is_some() {
                    return html! { <section class="panel"><p class="none">{ say("crons-none-here") }</p></section> };
                }
                if mine.is_empty() {
                    return states::empty(say("crons-none"), say("crons-none-sentence"));
                }
                html! {
                    <div class="stack">
                        if only.is_none() { { day::strip(&mine) } }
                        <section class="panel"><div class="table"><table>
                            <thead><tr>
                                <th scope="col">{ say("cron-col") }</th><th scope="col">{ say("cron-col-next") }</th>
                                <th scope="col">{ say("cron-col-last") }</th>
                                <th scope="col"><span class="unseen">{ say("cron-col-do") }</span></th>
                            </tr></thead>
                            <tbody>{ for mine.iter().map(|cron| row(&frame, cron, &open, &unfolded)) }</tbody>
                        </table></div></section>
                    </div>
                }
            }) }
            { match &*open {
                Open::Nothing => Html::default(),
                Open::Form { of, copy } => html! { <Form cron={of.clone()} copy={*copy} close={close.clone()} /> },
                Open::Menu { of, right, below } => menu(&frame, of, (*right, *below), &open),
            } }
        </>
    }
}

fn of(cron: &CronView, only: Option<IntegrationId>) -> bool {
    only.is_none_or(|id| cron.depends.iter().any(|each| each.integration == id))
}

fn row(
    frame: &Frame,
    cron: &Rc<CronView>,
    open: &UseStateHandle<Open>,
    unfolded: &UseStateHandle<BTreeSet<CronId>>,
) -> Html {
    let id = cron.id;
    let is_open = unfolded.contains(&id);
    let toggle = {
        let unfolded = unfolded.clone();
        Callback::from(move |_: MouseEvent| {
            let mut next = (*unfolded).clone();
            if !next.remove(&id) {
                next.insert(id);
            }
            unfolded.set(next);
        })
    };
    let stands = match (&cron.paused, cron.is_held()) {
        (Some(_), _) => "paused",
        (None, true) => "held",
        (None, false) => "active",
    };
    let depends: Vec<&str> = cron.depends.iter().map(|each| each.name.as_str()).collect();
    html! {
        <>
            <tr key={id.to_string()} data-testid="cron" data-stands={stands} data-name={inert(&cron.name)}>
                <td class="any">
                    <b>{ inert(&cron.name) }</b>
                    if let CronOwner::Agent { name, .. } = &cron.owner {
                        { " " }<span class="pill calm">{ icon(Icon::Agents) }{ say_with("cron-of-agent", &[("name", name)]) }</span>
                    }
                    <div class="sub">{ in_words(&cron.schedule) }{ " · " }{ inert(&cron.zone) }
                        if !depends.is_empty() { { " · " }{ inert(&depends.join(", ")) } }</div>
                    if let Some(obstacle) = &cron.obstacle { <p class="error">{ say_error(obstacle) }</p> }
                </td>
                <td>{ standing(cron) }</td>
                <td>{ last(cron, is_open, toggle) }</td>
                <td class="end">{ buttons(frame, cron, open) }</td>
            </tr>
            if is_open { <tr class="row-more"><td colspan="4">{ history::table(cron) }</td></tr> }
        </>
    }
}

/// When it runs next, or who has paused it and why.
fn standing(cron: &Rc<CronView>) -> Html {
    if let Some(pause) = &cron.paused {
        return html! { <span class="pill calm" title={full(pause.at)}>{ icon(Icon::Off) }{ say_with("cron-paused-by", &[("name", &pause.by)]) }</span> };
    }
    if cron.is_held() {
        let (tone, told) = held(&cron.depends);
        let class = classes!("pill", tone.class());
        return html! { <span {class}>{ icon(Icon::Expiring) }<span class="wrap">{ told }</span></span> };
    }
    match cron.next {
        None => html! { <span class="sub">{ say("cron-next-none") }</span> },
        Some(at) => at_now(move |now| {
            if let Some(waits) = waits(at, now) {
                return html! { <time title={full(at)}>{ waits }</time> };
            }
            html! { <time title={full(at)}>{ until(at, now) }<div class="sub">{ moment(at, now) }</div></time> }
        }),
    }
}

/// Since when it is due, where something keeps it from starting.
fn waits(at: Time, now: Time) -> Option<AttrValue> {
    (now.since(at) > LATE_MS).then(|| say_with("cron-waits-since", &[("at", &moment(at, now))]))
}

/// Whose failure has paused it: of those that still fail, else of those that work again.
fn held(depends: &[Dependence]) -> (Tone, AttrValue) {
    let held = || depends.iter().filter(|each| each.held_since.is_some());
    let names: Vec<String> = held()
        .filter(|each| each.failing)
        .map(|each| each.name.clone())
        .collect();
    let (tone, one, more, names) = if names.is_empty() {
        let names = held().map(|each| each.name.clone()).collect();
        (Tone::Warn, "cron-held-over", "crons-held-over", names)
    } else {
        (Tone::Bad, "cron-held-by", "crons-held-by", names)
    };
    let key = if names.len() == 1 { one } else { more };
    let names = listed(&names).unwrap_or_default();
    (tone, say_with(key, &[("names", &names)]))
}

/// The last runs as dots, and how the newest went.
fn last(cron: &Rc<CronView>, is_open: bool, toggle: Callback<MouseEvent>) -> Html {
    let Some(newest) = cron.runs.last() else {
        return html! { <span class="sub">{ say("cron-never-ran") }</span> };
    };
    let dots = cron.runs.iter().map(|run| {
        let (class, key) = history::outcome(run.outcome);
        let lasted = history::lasted(run).map(|ms| format!(" · {}", took(ms)));
        let title = format!(
            "{} · {}{}",
            full(run.begun_at),
            say(key),
            lasted.unwrap_or_default()
        );
        html! { <i class={class} title={title.clone()}><span class="unseen">{ title }</span></i> }
    });
    let (at, lasted) = (newest.begun_at, history::lasted(newest));
    let running = newest.outcome == RunOutcome::Running;
    let told = at_now(move |now| match (running, lasted) {
        (true, _) => html! { say("cron-runs-now") },
        (false, Some(ms)) => html! { <>{ ago(at, now) }{ " · " }{ took(ms) }</> },
        (false, None) => html! { ago(at, now) },
    });
    let outcome = history::outcome(newest.outcome).1;
    html! {
        <button type="button" class="quiet runs" data-testid="runs" data-last={outcome} onclick={toggle}
            aria-expanded={is_open.to_string()} title={say("cron-history-show")}>
            <span class="unseen">{ say_with("cron-history", &[("name", &cron.name)]) }{ " " }</span>
            <span class="dots">{ for dots }</span>
            <span class="sub">{ told }</span>
        </button>
    }
}

fn buttons(frame: &Frame, cron: &Rc<CronView>, open: &UseStateHandle<Open>) -> Html {
    let stops = cron.paused.is_none() && !cron.is_held();
    let (act, key) = if stops {
        (Do::Pause, "cron-pause")
    } else {
        (Do::Resume, "cron-resume")
    };
    let button = |act: Do, key: &'static str| {
        let (frame, cron) = (frame.clone(), cron.clone());
        let aria = say_with("action-for", &[("action", &say(key)), ("name", &cron.name)]);
        let onclick = Callback::from(move |_: MouseEvent| perform(&frame, &cron, act));
        html! { <button type="button" class="quiet" aria-label={aria} {onclick}>{ say(key) }</button> }
    };
    let more = {
        let (open, of) = (open.clone(), cron.clone());
        Callback::from(move |e: MouseEvent| {
            let place = e.target_unchecked_into::<HtmlElement>();
            let button = place.closest("button").ok().flatten();
            if let Some(rect) = button.map(|b| b.get_bounding_client_rect()) {
                let of = of.clone();
                open.set(Open::Menu {
                    of,
                    right: rect.right(),
                    below: rect.bottom(),
                });
            }
        })
    };
    let running = cron
        .runs
        .last()
        .is_some_and(|run| run.outcome == RunOutcome::Running);
    html! {
        <div class="line">
            if cron.owner == CronOwner::App && !running { { button(Do::Run, "cron-run") } }
            { button(act, key) }
            <button type="button" class="quiet icon" aria-haspopup="menu" onclick={more}
                aria-label={say_with("more-for", &[("name", &cron.name)])}>{ icon(Icon::More) }</button>
        </div>
    }
}

fn menu(
    frame: &Frame,
    cron: &Rc<CronView>,
    (right, below): (f64, f64),
    open: &UseStateHandle<Open>,
) -> Html {
    let form = |copy: bool| {
        let (open, of) = (open.clone(), cron.clone());
        Callback::from(move |()| {
            let of = Some(of.clone());
            open.set(Open::Form { of, copy });
        })
    };
    let delete = {
        let (frame, cron, open) = (frame.clone(), cron.clone(), open.clone());
        Callback::from(move |()| {
            open.set(Open::Nothing);
            perform(&frame, &cron, Do::Delete);
        })
    };
    let item = |icon, key, on, danger| MenuItem {
        icon,
        label: say(key),
        on,
        danger,
    };
    let mut items = Vec::new();
    if cron.owner == CronOwner::App {
        items.push(item(Icon::Rename, "cron-edit", form(false), false));
        items.push(item(Icon::Copy, "cron-duplicate", form(true), false));
    }
    items.push(item(Icon::Disconnect, "cron-delete", delete, true));
    let on_close = {
        let open = open.clone();
        Callback::from(move |()| {
            // A choice has put something else there already.
            if matches!(*open, Open::Menu { .. }) {
                open.set(Open::Nothing);
            }
        })
    };
    html! { <Menu label={say_with("more-for", &[("name", &cron.name)])} {right} {below} {items} {on_close} /> }
}

/// Does it, and says how it went; a deletion can be taken back from its toast.
fn perform(frame: &Frame, cron: &Rc<CronView>, act: Do) {
    let (frame, cron, id) = (frame.clone(), cron.clone(), cron.id);
    spawn_local(async move {
        let (answer, key) = match act {
            Do::Pause => (tell(PauseCron { id }).await, "cron-paused-now"),
            Do::Resume => (tell(ResumeCron { id }).await, "cron-resumed-now"),
            Do::Run => (tell(RunCron { id }).await, "cron-began"),
            Do::Delete => (tell(DeleteCron { id }).await, "cron-deleted"),
            Do::Restore => (tell(RestoreCron { id }).await, "cron-restored"),
        };
        match answer {
            Err(error) => frame.say_failed(&error),
            Ok(()) => {
                let undo = (act == Do::Delete).then(|| {
                    let (frame, cron) = (frame.clone(), cron.clone());
                    let on = Callback::from(move |()| perform(&frame, &cron, Do::Restore));
                    (say("cron-undo"), on)
                });
                frame.dispatch.emit(Action::Say(Toast {
                    tone: Tone::Ok,
                    text: say_with(key, &[("name", &cron.name)]),
                    link: None,
                    undo,
                }));
            }
        }
        frame.crons.retry.emit(());
    });
}

async fn tell<C: Command<Reply = ()>>(ask: C) -> Result<(), wire::Error> {
    ipc::call(ask).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::fixtures::{NOW, id};

    fn depends(n: u32, name: &str, failing: bool) -> Dependence {
        Dependence {
            integration: id(n),
            name: name.into(),
            held_since: Some(NOW),
            failing,
        }
    }

    #[test]
    fn what_is_due_and_does_not_start_says_since_when() {
        let due = NOW.plus(-10 * LATE_MS);
        let told = waits(due, NOW).expect("it waits");
        assert_eq!(told, format!("waits since {}", moment(due, NOW)));
        for soon in [NOW.plus(-LATE_MS), NOW, NOW.plus(LATE_MS)] {
            assert_eq!(waits(soon, NOW), None);
        }
    }

    #[test]
    fn a_paused_cron_names_what_still_fails_and_else_what_works_again() {
        let (a, b) = (
            |failing| depends(1, "A", failing),
            |failing| depends(2, "B", failing),
        );
        for (all, tone, told) in [
            (vec![a(true)], Tone::Bad, "Paused: A fails"),
            (vec![a(true), b(true)], Tone::Bad, "Paused: A and B fail"),
            (vec![a(true), b(false)], Tone::Bad, "Paused: A fails"),
            (
                vec![a(false)],
                Tone::Warn,
                "Paused since A failed; it works again",
            ),
            (
                vec![a(false), b(false)],
                Tone::Warn,
                "Paused since A and B failed; they work again",
            ),
        ] {
            let (found, said) = held(&all);
            assert_eq!((found, said.as_str()), (tone, told));
        }
    }
}
