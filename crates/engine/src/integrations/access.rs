//! What a credential may do, as the window shows it: scopes in plain words, granted against requested, and
//! the tools that a missing one switches off.
//!
//! Owns: only the view. Must not know: how scopes are asked for (`connect`), or what a refusal does to the
//! status (nothing).

use super::Integration;
use crate::providers::manifest::Manifest;
use std::collections::BTreeMap;
use wire::{AuthView, LackView, Remedy, ScopeView, ToolView};

/// Scopes with their words, and with the tools that do not work without them: as refusals named them, and
/// as the manifest says.
pub(super) fn scopes(
    mut scopes: Vec<ScopeView>,
    lacks: &BTreeMap<String, Vec<String>>,
    manifest: Option<&Manifest>,
) -> Vec<ScopeView> {
    for name in lacks.values().flatten() {
        if !scopes.iter().any(|scope| scope.name == *name) {
            scopes.push(ScopeView {
                name: name.clone(),
                plain: None,
                granted: false,
                tools: vec![],
            });
        }
    }
    let granted: Vec<String> = scopes
        .iter()
        .filter(|scope| scope.granted)
        .map(|scope| scope.name.clone())
        .collect();
    for scope in &mut scopes {
        let bundles = manifest.into_iter().flat_map(|manifest| &manifest.bundles);
        scope.plain = bundles
            .filter(|bundle| bundle.scopes.contains(&scope.name))
            .map(|bundle| bundle.says.get_ref().clone())
            .next();
        if scope.granted {
            continue;
        }
        let refused = lacks
            .iter()
            .filter(|(_, named)| named.contains(&scope.name))
            .map(|(tool, _)| tool.clone());
        // A tool of the manifest works where one of its scopes is granted.
        let tools = manifest.into_iter().flat_map(|manifest| &manifest.tools);
        let off = tools
            .filter(|tool| tool.scopes.iter().any(|one| *one.get_ref() == scope.name))
            .filter(|tool| {
                !tool
                    .scopes
                    .iter()
                    .any(|one| granted.contains(one.get_ref()))
            })
            .map(|tool| tool.name.clone());
        scope.tools = refused.chain(off).collect();
        scope.tools.sort();
        scope.tools.dedup();
    }
    scopes
}

/// Tools with what each was refused for.
pub(super) fn told(found: &Integration, mut tools: Vec<ToolView>) -> Vec<ToolView> {
    let signs_in = matches!(found.about.auth, AuthView::OAuth { .. });
    for tool in &mut tools {
        let remedy = match (signs_in, found.state.may_ask_again(&tool.name)) {
            (false, _) => Remedy::Key,
            (true, true) => Remedy::SignIn,
            (true, false) => Remedy::Owner,
        };
        tool.lacks = found.state.lacks.get(&tool.name).map(|scopes| LackView {
            scopes: scopes.clone(),
            remedy,
        });
    }
    tools
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(name: &str, granted: bool) -> ScopeView {
        ScopeView {
            name: name.to_owned(),
            plain: None,
            granted,
            tools: vec![],
        }
    }

    #[test]
    fn a_missing_scope_names_the_tools_that_were_refused_for_it() {
        let lacks = BTreeMap::from([
            ("refund".to_owned(), vec!["write".to_owned()]),
            (
                "charge".to_owned(),
                vec!["write".to_owned(), "read".to_owned()],
            ),
            ("silent".to_owned(), vec![]),
        ]);
        let shown = scopes(vec![scope("read", true)], &lacks, None);
        assert_eq!(
            shown.len(),
            2,
            "a scope that only a refusal named is shown, too"
        );
        assert!(
            shown[0].tools.is_empty(),
            "what is granted switches nothing off"
        );
        assert_eq!(shown[1].name, "write");
        assert!(!shown[1].granted);
        assert_eq!(shown[1].tools, ["charge", "refund"]);
    }

    #[test]
    fn a_tool_of_the_manifest_is_off_where_none_of_its_scopes_is_granted() {
        let manifest: Manifest = toml::from_str(include_str!("../../providers/google.toml"))
            .expect("a built-in manifest reads");
        let calendar = "https://www.googleapis.com/auth/calendar.readonly";
        let mail = "https://www.googleapis.com/auth/gmail.readonly";
        let none = BTreeMap::new();
        let one = scopes(
            vec![scope(calendar, true), scope(mail, false)],
            &none,
            Some(&manifest),
        );
        assert_eq!(one[0].plain.as_deref(), Some("Read calendars"));
        assert_eq!(one[1].plain.as_deref(), Some("Read mail"));
        assert!(one[1].tools.is_empty(), "`call` still has the calendar");
        let neither = scopes(vec![scope(mail, false)], &none, Some(&manifest));
        assert_eq!(neither[0].tools, ["call"]);
    }
}
