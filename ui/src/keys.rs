//! Keys that work anywhere on a page.

use crate::page::Listener;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

/// Calls `on` when `key` is pressed outside of a field and without a modifier.
#[hook]
pub fn use_key(key: &'static str, on: Callback<()>) {
    use_effect_with(on, move |on| {
        let on = on.clone();
        let listener = Listener::new("keydown", move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
                return;
            };
            let modified = event.ctrl_key() || event.meta_key() || event.alt_key();
            if event.key() == key && !modified && !is_typing() && !is_modal() {
                event.prevent_default();
                on.emit(());
            }
        });
        move || drop(listener)
    });
}

fn is_typing() -> bool {
    crate::page::focused().is_some_and(|element| {
        matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
            || element
                .dyn_ref::<HtmlElement>()
                .is_some_and(HtmlElement::is_content_editable)
    })
}

fn is_modal() -> bool {
    matches!(
        crate::page::document().query_selector("dialog[open]"),
        Ok(Some(_))
    )
}
