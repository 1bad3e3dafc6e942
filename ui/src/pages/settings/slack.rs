//! Notices in Slack: by whose bot, to whom, of what, when not, and a real message to try it.

use crate::{
    ipc,
    parts::{
        field::{Field, Kind},
        states,
    },
    query::use_query,
    say::{say, say_error, say_with},
    state::Frame,
};
use std::rc::Rc;
use wire::{
    ChannelsView, Error, GetChannels, IntegrationId, NoticeKind, QuietHours, SaveSlackChannel,
    SlackChannel, SlackTested, TestSlackChannel, Topic,
};
use yew::{platform::spawn_local, prelude::*};

/// The section of Settings.
#[component]
pub fn Channels() -> Html {
    let query = use_query(GetChannels {}, vec![Topic::App, Topic::Integrations]);
    let body = states::shown(&query, states::loading_lines(), |view| {
        if view.slacks.is_empty() {
            html! { <p class="sub">{ say("channels-no-slack") }</p> }
        } else {
            html! { <Form view={view.clone()} /> }
        }
    });
    html! {
        <section class="panel" id="slack"><h2>{ say("channels") }</h2><div class="in">
            <p class="sub">{ say("channels-hint") }</p>
            { body }
        </div></section>
    }
}

#[derive(Properties, PartialEq)]
struct FormProps {
    view: Rc<ChannelsView>,
}

/// What is typed, until it is saved.
#[derive(Clone, PartialEq)]
struct Typed {
    slack: SlackChannel,
    admins: String,
    from: String,
    until: String,
}

impl Typed {
    fn of(slack: &SlackChannel) -> Self {
        let hour = |minute: Option<u16>| {
            minute.map_or_else(String::new, |m| format!("{:02}:{:02}", m / 60, m % 60))
        };
        Self {
            admins: slack.admins.join(", "),
            from: hour(slack.quiet.map(|quiet| quiet.from)),
            until: hour(slack.quiet.map(|quiet| quiet.until)),
            slack: slack.clone(),
        }
    }

    fn read(&self) -> SlackChannel {
        // One of the two alone is refused, not forgotten.
        let (from, until) = (minutes(&self.from), minutes(&self.until));
        let quiet = from.or(until).zip(until.or(from));
        SlackChannel {
            admins: self
                .admins
                .split(',')
                .map(|s| s.trim().to_owned())
                .collect(),
            quiet: quiet.map(|(from, until)| QuietHours { from, until }),
            ..self.slack.clone()
        }
    }
}

/// The minutes of `HH:MM`.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    Some(hours.parse::<u16>().ok()? * 60 + minutes.parse::<u16>().ok()?)
}

