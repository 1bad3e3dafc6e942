//! A tool's arguments as a form made from its schema, where every one of them is a plain value; else as
//! JSON.

use super::call::select;
use crate::{inert::inert, say::say};
use serde_json::{Map, Number, Value};
use web_sys::HtmlInputElement;
use wire::ToolView;
use yew::prelude::*;

/// The fields, or one for the JSON.
pub fn arguments(number: usize, tool: &ToolView, typed: &str, on: &Callback<String>) -> Html {
    let schema: Value = serde_json::from_str(&tool.input_schema).unwrap_or_default();
    let given = serde_json::from_str::<Map<String, Value>>(typed).ok();
    let properties = schema.get("properties").and_then(Value::as_object);
    match (properties, given) {
        (None, Some(given)) if given.is_empty() && schema["additionalProperties"] != true => {
            html! { <p class="sub">{ say("cron-arguments-none") }</p> }
        }
        (Some(properties), Some(given)) if properties.values().all(|each| kind(each).is_some()) => {
            let required = schema["required"].as_array();
            let fields = properties.iter().map(|(name, schema)| {
                let needed = required.is_some_and(|all| all.iter().any(|each| each == name));
                let put = put(&given, name, on);
                let place = (format!("call-{number}-{name}"), needed);
                field(place, (name, schema), given.get(name), &put)
            });
            html! { <>{ for fields }</> }
        }
        (Some(_) | None, _) => raw(number, typed, on),
    }
}

/// The kind of a plain value.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    Truth,
    OneOf,
}

fn kind(schema: &Value) -> Option<Kind> {
    let choices = schema["enum"].as_array();
    if choices.is_some_and(|all| all.iter().all(Value::is_string)) {
        return Some(Kind::OneOf);
    }
    // `["string", "null"]`: what may be left out.
    let named = match &schema["type"] {
        Value::Array(types) => types.iter().find(|each| *each != "null")?.as_str(),
        other => other.as_str(),
    };
    match named? {
        "string" => Some(Kind::Text),
        "integer" | "number" => Some(Kind::Number),
        "boolean" => Some(Kind::Truth),
        _ => None,
    }
}

/// Sets one argument, or leaves it out where nothing is typed.
fn put(given: &Map<String, Value>, name: &str, on: &Callback<String>) -> Callback<Option<Value>> {
    let (given, name) = (given.clone(), name.to_owned());
    on.reform(move |value: Option<Value>| {
        let mut next = given.clone();
        match value {
            Some(value) => next.insert(name.clone(), value),
            None => next.remove(&name),
        };
        Value::Object(next).to_string()
    })
}

fn field(
    (id, needed): (String, bool),
    (name, schema): (&str, &Value),
    value: Option<&Value>,
    put: &Callback<Option<Value>>,
) -> Html {
    let label = inert(name);
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let hint = schema["description"].as_str().map(inert);
    let chosen = Some(text.as_str()).filter(|text| !text.is_empty());
    let input = match kind(schema) {
        Some(Kind::OneOf) => {
            let all = schema["enum"].as_array().into_iter().flatten();
            let all = all
                .filter_map(Value::as_str)
                .map(|each| (each.to_owned(), inert(each)));
            let put = put.reform(|text: String| (!text.is_empty()).then_some(Value::String(text)));
            return html! { <>{ select((id, label), all, chosen, &put) }{ hint_of(hint) }</> };
        }
        Some(Kind::Truth) => {
            let all = ["true", "false"].map(|each| (each.to_owned(), each.into()));
            let put = put.reform(|text: String| match text.as_str() {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                _ => None,
            });
            return html! { <>{ select((id, label), all.into_iter(), chosen, &put) }{ hint_of(hint) }</> };
        }
        Some(Kind::Number) => put.reform(|text: String| number(&text)),
        Some(Kind::Text) | None => {
            put.reform(|text: String| (!text.is_empty()).then_some(Value::String(text)))
        }
    };
    let value = value.cloned();
    html! {
        <div class="row">
            <label for={id.clone()}>{ label }if !needed { <span class="sub">{ " " }{ say("optional") }</span> }</label>
            <div class="input"><Plain {id} {value} {text} on={input} /></div>
            { hint_of(hint) }
        </div>
    }
}

/// A number as typed, or what was typed where that is none. Digits that only fit a number by losing some are none.
fn number(text: &str) -> Option<Value> {
    let typed = text.trim();
    let number = serde_json::from_str::<Number>(typed).ok();
    let exact = number.filter(|number| !number.is_f64() || typed.contains(['.', 'e', 'E']));
    let value = exact.map_or_else(|| Value::String(text.to_owned()), Value::Number);
    (!text.is_empty()).then_some(value)
}

#[derive(Properties, PartialEq)]
struct PlainProps {
    id: String,
    value: Option<Value>,
    /// How the value is written.
    text: String,
    on: Callback<String>,
}

/// A field that keeps what is typed as long as it means the value: `0.00` is on its way to `0.005`, and would
/// else be written anew as `0.0`.
#[component]
fn Plain(props: &PlainProps) -> Html {
    let typed = use_state(String::new);
    let value = if number(&typed) == props.value {
        (*typed).clone()
    } else {
        props.text.clone()
    };
    let oninput = {
        let on = props.on.clone();
        Callback::from(move |e: InputEvent| {
            let text = e.target_unchecked_into::<HtmlInputElement>().value();
            typed.set(text.clone());
            on.emit(text);
        })
    };
    html! { <input id={props.id.clone()} type="text" {value} autocomplete="off" spellcheck="false" {oninput} /> }
}

fn hint_of(hint: Option<AttrValue>) -> Html {
    hint.map(|hint| html! { <p class="hint">{ hint }</p> })
        .unwrap_or_default()
}

fn raw(number: usize, typed: &str, on: &Callback<String>) -> Html {
    // A text area's value is read as an input's is.
    let oninput = on.reform(|e: InputEvent| e.target_unchecked_into::<HtmlInputElement>().value());
    let id = format!("call-{number}-json");
    html! {
        <div class="row">
            <label for={id.clone()}>{ say("cron-arguments-json") }</label>
            <textarea {id} class="mono" rows="4" spellcheck="false" value={typed.to_owned()} {oninput} />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_number_is_read_as_it_was_typed_or_not_at_all() {
        for (typed, value) in [
            ("0.005", json!(0.005)),
            ("0.00", json!(0.0)),
            ("-0.5", json!(-0.5)),
            (" 7 ", json!(7)),
            ("18446744073709551615", json!(u64::MAX)),
            ("0.", json!("0.")),
            ("-", json!("-")),
            ("-0", json!("-0")),
            ("12345678901234567890123", json!("12345678901234567890123")),
        ] {
            assert_eq!(number(typed), Some(value), "{typed}");
        }
        assert_eq!(number(""), None, "left out");
    }
}
