//! No secret type can be printed or sent: none derives Debug, Display or Serialize, but for the wasm side of a secret
//! on its way in.
//!
//! A type is secret when its name is one of [`NAMES`], when a field of it holds a secret wrapper, or when a field of
//! it holds a secret type of its own crate or of `wire`.

use std::collections::HashSet;

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, Fields, ItemEnum, ItemImpl, ItemStruct};

use super::sources::Source;

/// Secret by name, whatever they hold.
const NAMES: &[&str] = &["Secret", "SecretInput", "SealingKey", "KeyringKey"];

/// A field of one of these makes its type secret.
const WRAPPERS: &[&str] = &["Zeroizing", "SecretInput", "SecretString", "SecretBox"];

/// What a secret type must not be able to do.
const FORBIDDEN: &[&str] = &["Debug", "Display", "Serialize"];

/// A struct or enum of ours.
struct Type {
    path: String,
    line: usize,
    name: String,
    /// Every identifier in its fields' types.
    holds: HashSet<String>,
    /// Which of [`FORBIDDEN`] it derives on every target.
    derives: Vec<String>,
}

/// `impl Trait for Type`, for a trait in [`FORBIDDEN`] other than Debug and Display, which may be written by hand so
/// that they show nothing.
struct Implementation {
    path: String,
    line: usize,
    name: String,
}

pub fn check(sources: &[Source]) -> Result<Vec<String>> {
    let mut seen = Seen::default();
    for source in sources {
        let file = syn::parse_file(&source.text)
            .with_context(|| format!("{} is not Rust", source.path))?;
        seen.path.clone_from(&source.path);
        seen.visit_file(&file);
    }
    let secret = secret_types(&seen.types);
    let mut found = Vec::new();
    for (one, _) in seen
        .types
        .iter()
        .zip(&secret)
        .filter(|(_, secret)| **secret)
    {
        for derived in &one.derives {
            found.push(format!(
                "{}:{}: {} holds a secret and derives {derived}",
                one.path, one.line, one.name
            ));
        }
    }
    for one in &seen.implementations {
        if meant(&seen.types, &one.path, &one.name).any(|at| secret[at]) {
            found.push(format!(
                "{}:{}: {} holds a secret and implements Serialize",
                one.path, one.line, one.name
            ));
        }
    }
    Ok(found)
}

const WIRE: &str = "crates/wire";

fn krate_of(path: &str) -> &str {
    path.split("/src/").next().unwrap_or_default()
}

/// Which types a name can mean in a file: the file's own; where it has none, those of its crate; where that has none,
/// wire's.
fn meant<'a>(types: &'a [Type], path: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let nearness = move |one: &Type| {
        if one.path == path {
            0
        } else if krate_of(&one.path) == krate_of(path) {
            1
        } else if krate_of(&one.path) == WIRE {
            2
        } else {
            3
        }
    };
    let named = move || {
        types
            .iter()
            .enumerate()
            .filter(move |(_, one)| one.name == name)
    };
    let nearest = named().map(|(_, one)| nearness(one)).min().unwrap_or(3);
    named()
        .filter(move |(_, one)| nearest < 3 && nearness(one) == nearest)
        .map(|(at, _)| at)
}

/// For each type whether it is secret: those marked, and those that hold one, to the fixed point.
fn secret_types(types: &[Type]) -> Vec<bool> {
    let mut secret: Vec<bool> = types
        .iter()
        .map(|one| {
            NAMES.contains(&one.name.as_str())
                || WRAPPERS.iter().any(|wrapper| one.holds.contains(*wrapper))
        })
        .collect();
    loop {
        let more: Vec<usize> = (0..types.len())
            .filter(|at| !secret[*at])
            .filter(|at| {
                let one = &types[*at];
                let holds = |name: &String| meant(types, &one.path, name).any(|held| secret[held]);
                one.holds.iter().any(holds)
            })
            .collect();
        if more.is_empty() {
            return secret;
        }
        for at in more {
            secret[at] = true;
        }
    }
}

#[derive(Default)]
struct Seen {
    path: String,
    types: Vec<Type>,
    implementations: Vec<Implementation>,
}

impl Seen {
    fn add(&mut self, ident: &syn::Ident, attributes: &[Attribute], fields: &[&Fields]) {
        let mut holds = HashSet::new();
        for field in fields.iter().flat_map(|fields| fields.iter()) {
            identifiers(field.ty.to_token_stream(), &mut holds);
        }
        self.types.push(Type {
            path: self.path.clone(),
            line: ident.span().start().line,
            name: ident.to_string(),
            holds,
            derives: attributes.iter().flat_map(derived).collect(),
        });
    }
}

