//! Every sentence of the product, by code and arguments, for UI, notices and command line alike.
//!
//! Owns: the Fluent files in `locales/`. Must not know: where a sentence is shown. Sentences are
//! plain text; arguments that came from a server are inert here and wherever they are shown.

#[cfg(not(target_arch = "wasm32"))]
mod fluent;
#[cfg(any(target_arch = "wasm32", test))]
mod small;

#[cfg(not(target_arch = "wasm32"))]
use fluent::say;
#[cfg(target_arch = "wasm32")]
use small::say;

/// The sentence of `key`, without arguments. A missing key gives the key itself, which a test and
/// `xtask tidy` keep from happening.
#[must_use]
pub fn text(key: &str) -> String {
    say(key, &[]).unwrap_or_else(|| key.to_owned())
}

/// The sentence of `key` with its arguments. Whole numbers passed as text stay text; use
/// [`counted`] where the sentence has plural forms.
#[must_use]
pub fn with(key: &str, args: &[(&'static str, &str)]) -> String {
    say(key, args).unwrap_or_else(|| key.to_owned())
}

/// The sentence of `key` whose plural form depends on `count` (`{ $count }`).
#[must_use]
pub fn counted(key: &str, count: u32) -> String {
    #[cfg(not(target_arch = "wasm32"))]
    let said = fluent::count(key, count);
    #[cfg(target_arch = "wasm32")]
    let said = small::say(key, &[("count", &count.to_string())]);
    said.unwrap_or_else(|| key.to_owned())
}

/// What went wrong and what to do next, in one or two sentences.
#[must_use]
pub fn error(error: &wire::Error) -> String {
    let key = format!("error-{}", error.code.as_str());
    let args: Vec<(&str, &str)> = error
        .args
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    say(&key, &args).unwrap_or(key)
}

/// The word of a status: Healthy, Expiring, Failing.
#[must_use]
pub fn status(status: wire::Status) -> String {
    text(match status {
        wire::Status::Healthy => "status-healthy",
        wire::Status::Expiring => "status-expiring",
        wire::Status::Failing => "status-failing",
    })
}

/// The label of a fix's button.
#[must_use]
pub fn fix(fix: wire::Fix) -> String {
    text(match fix {
        wire::Fix::Reconnect => "fix-reconnect",
        wire::Fix::PasteKey => "fix-paste-key",
        wire::Fix::Test => "fix-test",
        wire::Fix::Unlock => "fix-unlock",
        wire::Fix::SwitchOn => "fix-switch-on",
    })
}

/// Why a card is as it is, in one sentence. `name` of the integration; `when` is the reason's
/// moment in the reader's words ("14:02", "Fri 27 Nov, 09:00"), empty where it has none.
#[must_use]
pub fn reason(reason: &wire::Reason, name: &str, when: &str) -> String {
    with(
        &format!("reason-{}", reason.as_str()),
        &[("name", name), ("when", when)],
    )
}

/// That an agent's token ends, or has ended by `now`. Otherwise as [`reason`].
#[must_use]
pub fn token(why: &wire::Reason, name: &str, when: &str, now: wire::Time) -> String {
    match why {
        wire::Reason::EndsOn { at } if *at <= now => {
            with("agent-token-ended", &[("name", name), ("when", when)])
        }
        _ => reason(why, name, when),
    }
}

/// What is wrong with the data on disk, and what to do. `at` is [`wire::DataTrouble::at`] in the reader's words,
/// empty where it has none.
#[must_use]
pub fn data(trouble: &wire::DataTrouble, at: &str) -> String {
    match trouble {
        wire::DataTrouble::Damaged { backup: None } => text("data-damaged-alone"),
        wire::DataTrouble::Damaged { backup: Some(_) } => with("data-damaged", &[("at", at)]),
        wire::DataTrouble::CameBack { damaged, .. } => {
            with("data-came-back", &[("at", at), ("place", damaged)])
        }
        wire::DataTrouble::NoBackup {
            since: None,
            error: why,
        } => with("no-backup", &[("why", &error(why))]),
        wire::DataTrouble::NoBackup {
            since: Some(_),
            error: why,
        } => with("no-backup-since", &[("at", at), ("why", &error(why))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_code_has_a_sentence() {
        // Every argument that any code documents: a sentence may use no other.
        let names = [
            "field",
            "why",
            "url",
            "host",
            "address",
            "status",
            "seconds",
            "limit",
            "target",
            "expected",
            "found",
            "issuer",
            "before",
            "now",
            "integration",
            "tool",
            "known",
            "place",
            "agent",
            "cron",
            "provider",
            "app",
            "n",
            "person",
            "task",
        ];
        for code in wire::ErrorCode::ALL {
            let all = names
                .iter()
                .fold(wire::Error::new(*code), |e, name| e.with(name, "x"));
            let sentence = error(&all);
            assert!(
                sentence.contains(' '),
                "no sentence for {}: {sentence}",
                code.as_str()
            );
        }
    }

    #[test]
    fn every_reason_has_a_sentence_that_names_the_integration_or_the_moment() {
        let t = wire::Time(0);
        let reasons = [
            wire::Reason::RateLimited { until: t },
            wire::Reason::EndsOn { at: t },
            wire::Reason::VendorEnds { at: t },
            wire::Reason::Rejected { since: t },
            wire::Reason::NeedsAccess { since: t },
            wire::Reason::Unreachable { since: t },
            wire::Reason::IssuerChanged,
            wire::Reason::RestoredFromBackup,
            wire::Reason::KeyringLost,
            wire::Reason::RunEnded,
        ];
        for each in reasons {
            let sentence = reason(&each, "Orders", "14:02");
            assert!(
                sentence.contains("Orders") || sentence.contains("14:02"),
                "{sentence}"
            );
        }
        assert_eq!(reason(&wire::Reason::Ok, "Orders", ""), "Everything works.");
    }

    #[test]
    fn arguments_are_put_in_as_plain_text() {
        let error_ = wire::Error::new(wire::ErrorCode::Rejected)
            .with("host", "api.example.com")
            .with("status", "401");
        assert!(error(&error_).contains("api.example.com"));
        assert!(!error(&error_).contains('\u{2068}'), "no isolation marks");
    }
}
