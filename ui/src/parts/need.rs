//! "Needs you": what the admin must do stands above everything, one row and one button each.

use super::{
    card::{fix_button, why},
    crons::{can_resume, paused, resume_button, waiting},
    pill::of_status,
};
use crate::{
    icons::icon,
    inert::inert,
    say::{say, say_count, say_with},
    state::Act,
    time::at_now,
};
use std::{collections::BTreeSet, rc::Rc};
use wire::{CardView, IntegrationId, Status};
use yew::prelude::*;

/// True where the admin has something to do.
#[must_use]
pub fn needs_admin(card: &CardView) -> bool {
    card.enabled && (card.health.status != Status::Healthy || can_resume(card))
}

/// How many are named at most; of more, one fewer, since the line that counts the rest takes a place.
const NAMED: usize = 4;

/// The strip; nothing where nobody needs anything. `all` shows all of them, `repair` walks through them.
pub fn need(
    cards: &[Rc<CardView>],
    testing: &BTreeSet<IntegrationId>,
    act: &Callback<(IntegrationId, Act)>,
    (all, repair): (&Callback<()>, &Callback<()>),
) -> Html {
    let needing: Vec<&Rc<CardView>> = cards.iter().filter(|card| needs_admin(card)).collect();
    if needing.is_empty() {
        return Html::default();
    }
    let named = if needing.len() > NAMED {
        NAMED - 1
    } else {
        NAMED
    };
    let rows = needing.iter().take(named).enumerate().map(|(index, card)| {
        let (tone, picture) = of_status(card.health.status);
        // One accent: the first thing to do.
        let class = if index == 0 { "primary" } else { "" };
        let button = if can_resume(card) {
            let count = waiting(card).len();
            Some(resume_button((card.id, &card.name), count, act, class))
        } else {
            let fix = card.health.fix;
            fix.map(|fix| fix_button(card, fix, testing.contains(&card.id), act, class))
        };
        html! {
            <li key={card.id.to_string()} data-testid="need" data-id={card.id.to_string()}>
                <span class={classes!("pill", tone.class())}>
                    { icon(picture) }<span class="cut">{ inert(&card.name) }</span>
                    <span class="unseen">{ words::status(card.health.status) }</span>
                </span>
                <span class="grow">{ sentence(card) }</span>
                { button.unwrap_or_default() }
            </li>
        }
    });
    let rest = needing.len().saturating_sub(named);
    let all = all.reform(|_: MouseEvent| ());
    let repair = repair.reform(|_: MouseEvent| ());
    html! {
        <section class="need" aria-label={say("needs-you")}>
            <ul>
                <>{ for rows }</>
                if needing.len() > 1 {
                    <li>
                        <span class="grow sub">if rest > 0 { { say_count("need-more", rest) } }</span>
                        if rest > 0 {
                            <button type="button" class="quiet" onclick={all}>{ say("show-all") }</button>
                        }
                        <button type="button" class="quiet" data-testid="repair-all" onclick={repair}>{ say("repair-all") }</button>
                    </li>
                }
            </ul>
        </section>
    }
}

/// The cause in bold; for a token that ends, also that nothing is broken yet.
fn sentence(card: &Rc<CardView>) -> Html {
    let card = card.clone();
    at_now(move |now| {
        let cause = why(&card, now).unwrap_or_default();
        let paused = paused(&waiting(&card));
        match card.health.status {
            Status::Healthy => html! {
                <><b>{ say_with("crons-again", &[("name", &card.name)]) }</b>{ " " }{ paused }</>
            },
            Status::Expiring => html! {
                <><b>{ say_with("need-expiring", &[("name", &card.name)]) }</b>{ " " }{ cause }</>
            },
            Status::Failing => html! { <><b>{ cause }</b>{ " " }{ paused }</> },
        }
    })
}