impl<'ast> Visit<'ast> for Seen {
    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        self.add(&item.ident, &item.attrs, &[&item.fields]);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        let fields: Vec<&Fields> = item
            .variants
            .iter()
            .map(|variant| &variant.fields)
            .collect();
        self.add(&item.ident, &item.attrs, &fields);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let serialises = item.trait_.as_ref().is_some_and(|(_, path, _)| {
            path.segments
                .last()
                .is_some_and(|segment| segment.ident == "Serialize")
        });
        if serialises
            && !item.attrs.iter().any(only_on_wasm)
            && let syn::Type::Path(of) = &*item.self_ty
            && let Some(segment) = of.path.segments.last()
        {
            self.implementations.push(Implementation {
                path: self.path.clone(),
                line: segment.ident.span().start().line,
                name: segment.ident.to_string(),
            });
        }
        visit::visit_item_impl(self, item);
    }
}

/// `#[cfg(target_arch = "wasm32")]`
fn only_on_wasm(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && names_wasm(&attribute.meta.to_token_stream())
}

fn names_wasm(tokens: &TokenStream) -> bool {
    let text = tokens.to_string();
    text.contains("target_arch = \"wasm32\"") && !text.contains("not")
}

/// The forbidden traits that an attribute derives on every target.
fn derived(attribute: &Attribute) -> Vec<String> {
    let wasm_only =
        attribute.path().is_ident("cfg_attr") && names_wasm(&attribute.meta.to_token_stream());
    if wasm_only || !(attribute.path().is_ident("derive") || attribute.path().is_ident("cfg_attr"))
    {
        return Vec::new();
    }
    let mut names = HashSet::new();
    identifiers(attribute.meta.to_token_stream(), &mut names);
    FORBIDDEN
        .iter()
        .filter(|name| names.contains(**name))
        .map(|name| (*name).to_owned())
        .collect()
}

fn identifiers(tokens: TokenStream, into: &mut HashSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                into.insert(ident.to_string());
            }
            TokenTree::Group(group) => identifiers(group.stream(), into),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<usize> {
        let source = Source {
            path: "crates/x/src/lib.rs".to_owned(),
            text: text.to_owned(),
        };
        Ok(check(&[source])?.len())
    }

    #[test]
    fn types_that_keep_their_secret_pass() -> Result<()> {
        for good in [
            "#[derive(Clone)] struct Key(Zeroizing<[u8; 32]>);",
            "#[derive(Deserialize)] #[cfg_attr(target_arch = \"wasm32\", derive(serde::Serialize))] struct SecretInput(Zeroizing<String>);",
            "#[derive(Debug, Serialize)] struct Card { name: String }",
            "#[cfg(target_arch = \"wasm32\")] impl Serialize for SecretInput {} struct SecretInput(String);",
        ] {
            assert_eq!(found(good)?, 0, "found something in: {good}");
        }
        Ok(())
    }

    #[test]
    fn a_name_means_the_type_of_its_own_file_first() -> Result<()> {
        let file = |path: &str, text: &str| Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let sources = [
            file(
                "crates/x/src/vault.rs",
                "struct State { key: Zeroizing<String> }",
            ),
            file(
                "crates/x/src/status.rs",
                "#[derive(Debug)] struct State { at: i64 } #[derive(Debug)] struct Row { state: State }",
            ),
            file(
                "crates/x/src/view.rs",
                "#[derive(Debug)] struct View { state: State }",
            ),
        ];
        let found = check(&sources)?;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("View"), "{found:?}");
        Ok(())
    }

    #[test]
    fn planted_leaks_are_found() -> Result<()> {
        for bad in [
            "#[derive(Debug)] struct Secret(String);",
            "#[derive(Clone, serde::Serialize)] struct Key(Zeroizing<String>);",
            "#[derive(Debug)] enum Auth { None, Bearer(SecretInput) }",
            "#[derive(Debug)] struct Outer { inner: Option<Inner> } struct Inner { key: Zeroizing<String> }",
            "#[cfg_attr(not(target_arch = \"wasm32\"), derive(Serialize))] struct Secret(String);",
            "#[cfg_attr(feature = \"fakes\", derive(Debug))] struct Secret(String);",
            "struct Secret(String); impl serde::Serialize for Secret {}",
            "fn f() { #[derive(Debug)] struct Hidden { key: Zeroizing<String> } }",
        ] {
            assert_eq!(found(bad)?, 1, "not found: {bad}");
        }
        Ok(())
    }
}
