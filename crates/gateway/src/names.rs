//! What a tool is called on the wire: `stripe__list_charges`. Clients put a prefix of their own before
//! it and cap the whole at 60 to 64 characters, and several model APIs take letters, digits, `_` and
//! `-` only. Names are for agents: whatever is kept names the integration's id and the tool.

use sha2::{Digest as _, Sha256};

/// Characters of a name on the wire, at most.
pub(crate) const MAX: usize = 40;
/// Hex digits of the hash in a name that had to be changed.
const HASH: usize = 8;

/// `slug` is empty where one integration is served alone. A name that had to be changed ends in a hash
/// of what it was, so that no two become one and each stays the same in every run.
pub(crate) fn on_the_wire(slug: &str, tool: &str) -> String {
    let whole = if slug.is_empty() {
        tool.to_owned()
    } else {
        format!("{slug}__{tool}")
    };
    let safe: String = whole
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => c,
            _ => '_',
        })
        .collect();
    if safe == whole && whole.len() <= MAX {
        return whole;
    }
    let hash: String = Sha256::digest(whole.as_bytes())
        .iter()
        .take(HASH / 2)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let kept: String = safe.chars().take(MAX - HASH - 1).collect();
    format!("{kept}_{hash}")
}

/// The slug that a name says, and the tool where the name was not changed: slugs hold no `__`, and are short
/// enough to stay whole in one that was.
pub(crate) fn read(name: &str) -> Option<(&str, &str)> {
    name.split_once("__")
}

/// Whether it looks like a name that had to be changed.
pub(crate) fn may_be_changed(name: &str) -> bool {
    let hash = name.rsplit_once('_').map_or("", |(_, hash)| hash);
    hash.len() == HASH && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_stays_and_any_other_is_changed_for_good() {
        assert_eq!(
            on_the_wire("stripe", "list_charges"),
            "stripe__list_charges"
        );
        assert_eq!(on_the_wire("", "echo"), "echo");
        let dotted = on_the_wire("stripe", "list.charges");
        assert!(dotted.starts_with("stripe__list_charges_"), "{dotted}");
        assert_ne!(dotted, on_the_wire("stripe", "list/charges"));
        assert_eq!(dotted, on_the_wire("stripe", "list.charges"));
        let long = on_the_wire(
            "a-company-with-a-name",
            "a_tool_whose_name_never_ends_at_all",
        );
        assert_eq!(long.len(), MAX);
        assert!(on_the_wire("ünïcode", "🦀").is_ascii());
    }

    #[test]
    fn a_name_that_had_to_be_changed_still_says_whose_it_is() {
        // The longest slug, the two-hundredth of its name.
        let slug = format!("{}-200", "s".repeat(24));
        for tool in [
            "list.charges",
            "a_tool_whose_name_never_ends_at_all",
            "🦀",
            "__",
        ] {
            for slug in ["a", "google-2", &slug] {
                let name = on_the_wire(slug, tool);
                assert_eq!(read(&name).map(|(slug, _)| slug), Some(slug), "{name}");
                let changed = name != format!("{slug}__{tool}");
                assert!(!changed || may_be_changed(&name), "{name}");
            }
        }
        assert!(!may_be_changed("stripe__list_charges"));
    }
}
