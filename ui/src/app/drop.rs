//! Files dropped on the window: an OpenAPI document. Without this the webview would open the file in
//! the window's place.

use crate::{page::Listener, state::Action};
use wasm_bindgen::JsCast;
use web_sys::{DataTransfer, DragEvent};
use yew::prelude::*;

/// Takes the first dropped file, for the window's life.
#[hook]
pub fn use_drop(dispatch: &Callback<Action>) {
    use_effect_with(dispatch.clone(), |dispatch| {
        let over = Listener::new("dragover", |event| {
            if let Some(data) = files(&event) {
                event.prevent_default();
                data.set_drop_effect("copy");
            }
        });
        let dispatch = dispatch.clone();
        let drop = Listener::new("drop", move |event| {
            let Some(data) = files(&event) else { return };
            event.prevent_default();
            if let Some(file) = data.files().and_then(|files| files.get(0)) {
                dispatch.emit(Action::Dropped(file));
            }
        });
        move || std::mem::drop((over, drop))
    });
}

/// What is dragged, where that is a file: text dragged into a field is the field's own.
fn files(event: &web_sys::Event) -> Option<DataTransfer> {
    let data = event.dyn_ref::<DragEvent>()?.data_transfer()?;
    let is_file = data
        .types()
        .iter()
        .any(|kind| kind.as_string().as_deref() == Some("Files"));
    is_file.then_some(data)
}
