//! When a key that is being typed ends.

use super::form::Typed;
use crate::{say::say, time::start_of};
use wire::{ApiAuth, Error, ErrorCode, McpAuth, Target, Time};

/// The end that a field of a day holds; `None` where nothing is typed.
///
/// # Errors
/// What is typed is no day, which must not be taken for a key that never ends.
pub fn end_of(day: &str) -> Result<Option<Time>, Error> {
    if day.trim().is_empty() {
        return Ok(None);
    }
    start_of(day.trim()).map(Some).ok_or_else(|| {
        Error::new(ErrorCode::FieldInvalid)
            .with("field", say("field-ends-on").as_str())
            .with("why", say("ends-on-unread").as_str())
    })
}

/// When the key ends, as typed: only a key that is typed has such an end.
pub(super) fn typed_end(typed: &Typed, target: &Target) -> Result<Option<Time>, Error> {
    if has_end(target) {
        end_of(&typed.ends_on)
    } else {
        Ok(None)
    }
}

/// True where the form of such a target asks for an end.
fn has_end(target: &Target) -> bool {
    match target {
        Target::Mcp { auth, .. } => !matches!(auth, McpAuth::Discover),
        Target::Api { auth, .. } | Target::OpenApi { auth, .. } => {
            !matches!(auth, ApiAuth::SignIn { .. } | ApiAuth::None)
        }
        Target::Provider { .. } | Target::Sample => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheets::form::{ApiWay, McpWay};
    use wire::SecretInput;

    #[test]
    fn a_day_that_cannot_be_read_is_no_key_without_an_end() {
        for (day, read) in [("", Some(None)), (" ", Some(None))]
            .into_iter()
            .chain(["2026-11-27", " 2026-11-27 "].map(|day| (day, Some(start_of("2026-11-27")))))
            .chain(["0026-11-27", "27.11.2026", "2026-02-30", "soon"].map(|day| (day, None)))
        {
            let end = end_of(day);
            assert_eq!(end.as_ref().ok().copied(), read, "{day:?}");
            if let Err(error) = end {
                assert_eq!(
                    super::super::form::at(&error),
                    super::super::form::At::EndsOn
                );
            }
        }
    }

    #[test]
    fn an_end_is_sent_only_with_what_its_form_asks_for() {
        let mut typed = Typed {
            ends_on: "2026-11-27".into(),
            ..Typed::default()
        };
        let provider = Target::Provider {
            provider: "stripe".into(),
            way: "key".into(),
            bundles: vec![],
            key: SecretInput::new("a key"),
            name: String::new(),
        };
        let end = start_of("2026-11-27");
        for (target, told) in [
            (typed.api(), end),
            (typed.mcp(), None),
            (provider, None),
            (Target::Sample, None),
        ] {
            assert_eq!(typed_end(&typed, &target).ok(), Some(told));
        }
        typed.mcp = McpWay::Bearer;
        typed.api = ApiWay::None;
        assert_eq!(typed_end(&typed, &typed.mcp()).ok(), Some(end));
        assert_eq!(typed_end(&typed, &typed.api()).ok(), Some(None));
        typed.ends_on = "0026-11-27".into();
        assert!(typed_end(&typed, &typed.mcp()).is_err());
        assert_eq!(
            typed_end(&typed, &typed.api()).ok(),
            Some(None),
            "not asked"
        );
    }
}
