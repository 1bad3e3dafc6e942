//! When a pasted key ends, as the admin was told by its provider.

use crate::{
    icons::{Icon, icon},
    ipc,
    parts::field::{Field, Kind},
    say::{say, say_error},
    sheets::end_of,
    state::Frame,
    time::{day_of, full},
};
use wire::{Error, IntegrationId, SetEnd, Time};
use yew::{platform::spawn_local, prelude::*};

/// Of which integration, and the end that is known.
#[derive(Properties, PartialEq)]
pub struct EndsProps {
    pub id: IntegrationId,
    pub ends_at: Option<Time>,
    /// A key that can be pasted: its end can be typed.
    pub takes_key: bool,
}

/// The panel; nothing where no end is known and none can be typed.
#[component]
pub fn Ends(props: &EndsProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let typed = use_state(|| None::<String>);
    let error = use_state(|| None::<Error>);
    let saving = use_state_eq(|| false);
    let known = props.ends_at.map(day_of).unwrap_or_default();
    if !props.takes_key {
        return match props.ends_at {
            Some(at) => html! {
                <section class="panel"><h2>{ say("field-ends-on") }</h2>
                    <div class="in line"><span class="grow why">{ full(at) }</span></div></section>
            },
            None => Html::default(),
        };
    }
    let value = (*typed).clone().unwrap_or_else(|| known.clone());
    let on_input = {
        let (typed, error) = (typed.clone(), error.clone());
        Callback::from(move |text: String| {
            error.set(None);
            typed.set(Some(text));
        })
    };
    let onsubmit = {
        let (typed, error, saving) = (typed.clone(), error.clone(), saving.clone());
        let (id, day, frame) = (props.id, value.clone(), frame.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (typed, error, saving) = (typed.clone(), error.clone(), saving.clone());
            let ends_at = match end_of(&day) {
                Ok(ends_at) => ends_at,
                Err(refusal) => return error.set(Some(refusal)),
            };
            let frame = frame.clone();
            saving.set(true);
            spawn_local(async move {
                match ipc::call(SetEnd { id, ends_at }).await {
                    Ok(()) => {
                        typed.set(None);
                        frame.say(say("saved"));
                    }
                    Err(refusal) => error.set(Some(refusal)),
                }
                saving.set(false);
            });
        })
    };
    let unchanged = value == known;
    html! {
        <section class="panel"><h2>{ say("field-ends-on") }</h2><div class="in">
            <form class="inline-form" {onsubmit} autocomplete="off">
                <Field id="ends-on" kind={Kind::Date} label={say("field-ends-on")} {value} hint={say("field-ends-on-hint")}
                    error={error.as_ref().map(say_error)} {on_input} max={10} />
                <button type="submit" disabled={unchanged || *saving}>
                    if *saving { { icon(Icon::Busy) } }
                    { say("save") }
                </button>
            </form>
        </div></section>
    }
}
