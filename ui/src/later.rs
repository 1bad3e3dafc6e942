//! What is fetched after the first page stands: every page but the cards', and the sheets. The window
//! starts with what it shows first, in less than half of the program.
//!
//! Owns: the cut, and when the rest is asked for. `cargo xtask ui` makes a file of its own of all that
//! only [`rest`] reaches. Must not know: what a page shows.

// The marked function is imported from the other file, which Rust calls unsafe.
#![allow(unsafe_code)]

use crate::{
    pages::{
        activity::Activity, agents::Agents, crons::Crons, integration::Integration,
        notices::notices, settings::settings, tasks::Tasks,
    },
    parts::states,
    route::Route,
    sheets::sheets,
    state::Frame,
};
use futures::FutureExt;
use gloo_timers::future::TimeoutFuture;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use yew::{platform::spawn_local, prelude::*};

/// Until the file is asked for again where it did not come, in milliseconds.
const AGAIN: u32 = 1_000;

/// Of what the rest is asked.
#[derive(Clone, Copy)]
enum Ask {
    Page(Route),
    Sheets,
}

/// Asks for the rest as soon as `ready`; renders again when it is there.
#[hook]
pub fn use_rest(ready: bool) {
    let here = use_force_update();
    use_effect_with(ready, move |ready| {
        if *ready && cfg!(target_arch = "wasm32") {
            spawn_local(async move {
                while fetch().await.is_err() {
                    TimeoutFuture::new(AGAIN).await;
                }
                here.force_update();
            });
        }
    });
}

/// A page that is not the first; grey lines until the rest is there.
pub fn page(frame: &Frame, route: Route) -> Html {
    asked(frame, Ask::Page(route)).unwrap_or_else(states::loading_lines)
}

/// The open sheets.
pub fn sheets_of(frame: &Frame) -> Html {
    let open = !frame.state.sheets.is_empty();
    open.then(|| asked(frame, Ask::Sheets))
        .flatten()
        .unwrap_or_default()
}

/// Its answer, where the rest is there: then it waits for nothing.
fn asked(frame: &Frame, ask: Ask) -> Option<Html> {
    rest(frame.clone(), ask).now_or_never()?.ok()
}

#[wasm_split(rest, fallible, preload(fetch))]
fn rest(frame: Frame, ask: Ask) -> Result<Html, SplitLoaderError> {
    Ok(match ask {
        Ask::Sheets => sheets(&frame),
        Ask::Page(route) => match route {
            Route::Integration { id, tab } => {
                html! { <Integration key={id.to_string()} {id} {tab} /> }
            }
            Route::Activity => html! { <Activity /> },
            Route::Crons => html! { <Crons /> },
            Route::Agents => html! { <Agents /> },
            Route::Tasks => html! { <Tasks /> },
            Route::Notices => notices(&frame),
            Route::Settings => settings(&frame),
            Route::Integrations | Route::Lost => Html::default(),
        },
    })
}
