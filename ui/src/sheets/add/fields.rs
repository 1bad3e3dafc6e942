//! The fields that the forms of Add integration share.

use super::{step::Form, visible};
use crate::{
    parts::field::{Field, Kind},
    say::{say, say_error},
    sheets::form::{At, Typed, at},
};
use std::rc::Rc;
use wire::Error;
use yew::prelude::*;

/// The fields of one form, made alike.
pub struct Fields<'a> {
    pub typed: &'a UseStateHandle<Rc<Typed>>,
    /// The error and the field it is shown at.
    pub wrong: Option<(At, &'a Error)>,
}

impl<'a> Fields<'a> {
    /// Of a custom API's form.
    pub fn of_api(typed: &'a UseStateHandle<Rc<Typed>>, error: Option<&'a Error>) -> Self {
        let wrong = error.map(|error| (visible(Form::Api, typed, at(error)), error));
        Self { typed, wrong }
    }

    pub fn set(&self, change: impl Fn(&mut Typed, String) + 'static) -> Callback<String> {
        let typed = self.typed.clone();
        Callback::from(move |text: String| {
            let mut next = (**typed).clone();
            change(&mut next, text);
            typed.set(Rc::new(next));
        })
    }

    /// The number of the chosen way, and what choosing another one does.
    pub fn way<W: Copy + PartialEq>(
        &self,
        ways: &'static [W],
        now: W,
        change: fn(&mut Typed, W),
    ) -> (usize, Callback<usize>) {
        let typed = self.typed.clone();
        let on_choose = Callback::from(move |index: usize| {
            if let Some(way) = ways.get(index) {
                let mut next = (**typed).clone();
                change(&mut next, *way);
                typed.set(Rc::new(next));
            }
        });
        (
            ways.iter().position(|way| *way == now).unwrap_or_default(),
            on_choose,
        )
    }

    pub fn error(&self, at: At) -> Option<AttrValue> {
        self.wrong
            .filter(|(wrong, _)| *wrong == at)
            .map(|(_, error)| say_error(error))
    }

    pub fn url(&self, label: &'static str, placeholder: &'static str) -> Html {
        html! {
            <Field id="url" kind={Kind::Url} label={say(label)} value={self.typed.url.clone()} required=true
                placeholder={placeholder} error={self.error(At::Url)} on_input={self.set(|t, text| t.url = text)} />
        }
    }

    pub fn name(&self, required: bool, hint: &'static str) -> Html {
        html! {
            <Field id="name" label={say("field-name")} value={self.typed.name.clone()} {required} max={60}
                hint={say(hint)} error={self.error(At::Name)} on_input={self.set(|t, text| t.name = text)} />
        }
    }

    pub fn key_name(&self, label: &'static str, placeholder: &'static str) -> Html {
        html! {
            <Field id="key-name" label={say(label)} value={self.typed.key_name.clone()} required=true max={200}
                placeholder={placeholder} error={self.error(At::KeyName)}
                on_input={self.set(|t, text| t.key_name = text)} />
        }
    }

    pub fn secret(&self, label: &'static str) -> Html {
        self.secret_with(label, true, "secret-hint")
    }

    fn secret_with(&self, label: &'static str, required: bool, hint: &'static str) -> Html {
        html! {
            <Field id="secret" kind={Kind::Secret} label={say(label)} value={self.typed.secret.clone()} {required}
                max={20_000} hint={say(hint)} error={self.error(At::Secret)}
                on_input={self.set(|t, text| t.secret = text)} />
        }
    }

    /// A key, and when it ends.
    pub fn key(&self, label: &'static str) -> Html {
        self.and_its_end(self.secret(label))
    }

    /// What stands beside a user name. Nothing, where that is the key.
    pub fn password(&self) -> Html {
        self.and_its_end(self.secret_with("field-password", false, "password-hint"))
    }

    fn and_its_end(&self, secret: Html) -> Html {
        html! {
            <>
                { secret }
                <Field id="ends-on" kind={Kind::Date} label={say("field-ends-on")} value={self.typed.ends_on.clone()}
                    max={10} hint={say("field-ends-on-hint")} error={self.error(At::EndsOn)}
                    on_input={self.set(|t, text| t.ends_on = text)} />
            </>
        }
    }
}
