//! Tabs that are links: each has an address.

use crate::route::Route;
use yew::prelude::*;

/// One tab.
#[derive(Clone, PartialEq)]
pub struct TabItem {
    pub label: AttrValue,
    pub count: Option<usize>,
    pub route: Route,
    pub current: bool,
}

/// The row of tabs, named for who listens.
pub fn tabs(label: AttrValue, items: Vec<TabItem>) -> Html {
    html! {
        <nav class="tabs" aria-label={label}>
            { for items.into_iter().map(|item| html! {
                <a href={item.route.href()} aria-current={item.current.then_some("page")}>
                    { item.label }
                    if let Some(count) = item.count { <span class="n">{ count }</span> }
                </a>
            }) }
        </nav>
    }
}
