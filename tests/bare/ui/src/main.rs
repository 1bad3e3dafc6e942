//! One paragraph, drawn by Yew.

use yew::{Html, component, html};

#[component]
fn Page() -> Html {
    html! { <p data-testid="card">{ "Nothing but a window." }</p> }
}

fn main() {
    yew::Renderer::<Page>::new().render();
}
