//! Goes where a pressed notification leads. What asks stands in front of an open sheet; what leads to a
//! page waits until none is open.

use crate::{
    ipc,
    parts::dialog::once_closed,
    route::{Route, go},
    state::{Act, Action, Sheet},
};
use wire::{Errand, IntegrationId, TakeErrand, Topic};
use yew::{platform::spawn_local, prelude::*};

/// Takes errands from when the cards are known, of which they speak.
#[hook]
pub fn use_errands(ready: bool, act: Callback<(IntegrationId, Act)>, dispatch: Callback<Action>) {
    use_effect_with(ready, move |ready| {
        let listening = ready.then(|| {
            let take = Callback::from(move |()| {
                let (act, dispatch) = (act.clone(), dispatch.clone());
                spawn_local(async move {
                    if let Ok(Some(errand)) = ipc::call(TakeErrand {}).await {
                        run(errand, act, &dispatch);
                    }
                });
            });
            // One may have come before the page.
            take.emit(());
            ipc::subscribe(vec![Topic::Errand], take)
        });
        move || drop(listening)
    });
}

fn run(errand: Errand, act: Callback<(IntegrationId, Act)>, dispatch: &Callback<Action>) {
    let lead = |route: Route| once_closed(Callback::from(move |()| go(route)));
    match errand {
        Errand::Quit => dispatch.emit(Action::Open(Sheet::Quit)),
        Errand::Review { approval } => dispatch.emit(Action::Open(Sheet::Approval(approval))),
        Errand::Attempt { attempt } => dispatch.emit(Action::Open(Sheet::Attempt(attempt))),
        Errand::Notices => lead(Route::Notices),
        Errand::Crons => lead(Route::Crons),
        Errand::Agents => lead(Route::Agents),
        Errand::Open { integration } => lead(Route::of(integration)),
        Errand::Mend { integration, fix } => once_closed(Callback::from(move |()| {
            go(Route::of(integration));
            act.emit((integration, fix.into()));
        })),
    }
}
