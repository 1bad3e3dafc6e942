//! The very first page: nothing is connected, and the sample is one click away.

use crate::{
    icons::{Icon, icon},
    ipc,
    query::use_query,
    route::Route,
    say::{say, say_count},
    state::{Action, Frame, Sheet, Toast, Tone},
};
use wire::{AttemptId, Confirmed, GetAttempt, Phase, StartConnect, Target, Topic};
use yew::{platform::spawn_local, prelude::*};

/// Offers the sample and Add integration.
#[component]
pub fn FirstRun() -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let attempt = use_state(|| None::<AttemptId>);
    let starting = use_state(|| false);
    let connect = {
        let (frame, attempt, starting) = (frame.clone(), attempt.clone(), starting.clone());
        Callback::from(move |_: MouseEvent| {
            let (frame, attempt, starting) = (frame.clone(), attempt.clone(), starting.clone());
            starting.set(true);
            spawn_local(async move {
                let request = StartConnect {
                    target: Target::Sample,
                    confirmed: Confirmed::default(),
                };
                match ipc::call(request).await {
                    Ok(began) => attempt.set(Some(began.id)),
                    Err(error) => {
                        starting.set(false);
                        frame.say_failed(&error);
                    }
                }
            });
        })
    };
    let add = frame.dispatch.reform(|_: MouseEvent| Action::Open(Sheet::Add));
    let stopped = {
        let (attempt, starting) = (attempt.clone(), starting.clone());
        Callback::from(move |()| {
            attempt.set(None);
            starting.set(false);
        })
    };
    let busy = *starting;
    html! {
        <div class="first-run">
            <span class="mark big" aria-hidden="true">{ icon(Icon::Link) }</span>
            <h1 tabindex="-1" id="title">{ say("first-title") }</h1>
            <p>{ say("first-sentence") }</p>
            <div class="buttons">
                <button type="button" class="primary" data-testid="connect-sample" disabled={busy} onclick={connect}>
                    { icon(if busy { Icon::Busy } else { Icon::Sample }) }
                    { say(if busy { "connecting-sample" } else { "connect-sample" }) }
                </button>
                <button type="button" data-testid="add-integration" onclick={add}>
                    { icon(Icon::Add) }{ say("add-integration") }
                </button>
            </div>
            <p class="sub">{ say("sample-is") }</p>
            if let Some(id) = *attempt { <Watch key={id.to_string()} {id} {stopped} /> }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct WatchProps {
    id: AttemptId,
    stopped: Callback<()>,
}

/// Follows the sample's attempt without a sheet: it needs no answer. Where it does, or where it
/// fails, the sheet takes over.
#[component]
fn Watch(props: &WatchProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let query = use_query(GetAttempt { id: props.id }, vec![Topic::Attempts]);
    let phase = query.data.as_ref().map(|attempt| attempt.phase.clone());
    let (id, stopped) = (props.id, props.stopped.clone());
    use_effect_with((phase, query.error.clone()), move |(phase, error)| {
        let over = match phase {
            Some(Phase::Done { integration, tools }) => {
                frame.dispatch.emit(Action::Say(Toast {
                    tone: Tone::Ok,
                    text: say_count("sample-connected", *tools as usize),
                    link: Some((say("open"), Route::Integration { id: *integration })),
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
                | Phase::Exchanging
                | Phase::Proving,
            )
            | None => false,
        };
        if let Some(error) = error {
            frame.say_failed(error);
        }
        if over || error.is_some() {
            stopped.emit(());
        }
    });
    Html::default()
}
