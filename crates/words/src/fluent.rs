//! The sentences by Fluent: everywhere but in the window (see `small`).

use fluent_templates::{Loader, fluent_bundle::FluentValue, static_loader};
use std::{borrow::Cow, collections::HashMap};
use unic_langid::{LanguageIdentifier, langid};

static_loader! {
    static LOCALES = {
        locales: "./locales",
        fallback_language: "en-US",
        // No bidi isolation marks around arguments: they would show up in logs and tests.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

const LANGUAGE: LanguageIdentifier = langid!("en-US");

/// The sentence of `key` with its arguments; `None` where there is no such key.
pub fn say(key: &str, args: &[(&str, &str)]) -> Option<String> {
    let args: HashMap<Cow<'static, str>, FluentValue> = args
        .iter()
        .map(|(name, value)| (Cow::Owned((*name).to_owned()), FluentValue::from(*value)))
        .collect();
    LOCALES.try_lookup_with_args(&LANGUAGE, key, &args)
}

/// The sentence of `key` in the plural form of `count`.
pub fn count(key: &str, count: u32) -> Option<String> {
    let args = HashMap::from([(Cow::Borrowed("count"), FluentValue::from(count))]);
    LOCALES.try_lookup_with_args(&LANGUAGE, key, &args)
}
