//! The record's settings: how sure a row is before its call leaves, how long rows stay, and the file for a
//! collector.

use super::save::use_save;
use crate::{
    icons::{Icon, icon},
    page,
    parts::{field::Field, states},
    query::use_query,
    say::{say, say_error, say_with},
    time::full,
};
use std::rc::Rc;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use wire::{
    GetRecordSettings, Overdue, RecordSettings, RecordSettingsView, SaveRecordSettings, Topic,
};
use yew::prelude::*;

/// How long rows may stay: days, and the key of the words.
const DAYS: [(u32, &str); 5] = [
    (0, "keep-always"),
    (90, "keep-90"),
    (365, "keep-365"),
    (730, "keep-730"),
    (2_555, "keep-2555"),
];

/// The section.
#[component]
pub fn Record() -> Html {
    let saved = use_query(GetRecordSettings {}, vec![Topic::App]);
    html! {
        <section class="panel"><h2>{ say("record-settings") }</h2><div class="in">
            { states::shown(&saved, states::loading_lines(), |saved| html! { <Form saved={saved.clone()} /> }) }
        </div></section>
    }
}

fn longer(why: Overdue) -> &'static str {
    match why {
        Overdue::Disagreed => "overdue-disagreed",
        Overdue::NoKey => "overdue-no-key",
        Overdue::Held => "overdue-held",
    }
}

#[derive(Properties, PartialEq)]
struct FormProps {
    saved: Rc<RecordSettingsView>,
}

#[component]
fn Form(props: &FormProps) -> Html {
    let saved = &props.saved.settings;
    let file = use_state(|| saved.tail_file.clone().unwrap_or_default());
    let (save, error) = use_save();
    let keep = use_node_ref();
    {
        let keep = keep.clone();
        use_effect_with(error.clone(), move |error| {
            if let (Some(_), Some(keep)) = (error, keep.cast()) {
                page::put_back(&keep);
            }
        });
    }
    let save = save.reform(|settings: RecordSettings| SaveRecordSettings { settings });
    let on_strict = {
        let saved = saved.clone();
        save.reform(move |e: Event| RecordSettings {
            strict: e.target_unchecked_into::<HtmlInputElement>().checked(),
            ..saved.clone()
        })
    };
    let on_days = {
        let saved = saved.clone();
        save.reform(move |e: Event| {
            let days = e.target_unchecked_into::<HtmlSelectElement>().value();
            RecordSettings {
                keep_days: days.parse().ok().filter(|days| *days > 0),
                ..saved.clone()
            }
        })
    };
    let onsubmit = {
        let (saved, file) = (saved.clone(), file.clone());
        save.reform(move |e: SubmitEvent| {
            e.prevent_default();
            let path = file.trim().to_owned();
            file.set(path.clone());
            RecordSettings {
                tail_file: Some(path),
                ..saved.clone()
            }
        })
    };
    let on_input = {
        let file = file.setter();
        Callback::from(move |text: String| file.set(text))
    };
    let kept = saved.keep_days.unwrap_or(0);
    html! {
        <>
            <label class="option row" for="strict">
                <input type="checkbox" id="strict" checked={saved.strict} onchange={on_strict} />
                <span>{ say("strict") }<small>{ say("strict-hint") }</small></span>
            </label>
            <div class="row"><label for="keep">{ say("keep-rows") }</label>
                <div class="input"><select ref={keep} id="keep" onchange={on_days}>
                    { for DAYS.iter().map(|(days, key)| html! {
                        <option value={days.to_string()} selected={*days == kept}>{ say(key) }</option>
                    }) }
                </select></div>
            </div>
            if let Some(why) = props.saved.overdue {
                <p class="error box" role="alert" data-testid="overdue">{ icon(Icon::Expiring) }
                    <span>{ say(longer(why)) }</span></p>
            }
            <form {onsubmit} autocomplete="off" class="inline">
                <Field id="tail-file" label={say("tail-file")} value={(*file).clone()} hint={say("tail-file-hint")}
                    {error} {on_input} />
                <button type="submit" disabled={*file == saved.tail_file.clone().unwrap_or_default()}>{ say("save") }</button>
            </form>
            if let Some(trouble) = &props.saved.tail_trouble {
                <p class="error box" role="alert" data-testid="tail-trouble">{ icon(Icon::Expiring) }
                    <span>{ say_with("tail-trouble", &[("why", &say_error(&trouble.error)), ("at", &full(trouble.since))]) }</span></p>
            }
        </>
    }
}