#[component]
fn Form(props: &FormProps) -> Html {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let saved = &props.view.slack;
    let typed = use_state_eq(|| Typed::of(saved));
    let error = use_state_eq(|| None::<Error>);
    let tested = use_state_eq(|| None::<Vec<SlackTested>>);
    let busy = use_state_eq(|| false);
    {
        let typed = typed.setter();
        use_effect_with(saved.clone(), move |saved| typed.set(Typed::of(saved)));
    }
    let set = |change: fn(&mut Typed, String)| {
        let typed = typed.clone();
        Callback::from(move |text: String| {
            let mut next = (*typed).clone();
            change(&mut next, text);
            typed.set(next);
        })
    };
    let choose = {
        let (typed, slacks) = (typed.clone(), props.view.slacks.clone());
        Callback::from(move |e: Event| {
            let at = e.target_unchecked_into::<web_sys::HtmlSelectElement>();
            // The first option is nobody.
            let chosen = usize::try_from(at.selected_index())
                .unwrap_or(0)
                .checked_sub(1);
            let mut next = (*typed).clone();
            next.slack.integration = chosen.and_then(|n| slacks.get(n)).map(|s| s.integration);
            typed.set(next);
        })
    };
    let onsubmit = {
        let (frame, typed, error) = (frame.clone(), typed.clone(), error.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (frame, error, slack) = (frame.clone(), error.clone(), typed.read());
            spawn_local(async move {
                match ipc::call(SaveSlackChannel { slack }).await {
                    Ok(()) => {
                        error.set(None);
                        frame.say(say("saved"));
                    }
                    Err(refusal) => error.set(Some(refusal)),
                }
            });
        })
    };
    let test = {
        let (tested, error, busy) = (tested.clone(), error.clone(), busy.clone());
        Callback::from(move |_: MouseEvent| {
            let (tested, error, busy) = (tested.clone(), error.clone(), busy.clone());
            busy.set(true);
            tested.set(None);
            spawn_local(async move {
                match ipc::call(TestSlackChannel {}).await {
                    Ok(all) => {
                        error.set(None);
                        tested.set(Some(all));
                    }
                    Err(refusal) => error.set(Some(refusal)),
                }
                busy.set(false);
            });
        })
    };
    let kind = |kind: NoticeKind, id: &'static str| {
        let is_on = typed.slack.kinds.contains(&kind);
        let typed = typed.clone();
        let onchange = Callback::from(move |_: Event| {
            let mut next = (*typed).clone();
            next.slack.kinds.retain(|each| *each != kind);
            if !is_on {
                next.slack.kinds.push(kind);
                next.slack.kinds.sort();
            }
            typed.set(next);
        });
        html! {
            <label class="option" for={id}>
                <input type="checkbox" {id} checked={is_on} {onchange} /><span>{ say(id) }</span>
            </label>
        }
    };
    let is_chosen = |id: IntegrationId| typed.slack.integration == Some(id);
    let option = |slack: &wire::SlackChoice| {
        let name = crate::inert::inert(&slack.name);
        html! { <option selected={is_chosen(slack.integration)}>{ name }</option> }
    };
    // As it was saved: what is typed and not saved yet cannot be tried.
    let may_test = saved.integration.is_some() && typed.read() == *saved && !*busy;
    let on = typed.slack.integration.is_some();
    html! {
        <form {onsubmit} autocomplete="off" class="stack">
            <div class="row"><label for="slack-from">{ say("slack-from") }</label>
                <div class="input"><select id="slack-from" onchange={choose}>
                    <option selected={!on}>{ say("slack-nobody") }</option>
                    { for props.view.slacks.iter().map(option) }
                </select></div>
            </div>
            if on {
                <Field id="slack-admins" label={say("slack-admins")} value={typed.admins.clone()} required=true
                    hint={say("slack-admins-hint")} on_input={set(|typed, text| typed.admins = text)} />
                <fieldset class="row choice"><legend>{ say("slack-kinds") }</legend>
                    { kind(NoticeKind::Expiring, "slack-kind-expiring") }
                    { kind(NoticeKind::Failing, "slack-kind-failing") }
                </fieldset>
                <fieldset class="row choice"><legend>{ say("slack-quiet") }</legend>
                    <p class="hint">{ say("slack-quiet-hint") }</p>
                    <div class="inline">
                        <Field id="slack-quiet-from" kind={Kind::Time} label={say("slack-quiet-from")}
                            value={typed.from.clone()} on_input={set(|typed, text| typed.from = text)} />
                        <Field id="slack-quiet-until" kind={Kind::Time} label={say("slack-quiet-until")}
                            value={typed.until.clone()} on_input={set(|typed, text| typed.until = text)} />
                    </div>
                </fieldset>
            }
            if let Some(error) = &*error { <p class="error" role="alert">{ say_error(error) }</p> }
            <div>
                <div role="status">if let Some(all) = &*tested { <ul class="plain-list">{ for all.iter().map(arrived) }</ul> }</div>
                <div class="buttons">
                    <button type="submit" disabled={typed.read() == *saved}>{ say("save") }</button>
                    <button type="button" class="quiet" disabled={!may_test} onclick={test}>
                        { say(if *busy { "slack-sending" } else { "slack-send-test" }) }
                    </button>
                </div>
            </div>
        </form>
    }
}

fn arrived(tested: &SlackTested) -> Html {
    let address = crate::inert::inert(&tested.admin);
    html! {
        <li data-testid="tested">{ match &tested.error {
            None => say_with("slack-test-arrived", &[("address", &address)]),
            Some(error) => {
                say_with("slack-test-failed", &[("address", &address), ("why", &say_error(error))])
            }
        } }</li>
    }
}
