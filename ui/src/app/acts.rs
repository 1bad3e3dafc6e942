//! What a card's buttons and menu do.

use crate::{
    ipc,
    parts::crons::listed,
    route::{Route, Tab, go},
    say::{say, say_count, say_error, say_with},
    state::{Act, Action, Sheet, Toast, Tone},
    time::took,
};
use wire::{
    IntegrationId, ResumeCrons, Resumed, SwitchIntegration, TestIntegration, TestReport,
    UnlockKeyring,
};
use yew::{Callback, platform::spawn_local};

/// Does it. What takes time reports back through `dispatch`.
pub fn perform(id: IntegrationId, act: Act, name: String, dispatch: &Callback<Action>) {
    match act {
        Act::Open => go(Route::of(id)),
        Act::Activity => go(Route::Integration {
            id,
            tab: Tab::Activity,
        }),
        Act::Reconnect => dispatch.emit(Action::Open(Sheet::Reconnect(id))),
        Act::Rename => dispatch.emit(Action::Open(Sheet::Rename(id))),
        Act::Disconnect => dispatch.emit(Action::Open(Sheet::Disconnect(id))),
        Act::Test => {
            dispatch.emit(Action::TestBegan(id));
            let dispatch = dispatch.clone();
            spawn_local(async move { test(id, &name, &dispatch).await });
        }
        Act::Switch(enabled) => {
            let dispatch = dispatch.clone();
            spawn_local(async move {
                let answer = ipc::call(SwitchIntegration { id, enabled }).await;
                dispatch.emit(Action::Say(match answer {
                    Ok(()) => toast(
                        Tone::Ok,
                        say(if enabled {
                            "switched-on"
                        } else {
                            "switched-off-now"
                        }),
                    ),
                    Err(error) => toast(Tone::Bad, say_error(&error)),
                }));
            });
        }
        Act::ResumeCrons => {
            let dispatch = dispatch.clone();
            spawn_local(async move {
                let answer = ipc::call(ResumeCrons { integration: id }).await;
                dispatch.emit(Action::Say(match answer {
                    Ok(resumed) => toast(Tone::Ok, said_of(&resumed)),
                    Err(error) => toast(Tone::Bad, say_error(&error)),
                }));
            });
        }
        Act::Unlock => {
            let dispatch = dispatch.clone();
            spawn_local(async move {
                if let Err(error) = ipc::call(UnlockKeyring {}).await {
                    dispatch.emit(Action::Say(toast(Tone::Bad, say_error(&error))));
                }
            });
        }
    }
}

/// How many go on, else what they still wait for.
fn said_of(resumed: &Resumed) -> yew::AttrValue {
    match listed(&resumed.still_held_by) {
        Some(names) if resumed.going == 0 => say_with("crons-still-held", &[("names", &names)]),
        Some(_) | None => say_count("crons-resumed", resumed.going as usize),
    }
}

fn toast(tone: Tone, text: yew::AttrValue) -> Toast {
    Toast {
        tone,
        text,
        link: None,
        undo: None,
    }
}

async fn test(id: IntegrationId, name: &str, dispatch: &Callback<Action>) {
    match ipc::call(TestIntegration { id }).await {
        Ok(report) => {
            // On its own page the report is there to be read.
            let hash = crate::page::window().location().hash().unwrap_or_default();
            if !hash.contains(&id.to_string()) {
                dispatch.emit(Action::Say(told(id, name, &report)));
            }
            dispatch.emit(Action::TestEnded(id, Some(report)));
        }
        Err(error) => {
            dispatch.emit(Action::Say(toast(Tone::Bad, say_error(&error))));
            dispatch.emit(Action::TestEnded(id, None));
        }
    }
}

fn told(id: IntegrationId, name: &str, report: &TestReport) -> Toast {
    let link = Some((say("details"), Route::of(id)));
    let (tone, text) = match &report.error {
        None => {
            let args = [
                ("name", name),
                ("answer", report.answer.as_str()),
                ("took", &took(report.took_ms)),
            ];
            (Tone::Ok, say_with("tested", &args))
        }
        Some(error) => {
            let args = [("name", name), ("why", &*say_error(error))];
            (Tone::Bad, say_with("test-failed-for", &args))
        }
    };
    Toast {
        tone,
        text,
        link,
        undo: None,
    }
}
