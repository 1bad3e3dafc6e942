//! Names of integrations that can be told apart, wherever one is chosen or spoken of.

use crate::integrations::NAME_MAX;

/// `name`, and where another is called so: with its account, else with a number.
pub(super) fn told_apart(
    name: &str,
    account: Option<&str>,
    is_taken: impl Fn(&str) -> bool,
) -> String {
    let fits = |name: &String| name.chars().count() <= NAME_MAX && !is_taken(name);
    let by_account = account.map(|account| format!("{name} ({account})"));
    let numbered = (2..10_000).map(|number: u32| {
        let number = number.to_string();
        let room = NAME_MAX - number.len() - 1;
        let short: String = name.chars().take(room).collect();
        format!("{} {number}", short.trim_end())
    });
    let mut all = std::iter::once(name.to_owned())
        .chain(by_account)
        .chain(numbered);
    all.find(fits).unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_one_name_are_told_apart_by_account_or_number() {
        let long = "x".repeat(NAME_MAX);
        for (name, account, taken, expected) in [
            ("Google", Some("ops@a.example"), vec![], "Google"),
            (
                "Google",
                Some("ops@a.example"),
                vec!["Google"],
                "Google (ops@a.example)",
            ),
            (
                "Google",
                Some("ops@a.example"),
                vec!["Google", "Google (ops@a.example)"],
                "Google 2",
            ),
            ("Notion", None, vec!["Notion", "Notion 2"], "Notion 3"),
            (
                &long,
                Some("ann"),
                vec![&long],
                &format!("{} 2", "x".repeat(NAME_MAX - 2)),
            ),
        ] {
            let is_taken = |name: &str| taken.contains(&name);
            assert_eq!(told_apart(name, account, is_taken), expected);
        }
    }
}
