//! Starts the UI in the page's `#app`.

#[cfg(target_arch = "wasm32")]
fn main() {
    let document = chief_ui::page::document();
    let Some(root) = document.get_element_by_id("app") else {
        return;
    };
    // What the page shows until now: a still picture of the frame.
    root.set_text_content(None);
    yew::Renderer::<chief_ui::app::App>::with_root(root).render();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("The UI runs in a window: `cargo xtask run` builds it and opens one.");
}
