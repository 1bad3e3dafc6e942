//! What we stand on may be shipped under MIT OR Apache-2.0, and is not older than what we rely on.

use cargo_metadata::Metadata;

/// One package of the whole graph.
#[derive(Clone)]
pub struct Package {
    pub name: String,
    /// Major, minor.
    pub version: (u64, u64),
    /// An SPDX expression, or None where Cargo.toml has none.
    pub licence: Option<String>,
    /// The features it is built with.
    pub features: Vec<String>,
}

/// SPDX identifiers that ask for no more than a notice; MPL-2.0 asks for its own files' source, which we do not
/// change.
const ALLOWED: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "0BSD",
    "ISC",
    "Zlib",
    "BSL-1.0",
    "CC0-1.0",
    "Unlicense",
    "Unicode-3.0",
    "MPL-2.0",
    "CDLA-Permissive-2.0",
];

/// Below these a thing we rely on is missing or broken.
const FLOORS: &[(&str, (u64, u64))] =
    &[("tauri", (2, 11)), ("rmcp", (3, 11)), ("rusqlite", (0, 40))];

pub fn facts(metadata: &Metadata) -> Vec<Package> {
    let features = |id| {
        metadata
            .resolve
            .iter()
            .flat_map(|resolve| &resolve.nodes)
            .find(|node| &node.id == id)
            .map(|node| node.features.iter().map(ToString::to_string).collect())
            .unwrap_or_default()
    };
    metadata
        .packages
        .iter()
        .map(|package| Package {
            name: package.name.to_string(),
            version: (package.version.major, package.version.minor),
            licence: package.license.clone(),
            features: features(&package.id),
        })
        .collect()
}

pub fn check(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages {
        let Package {
            name,
            version: (major, minor),
            ..
        } = package;
        match &package.licence {
            None => found.push(format!("{name} {major}.{minor}: no licence is named")),
            Some(licence) if !allowed(licence) => {
                found.push(format!("{name} {major}.{minor}: its licence is {licence}"));
            }
            Some(_) => {}
        }
        if let Some((_, floor)) = FLOORS.iter().find(|(floored, _)| floored == name)
            && package.version < *floor
        {
            found.push(format!(
                "{name} {major}.{minor} is older than {}.{}",
                floor.0, floor.1
            ));
        }
        if name == "libsqlite3-sys" && !package.features.iter().any(|feature| feature == "bundled")
        {
            found.push("libsqlite3-sys is built without `bundled`: SQLite must be ours".to_owned());
        }
    }
    let copies = packages
        .iter()
        .filter(|package| package.name == "libsqlite3-sys")
        .count();
    if copies > 1 {
        found.push(format!(
            "{copies} copies of libsqlite3-sys: SQLite must be one"
        ));
    }
    found
}

/// Whether an SPDX expression can be met with allowed licences alone. `/` is crates.io's old form of OR.
fn allowed(expression: &str) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = any_of(&mut rest);
    met && rest.is_empty()
}

fn any_of(rest: &mut &[&str]) -> bool {
    let mut met = all_of(rest);
    while let ["OR", tail @ ..] = *rest {
        *rest = tail;
        met |= all_of(rest);
    }
    met
}

fn all_of(rest: &mut &[&str]) -> bool {
    let mut met = one(rest);
    while let ["AND", tail @ ..] = *rest {
        *rest = tail;
        met &= one(rest);
    }
    met
}

fn one(rest: &mut &[&str]) -> bool {
    match *rest {
        ["(", tail @ ..] => {
            *rest = tail;
            let met = any_of(rest);
            match *rest {
                [")", tail @ ..] => {
                    *rest = tail;
                    met
                }
                _ => false,
            }
        }
        [name, "WITH", exception, tail @ ..] => {
            *rest = tail;
            ALLOWED.contains(&format!("{name} WITH {exception}").as_str())
        }
        [name, tail @ ..] => {
            *rest = tail;
            ALLOWED.contains(name)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(
        name: &str,
        version: (u64, u64),
        licence: Option<&str>,
        features: &[&str],
    ) -> Package {
        Package {
            name: name.to_owned(),
            version,
            licence: licence.map(str::to_owned),
            features: features.iter().map(|&feature| feature.to_owned()).collect(),
        }
    }

    #[test]
    fn expressions_are_read_as_spdx() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "Apache-2.0 OR GPL-2.0-only",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "GPL-3.0 AND MIT OR MIT",
        ] {
            assert!(allowed(good), "refused: {good}");
        }
        for bad in [
            "GPL-3.0-only",
            "MIT AND GPL-2.0-only",
            "(MIT OR Apache-2.0) AND AGPL-3.0",
            "Apache-2.0 WITH Else",
            "(MIT",
            "",
        ] {
            assert!(!allowed(bad), "allowed: {bad}");
        }
    }

    #[test]
    fn planted_violations_are_found() {
        let good = [
            package("tauri", (2, 12), Some("MIT"), &[]),
            package("rmcp", (3, 11), Some("Apache-2.0"), &[]),
            package("libsqlite3-sys", (0, 38), Some("MIT"), &["bundled"]),
        ];
        assert_eq!(check(&good), Vec::<String>::new());
        for bad in [
            package("x", (1, 0), Some("AGPL-3.0"), &[]),
            package("x", (1, 0), None, &[]),
            package("tauri", (2, 10), Some("MIT"), &[]),
            package("rmcp", (2, 20), Some("MIT"), &[]),
        ] {
            assert_eq!(
                check(std::slice::from_ref(&bad)).len(),
                1,
                "passed: {}",
                bad.name
            );
        }
        assert_eq!(
            check(&[package("libsqlite3-sys", (0, 38), Some("MIT"), &[])]).len(),
            1
        );
        let twice = [good[2].clone(), good[2].clone()];
        assert_eq!(check(&twice).len(), 1);
    }
}
