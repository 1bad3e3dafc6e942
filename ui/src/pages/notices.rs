//! The inbox: what an admin was told, and what is still to be done about it.

use crate::{
    icons::Icon,
    inert::inert,
    ipc,
    parts::{
        card::{fix_button, reason},
        crons::{can_resume, listed, resume_button},
        pill::{of_status, pill},
        states,
    },
    route::Route,
    say::{say, say_error, say_with},
    state::{Frame, Tone},
    time::{ago_now, at_now, dated},
};
use wire::{
    Command, Delivery, MarkNoticeSeen, NoticeKind, NoticeView, Reason, SnoozeNotice, Status,
};
use yew::{platform::spawn_local, prelude::*};

/// Hours that "Snooze for a day" puts a notice off.
const A_DAY: u32 = 24;

/// The page.
pub fn notices(frame: &Frame) -> Html {
    html! {
        <>
            <header class="page"><div>
                <h1 tabindex="-1" id="title">{ say("notices") }</h1>
                <div class="sub">{ say("notices-sub") }</div>
            </div></header>
            <section class="panel table">
                { states::shown(&frame.notices, states::loading_lines(), |all| if all.is_empty() {
                    states::empty(say("no-notices"), say("no-notices-hint"))
                } else {
                    table(frame, all)
                }) }
            </section>
        </>
    }
}

fn table(frame: &Frame, all: &[NoticeView]) -> Html {
    html! {
        <table>
            <thead><tr>
                <th scope="col">{ say("col-status") }</th>
                <th scope="col">{ say("notice-about") }</th>
                <th scope="col">{ say("col-cause") }</th>
                <th scope="col">{ say("col-time") }</th>
                <th scope="col">{ say("col-fix") }</th>
            </tr></thead>
            <tbody>{ for all.iter().map(|notice| row(frame, notice)) }</tbody>
        </table>
    }
}

fn row(frame: &Frame, notice: &NoticeView) -> Html {
    let (stands, shown) = standing(notice);
    let name = inert(&notice.name);
    let cause = {
        let notice = notice.clone();
        at_now(move |now| match &notice.stuck {
            Some(why) => html! { { say_error(why) } },
            None if notice.of_agent => html! { { token(&notice, now) } },
            None => html! { { reason(&notice.reason, &notice.name, now).unwrap_or_default() } },
        })
    };
    let leads = if notice.stuck.is_some() {
        Some(Route::Crons)
    } else if notice.of_agent {
        Some(Route::Agents)
    } else {
        frame
            .card(notice.integration)
            .map(|_| Route::of(notice.integration))
    };
    html! {
        <tr key={notice.id.to_string()} data-testid="notice" data-stands={stands}>
            <td>{ shown }</td>
            <td class="cut">
                if let Some(route) = leads { <a href={route.href()}>{ name }</a> } else { { name } }
            </td>
            <td>{ cause }
                if let Some(names) = listed(&notice.crons) {
                    <p class="sub">{ say_with("crons-paused-here", &[("names", &names)]) }</p>
                }
                if let (Some(until), None, None) = (notice.snoozed_until, notice.resolved_at, notice.seen_at) {
                    { at_now(move |now| html! {
                        if until > now {
                            <p class="sub">{ say_with("notice-snoozed-until", &[("at", &dated(until, now))]) }</p>
                        }
                    }) }
                }
                if let (Delivery::Failing { why, .. }, None) = (&notice.popup, notice.resolved_at) {
                    <p class="sub">{ say_with("notice-not-shown", &[("why", why)]) }</p>
                }
                if let (Some(Delivery::Failing { why, .. }), None) = (&notice.slack, notice.resolved_at) {
                    <p class="sub">{ say_with("notice-not-in-slack", &[("why", &inert(why))]) }</p>
                }
            </td>
            <td class="t">{ ago_now(notice.opened_at) }</td>
            <td>{ actions(frame, notice) }</td>
        </tr>
    }
}

/// When an agent's token ends, and what to do.
fn token(notice: &NoticeView, now: wire::Time) -> AttrValue {
    let Reason::EndsOn { at } = notice.reason else {
        return AttrValue::default();
    };
    let said = words::token(&notice.reason, &notice.name, &dated(at, now), now);
    inert(&format!("{said} {}", say("agent-token-hint")))
}

/// Its state: the name of it, and its pill.
fn standing(notice: &NoticeView) -> (&'static str, Html) {
    if notice.resolved_at.is_some() {
        return (
            "resolved",
            pill(Tone::Quiet, Icon::Healthy, say("notice-resolved")),
        );
    }
    if notice.well_since.is_some() {
        return ("well", pill(Tone::Ok, Icon::Healthy, say("notice-well")));
    }
    if notice.stuck.is_some() {
        return ("stuck", pill(Tone::Warn, Icon::Crons, say("notice-stuck")));
    }
    let (name, status) = match notice.kind {
        NoticeKind::Expiring => ("expiring", Status::Expiring),
        NoticeKind::Failing => ("failing", Status::Failing),
    };
    let (tone, picture) = of_status(status);
    (name, pill(tone, picture, words::status(status).into()))
}

/// What mends it, and what makes it quiet.
fn actions(frame: &Frame, notice: &NoticeView) -> Html {
    if notice.resolved_at.is_some() {
        return Html::default();
    }
    let fix = frame
        .card(notice.integration)
        .zip(notice.fix)
        .map(|(card, fix)| {
            let testing = frame.state.testing.contains(&card.id);
            fix_button(card, fix, testing, &frame.act, "")
        });
    let resume = frame
        .card(notice.integration)
        .filter(|card| can_resume(card) && !notice.crons.is_empty())
        .map(|card| {
            let count = notice.crons.len();
            resume_button((card.id, &card.name), count, &frame.act, "")
        });
    let id = notice.id;
    let named = |key: &'static str| {
        say_with(
            "action-for",
            &[("action", &say(key)), ("name", &notice.name)],
        )
    };
    html! {
        <div class="buttons">
            { fix.unwrap_or_default() }{ resume.unwrap_or_default() }
            if notice.seen_at.is_none() {
                <button type="button" class="quiet" aria-label={named("notice-seen")}
                    onclick={does(frame, move || MarkNoticeSeen { id })}>{ say("notice-seen") }</button>
                { snooze(frame, notice) }
            }
        </div>
    }
}

/// Puts it off, or, where it is put off, no longer.
fn snooze(frame: &Frame, notice: &NoticeView) -> Html {
    let (frame, id, until) = (frame.clone(), notice.id, notice.snoozed_until);
    let name = notice.name.clone();
    at_now(move |now| {
        let (key, hours) = if until.is_some_and(|until| until > now) {
            ("notice-tell-now", None)
        } else {
            ("notice-snooze", Some(A_DAY))
        };
        let label = say_with("action-for", &[("action", &say(key)), ("name", &name)]);
        html! {
            <button type="button" class="quiet" aria-label={label}
                onclick={does(&frame, move || SnoozeNotice { id, hours })}>{ say(key) }</button>
        }
    })
}

/// Asks, and says where it was refused. The list comes anew by its topic.
fn does<C: Command<Reply = ()>>(
    frame: &Frame,
    request: impl Fn() -> C + 'static,
) -> Callback<MouseEvent> {
    let frame = frame.clone();
    Callback::from(move |_: MouseEvent| {
        let (frame, request) = (frame.clone(), request());
        spawn_local(async move {
            if let Err(error) = ipc::call(request).await {
                frame.say_failed(&error);
            }
        });
    })
}
