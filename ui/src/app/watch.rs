//! Follows the sample's attempt while the admin looks at the page.

use crate::{
    query::use_query,
    route::Route,
    say::{say, say_count},
    state::{Action, Frame, Sheet, Toast, Tone},
};
use wire::{AttemptId, GetAttempt, Phase, Topic};
use yew::prelude::*;

/// Which attempt.
#[derive(Properties, PartialEq)]
pub struct WatchProps {
    pub id: AttemptId,
}

/// Follows the sample's attempt without a sheet: it needs no answer. Where it does, or where it
/// fails, the sheet takes over.
#[component]
pub fn Watch(props: &WatchProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let query = use_query(GetAttempt { id: props.id }, vec![Topic::Attempts]);
    let phase = query.data.as_ref().map(|attempt| attempt.phase.clone());
    let id = props.id;
    use_effect_with((phase, query.error.clone()), move |(phase, error)| {
        let over = match phase {
            Some(Phase::Done { integration, tools }) => {
                frame.dispatch.emit(Action::Say(Toast {
                    tone: Tone::Ok,
                    text: say_count("sample-connected", *tools as usize),
                    link: Some((say("open"), Route::of(*integration))),
                    undo: None,
                }));
                true
            }
            Some(Phase::Asking { .. } | Phase::Failed { .. }) => {
                frame.dispatch.emit(Action::Open(Sheet::Attempt(id)));
                true
            }
            Some(
                Phase::Checking
                | Phase::WaitingForBrowser { .. }
                | Phase::WaitingForCode { .. }
                | Phase::Exchanging
                | Phase::Proving,
            )
            | None => false,
        };
        if let Some(error) = error {
            frame.say_failed(error);
        }
        if over || error.is_some() {
            frame.dispatch.emit(Action::Sample(None));
        }
    });
    Html::default()
}
