//! The tile: a brand's picture, or one or two letters, on a colour.

use crate::{
    brands::{brand, is_light, rgb},
    inert::inert,
};
use yew::prelude::*;

/// How large.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Small,
    Medium,
    Large,
}

/// The tile of an integration or a provider. It is decoration: the name stands beside it.
pub fn tile(icon: &wire::Icon, size: Size) -> Html {
    let size = match size {
        Size::Small => "small",
        Size::Medium => "",
        Size::Large => "large",
    };
    let letters: String = icon.monogram.chars().take(2).collect();
    let branded = icon.brand.as_ref();
    if let Some((brand_of, colour)) = branded.and_then(|b| Some((b, rgb(&b.ground)?))) {
        let ink = if is_light(colour) { "ink-dark" } else { "" };
        let [red, green, blue] = colour;
        // An attribute of the drawing's own, since the CSP allows no style attribute.
        let fill = format!("#{red:02x}{green:02x}{blue:02x}");
        let picture = brand_of.picture.as_deref().and_then(brand);
        return html! {
            <span class={classes!("tile", "branded", ink, size)} aria-hidden="true">
                <svg class="ground" viewBox="0 0 1 1" preserveAspectRatio="none">
                    <rect width="1" height="1" {fill} />
                </svg>
                { picture.unwrap_or_else(|| html! { <span>{ inert(&letters) }</span> }) }
            </span>
        };
    }
    let colour = format!("tile-{}", icon.colour.min(11));
    html! { <span class={classes!("tile", colour, size)} aria-hidden="true">{ inert(&letters) }</span> }
}
