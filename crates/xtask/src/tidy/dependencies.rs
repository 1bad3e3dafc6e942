//! Dependencies go one way: `wire ← engine ← shell`, `wire ← words ← ui, engine, cli`, `tests → engine`. Only the shell
//! knows Tauri; only the UI knows Yew; what both sides share stays small.

use cargo_metadata::{DependencyKind, Metadata};

/// One dependency of a member, as its Cargo.toml names it.
pub struct Edge {
    pub from: String,
    pub to: String,
    /// Only for its tests.
    pub dev: bool,
}

/// Which members a member may depend on. A member that is not here is not in the house plan.
const ALLOWED: &[(&str, &[&str])] = &[
    ("chief-wire", &[]),
    ("chief-words", &["chief-wire"]),
    ("chief-engine", &["chief-wire", "chief-words"]),
    (
        "chief-gateway",
        &["chief-wire", "chief-words", "chief-engine"],
    ),
    ("chief-cli", &["chief-wire", "chief-words"]),
    ("chief-ui", &["chief-wire", "chief-words"]),
    (
        "chief-integrations",
        &["chief-wire", "chief-words", "chief-engine", "chief-gateway"],
    ),
    (
        "chief-tests",
        &["chief-wire", "chief-words", "chief-engine", "chief-gateway"],
    ),
    ("chief-xtask", &[]),
    ("chief-bare-ui", &[]),
    ("chief-bare", &[]),
];

/// Outside libraries that belong to one part of the house: (name's beginning, who may).
const RESERVED: &[(&str, &[&str])] = &[
    ("tauri", &["chief-integrations", "chief-bare"]),
    ("wry", &["chief-integrations"]),
    ("yew", &["chief-ui", "chief-bare-ui"]),
    ("web-sys", &["chief-ui", "chief-bare-ui"]),
    ("rusqlite", &["chief-engine", "chief-tests"]),
    ("keyring-core", &["chief-engine", "chief-tests"]),
];

/// All that `wire` stands on: it compiles to wasm and to everything else.
const WIRE: &[&str] = &["serde", "serde_json", "uuid", "zeroize"];

pub fn facts(metadata: &Metadata) -> Vec<Edge> {
    metadata
        .workspace_packages()
        .iter()
        .flat_map(|package| {
            package.dependencies.iter().map(|dependency| Edge {
                from: package.name.to_string(),
                to: dependency.name.clone(),
                dev: dependency.kind == DependencyKind::Development,
            })
        })
        .collect()
}

pub fn check(edges: &[Edge]) -> Vec<String> {
    edges.iter().filter_map(finding).collect()
}

fn finding(edge: &Edge) -> Option<String> {
    let Edge { from, to, dev } = edge;
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == from) else {
        return Some(format!(
            "{from}: a member without a place in the house (tidy/dependencies.rs)"
        ));
    };
    if ALLOWED.iter().any(|(name, _)| name == to) {
        return (!allowed.contains(&to.as_str()))
            .then(|| format!("{from} depends on {to}: that is the wrong direction"));
    }
    let reserved = RESERVED
        .iter()
        .find(|(start, who)| to.starts_with(start) && !who.contains(&from.as_str()));
    if reserved.is_some() && !dev {
        return Some(format!("{from} depends on {to}, which is not its business"));
    }
    if from == "chief-wire" && !dev && !WIRE.contains(&to.as_str()) {
        return Some(format!("{from} depends on {to}: wire is serde only"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(from: &str, to: &str) -> usize {
        let edge = Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            dev: false,
        };
        check(&[edge]).len()
    }

    #[test]
    fn the_directions_of_the_plan_pass() {
        assert_eq!(found("chief-engine", "chief-wire"), 0);
        assert_eq!(found("chief-integrations", "chief-engine"), 0);
        assert_eq!(found("chief-integrations", "tauri"), 0);
        assert_eq!(found("chief-ui", "yew-router"), 0);
        assert_eq!(found("chief-tests", "chief-engine"), 0);
        assert_eq!(found("chief-cli", "chief-wire"), 0);
    }

    #[test]
    fn the_wrong_direction_is_found() {
        assert_eq!(found("chief-wire", "chief-engine"), 1);
        assert_eq!(found("chief-cli", "chief-engine"), 1);
        assert_eq!(found("chief-cli", "tauri"), 1);
        assert_eq!(found("chief-ui", "chief-engine"), 1);
        assert_eq!(found("chief-words", "chief-ui"), 1);
        assert_eq!(found("chief-engine", "chief-tests"), 1);
    }

    #[test]
    fn what_belongs_elsewhere_is_found() {
        assert_eq!(found("chief-engine", "tauri-plugin-opener"), 1);
        assert_eq!(found("chief-engine", "yew"), 1);
        assert_eq!(found("chief-ui", "rusqlite"), 1);
        assert_eq!(found("chief-wire", "tokio"), 1);
        assert_eq!(found("chief-newcomer", "serde"), 1);
    }
}
