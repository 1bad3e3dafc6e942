//! Which document: a file, one dropped on the window, or its address.

use crate::{
    icons::{Icon, icon},
    parts::field::{Field, Kind},
    say::{say, say_error},
    sheets::add::above,
};
use web_sys::{File, HtmlInputElement};
use wire::{Error, ErrorCode};
use yew::prelude::*;

/// What to do with what was chosen.
#[derive(Properties, PartialEq)]
pub struct ChooseProps {
    pub error: Option<Error>,
    pub take: Callback<File>,
    pub url: Callback<String>,
    /// The address to begin with.
    pub begin: String,
}

/// The first step.
#[component]
pub fn Choose(props: &ChooseProps) -> Html {
    let url = use_state(|| props.begin.clone());
    let onchange = {
        let take = props.take.clone();
        Callback::from(move |e: Event| {
            let input: HtmlInputElement = e.target_unchecked_into();
            if let Some(file) = input.files().and_then(|files| files.get(0)) {
                take.emit(file);
            }
        })
    };
    let onsubmit = {
        let (ask, url) = (props.url.clone(), url.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            ask.emit(url.trim().to_owned());
        })
    };
    let on_input = {
        let url = url.clone();
        Callback::from(move |text: String| url.set(text))
    };
    let at_url = props.error.as_ref().filter(|error| is_of_the_url(error));
    let elsewhere = props.error.as_ref().filter(|error| !is_of_the_url(error));
    html! {
        <>
            { elsewhere.map(above).unwrap_or_default() }
            <label class="drop" for="document-file">
                <span class="kind-icon">{ icon(Icon::Document) }</span>
                <span><b>{ say("openapi-file") }</b><small>{ say("openapi-file-hint") }</small></span>
                <input type="file" id="document-file" {onchange}
                    accept=".json,.yaml,.yml,application/json,application/yaml" />
            </label>
            <form {onsubmit} autocomplete="off">
                <Field id="document-url" kind={Kind::Url} label={say("openapi-url")} value={(*url).clone()} required=true
                    placeholder="https://api.example.com/openapi.json" hint={say("openapi-url-hint")}
                    error={at_url.map(say_error)} {on_input} />
                <div class="buttons"><button type="submit" class="primary">{ say("openapi-read") }</button></div>
            </form>
        </>
    }
}

/// What the address caused is shown at its field.
fn is_of_the_url(error: &Error) -> bool {
    matches!(
        error.code,
        ErrorCode::FieldEmpty
            | ErrorCode::UrlInvalid
            | ErrorCode::UrlHasCredentials
            | ErrorCode::UrlNotSecure
            | ErrorCode::AddressForbidden
            | ErrorCode::Unreachable
            | ErrorCode::RedirectRefused
            | ErrorCode::Rejected
            | ErrorCode::Forbidden
            | ErrorCode::ServerError
            | ErrorCode::BadAnswer
            | ErrorCode::TooLarge
    )
}
