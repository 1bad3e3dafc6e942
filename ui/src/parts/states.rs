//! What a list shows when it has nothing to show: loading, empty, error; and the bar above old data.

use crate::{
    icons::{Icon, icon},
    query::Query,
    say::{say, say_error, say_with},
    time::{at_now, moment},
};
use yew::prelude::*;

/// Grey cards while the first answer is on its way.
pub fn loading_cards() -> Html {
    html! {
        <div class="grid" role="status" aria-label={say("loading")}>
            { for (0..6).map(|_| html! { <div class="card ghost"><i class="w1" /><i class="w2" /><i class="w3" /><i class="w4" /></div> }) }
        </div>
    }
}

/// Grey lines while the first answer is on its way.
pub fn loading_lines() -> Html {
    html! {
        <div class="ghost lines" role="status" aria-label={say("loading")}>
            <i class="w3" /><i class="w4" /><i class="w2" /><i class="w4" />
        </div>
    }
}

/// Nothing is here, and why.
pub fn empty(title: AttrValue, sentence: AttrValue) -> Html {
    html! { <div class="empty"><b>{ title }</b><p>{ sentence }</p></div> }
}

/// It could not be fetched: why, and the button that tries again.
pub fn failed(error: &wire::Error, retry: &Callback<()>) -> Html {
    let onclick = retry.reform(|_: MouseEvent| ());
    html! {
        <div class="empty" role="alert">
            <span class="bad-ink">{ icon(Icon::Expiring) }</span>
            <b>{ say("not-loaded") }</b>
            <p>{ say_error(error) }</p>
            <button type="button" {onclick}>{ say("try-again") }</button>
        </div>
    }
}

/// The bar above old data: "Showing what was known at 14:02", why, and the button that tries again.
pub fn stale<T>(query: &Query<T>) -> Html {
    match (&query.data, &query.error) {
        (Some(_), Some(error)) => stale_bar(error, query.known_at, &query.retry),
        (Some(_) | None, None) | (None, Some(_)) => Html::default(),
    }
}

fn stale_bar(error: &wire::Error, known_at: Option<wire::Time>, retry: &Callback<()>) -> Html {
    let known = at_now(move |now| {
        let when = known_at.map(|at| moment(at, now)).unwrap_or_default();
        html! { <b>{ say_with("stale", &[("when", &when)]) }</b> }
    });
    let onclick = retry.reform(|_: MouseEvent| ());
    html! {
        <div class="banner warn-edge" role="status" data-testid="stale">
            <span class="warn-ink">{ icon(Icon::Expiring) }</span>
            <span class="grow">{ known }{ " " }{ say_error(error) }</span>
            <button type="button" {onclick}>{ say("try-again") }</button>
        </div>
    }
}

/// The data, or what stands in for it.
pub fn shown<T>(
    query: &Query<T>,
    loading: Html,
    show: impl FnOnce(&std::rc::Rc<T>) -> Html,
) -> Html {
    match (&query.data, &query.error) {
        (Some(data), _) => html! { <>{ stale(query) }{ show(data) }</> },
        (None, Some(error)) => failed(error, &query.retry),
        (None, None) => loading,
    }
}
