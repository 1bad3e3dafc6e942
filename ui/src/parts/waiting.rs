//! Calls that wait for the admin: above every page, one row and one button each.

use super::{card::named, pill::pill};
use crate::{
    icons::Icon,
    inert::inert,
    say::{say, say_with},
    state::Tone,
};
use wire::{ApprovalId, ApprovalView};
use yew::prelude::*;

/// The strip; nothing to see where nobody waits. Its live region is there before anybody does, else nothing
/// hears it.
pub fn waiting(approvals: &[ApprovalView], review: &Callback<ApprovalId>) -> Html {
    let row = |view: &ApprovalView| {
        let id = view.id;
        let onclick = review.reform(move |_: MouseEvent| id);
        html! {
            <li key={id.to_string()} data-testid="waiting">
                { pill(Tone::Warn, Icon::Agents, inert(&view.agent)) }
                <span class="grow">{ say_with("approval-wants", &[("tool", &view.action)]) }</span>
                <button type="button" class="primary" aria-label={named("approval-review", &view.action)} {onclick}>{ say("approval-review") }</button>
            </li>
        }
    };
    html! {
        <div role="status">if !approvals.is_empty() {
            <section class="need" aria-label={say("approvals")}>
                <ul>{ for approvals.iter().map(row) }</ul>
            </section>
        }</div>
    }
}
