//! Form fields: label, input, hint, and the error at the field itself.

use crate::{
    icons::{Icon, icon},
    say::say,
};
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// What may be typed.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    #[default]
    Text,
    Url,
    /// A day of the calendar; its value is `YYYY-MM-DD`.
    Date,
    /// An hour of the day; its value is `HH:MM`.
    Time,
    /// Hidden while typed, with a button to see it; never suggested, never kept by the browser.
    Secret,
}

/// One field.
#[derive(Properties, PartialEq)]
pub struct FieldProps {
    pub id: &'static str,
    pub label: AttrValue,
    pub value: AttrValue,
    pub on_input: Callback<String>,
    #[prop_or_default]
    pub kind: Kind,
    #[prop_or_default]
    pub required: bool,
    #[prop_or_default]
    pub autofocus: bool,
    #[prop_or_default]
    pub placeholder: Option<AttrValue>,
    #[prop_or_default]
    pub hint: Option<AttrValue>,
    #[prop_or_default]
    pub error: Option<AttrValue>,
    #[prop_or(2_000)]
    pub max: u32,
}

/// The field.
#[component]
pub fn Field(props: &FieldProps) -> Html {
    let seen = use_state(|| false);
    let oninput = props
        .on_input
        .reform(|e: InputEvent| e.target_unchecked_into::<HtmlInputElement>().value());
    let kind = match props.kind {
        Kind::Text => "text",
        Kind::Url => "url",
        Kind::Date => "date",
        Kind::Time => "time",
        Kind::Secret if *seen => "text",
        Kind::Secret => "password",
    };
    let (hint_id, error_id) = (format!("{}-hint", props.id), format!("{}-error", props.id));
    let described = match (&props.hint, &props.error) {
        (None, None) => None,
        (Some(_), None) => Some(hint_id.clone()),
        (None, Some(_)) => Some(error_id.clone()),
        (Some(_), Some(_)) => Some(format!("{error_id} {hint_id}")),
    };
    let eye = (props.kind == Kind::Secret).then(|| {
        let (key, picture) = if *seen {
            ("hide", Icon::Hide)
        } else {
            ("show", Icon::Show)
        };
        let seen = seen.clone();
        let onclick = Callback::from(move |_: MouseEvent| seen.set(!*seen));
        html! {
            <button type="button" class="quiet icon" aria-label={say(key)} {onclick}>
                { icon(picture) }
            </button>
        }
    });
    html! {
        <div class={classes!("row", props.error.is_some().then_some("wrong"))}>
            <label for={props.id}>
                { props.label.clone() }
                if !props.required { <span class="sub">{ " " }{ say("optional") }</span> }
            </label>
            <div class="input">
                <input
                    id={props.id}
                    name={props.id}
                    type={kind}
                    class={props.value.is_empty().then_some("blank")}
                    value={props.value.clone()}
                    placeholder={props.placeholder.clone()}
                    required={props.required}
                    autofocus={props.autofocus}
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    maxlength={props.max.to_string()}
                    aria-invalid={props.error.is_some().then_some("true")}
                    aria-describedby={described}
                    {oninput}
                />
                { eye.unwrap_or_default() }
            </div>
            if let Some(error) = &props.error {
                <p class="error" id={error_id} role="alert">{ error.clone() }</p>
            }
            if let Some(hint) = &props.hint {
                <p class="hint" id={hint_id}>{ hint.clone() }</p>
            }
        </div>
    }
}

/// An option's label and, where it helps, a hint.
pub type ChoiceOption = (AttrValue, Option<AttrValue>);

/// A choice among few: radio buttons, as the platform moves through them. The number of the option
/// is chosen.
pub fn choice(
    name: &'static str,
    legend: AttrValue,
    (options, chosen): (&[ChoiceOption], usize),
    on_choose: &Callback<usize>,
) -> Html {
    let items = options.iter().enumerate().map(|(index, (label, hint))| {
        let onchange = on_choose.reform(move |_: Event| index);
        let id = format!("{name}-{index}");
        html! {
            <label class="option" for={id.clone()}>
                <input type="radio" {name} {id} checked={index == chosen} {onchange} />
                <span>{ label.clone() }if let Some(hint) = hint { <small>{ hint.clone() }</small> }</span>
            </label>
        }
    });
    html! { <fieldset class="row choice"><legend>{ legend }</legend>{ for items }</fieldset> }
}
