//! The UI's sentences: `words` with what came from elsewhere made inert.

use crate::inert::inert;
use std::{cell::RefCell, collections::HashMap};
use yew::AttrValue;

thread_local! {
    /// Sentences without arguments are asked for on every render: each is made once.
    static SAID: RefCell<HashMap<&'static str, AttrValue>> = RefCell::default();
}

/// The sentence of `key`.
#[must_use]
pub fn say(key: &'static str) -> AttrValue {
    SAID.with_borrow_mut(|said| {
        said.entry(key)
            .or_insert_with(|| words::text(key).into())
            .clone()
    })
}

/// The sentence of `key` with its arguments.
#[must_use]
pub fn say_with(key: &'static str, args: &[(&'static str, &str)]) -> AttrValue {
    inert(&words::with(key, args))
}

/// The sentence of `key` with its plural form for `count`.
#[must_use]
pub fn say_count(key: &'static str, count: usize) -> AttrValue {
    words::counted(key, u32::try_from(count).unwrap_or(u32::MAX)).into()
}

/// What went wrong and what to do.
#[must_use]
pub fn say_error(error: &wire::Error) -> AttrValue {
    inert(&words::error(error))
}
