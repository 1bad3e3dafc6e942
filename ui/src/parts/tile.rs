//! The tile: one or two letters on a colour.

use crate::inert::inert;
use yew::prelude::*;

/// How large.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Small,
    Medium,
    Large,
}

/// The tile of an integration. The letters are decoration: the name stands beside it.
pub fn tile(icon: &wire::Icon, size: Size) -> Html {
    let size = match size {
        Size::Small => "small",
        Size::Medium => "",
        Size::Large => "large",
    };
    let colour = format!("tile-{}", icon.colour.min(11));
    let letters: String = icon.monogram.chars().take(2).collect();
    html! { <span class={classes!("tile", colour, size)} aria-hidden="true">{ inert(&letters) }</span> }
}
