//! The names of tools: from the operationId, else from method and path; `[a-z0-9_]`, the same on
//! every import, unique in the document. And those of their arguments.

use sha2::{Digest as _, Sha256};

/// Characters of a name, at most: what agents' model APIs allow.
pub(super) const LONGEST: usize = 64;
/// Hex digits of a suffix.
const DIGITS: usize = 6;

/// The name of an operation by itself. `id`: its operationId.
pub(super) fn name(id: Option<&str>, method: &str, path: &str) -> String {
    let from_id = id.map(snake).filter(|name| !name.is_empty());
    let name = from_id.unwrap_or_else(|| {
        let by = path.replace('{', " by ").replace('}', " ");
        let words = snake(&format!("{method} {by}"));
        // A path in another script leaves nothing to read: the suffix tells such operations apart.
        if path.is_ascii() {
            words
        } else {
            with_suffix(&words, method, path)
        }
    });
    if name.len() <= LONGEST {
        name
    } else {
        with_suffix(&name, method, path)
    }
}

/// The name of an operation whose plain name is another one's too. Each of them gets a suffix, so
/// that a name never passes silently from one operation to another.
pub(super) fn with_suffix(name: &str, method: &str, path: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(format!("{method} {path}").as_bytes());
    let mut hex = String::new();
    for byte in digest.iter().take(DIGITS / 2) {
        let _ = write!(hex, "{byte:02x}");
    }
    let kept: String = name.chars().take(LONGEST - DIGITS - 1).collect();
    format!("{}_{hex}", kept.trim_end_matches('_'))
}

/// A parameter's name as an argument's: `filter[status]` → `filter_status`. Model APIs refuse a whole
/// request where one tool has an argument of another name than `[A-Za-z0-9_.-]{1,64}`.
pub(super) fn argument(name: &str) -> String {
    let words = name.split(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut plain = if words.is_empty() {
        "argument".to_owned()
    } else {
        words.join("_")
    };
    plain.truncate(LONGEST);
    plain
}

/// `listPetsByID`, `List pets-by/ID` → `list_pets_by_id`. No two underscores in a row: `__` separates
/// integration and tool on the wire.
fn snake(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut name = String::new();
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| chars.get(before));
        let after = chars.get(at + 1);
        let begins_word = c.is_ascii_uppercase()
            && (before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                || (before.is_some_and(char::is_ascii_uppercase)
                    && after.is_some_and(char::is_ascii_lowercase)));
        if begins_word && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Some("listPets"), "GET", "/pets", "list_pets")]
    #[case(Some("repos/list-for-org"), "GET", "/x", "repos_list_for_org")]
    #[case(Some("getHTTPStatusByID"), "GET", "/x", "get_http_status_by_id")]
    #[case(Some("GetAccountsAccountV2"), "GET", "/x", "get_accounts_account_v2")]
    #[case(Some("a__b..c"), "GET", "/x", "a_b_c")]
    #[case(Some("pay\u{202e}\u{200b}Now"), "POST", "/x", "pay_now")]
    #[case(None, "GET", "/pets/{petId}", "get_pets_by_pet_id")]
    #[case(None, "GET", "/", "get")]
    #[case(Some(""), "DELETE", "/pets", "delete_pets")]
    #[case(Some("一覧"), "GET", "/pets", "get_pets")]
    fn a_name_is_plain(
        #[case] id: Option<&str>,
        #[case] method: &str,
        #[case] path: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(name(id, method, path), expected);
    }

    #[test]
    fn what_a_name_cannot_tell_apart_its_suffix_does() {
        let one = name(None, "GET", "/一覧");
        let other = name(None, "GET", "/詳細");
        assert_ne!(one, other);
        assert!(one.starts_with("get_"), "{one}");
        let long = name(Some(&"listAllTheThings".repeat(9)), "GET", "/a");
        assert_eq!(long.len(), LONGEST, "{long}");
        assert_ne!(long, name(Some(&"listAllTheThings".repeat(9)), "GET", "/b"));
    }
}
