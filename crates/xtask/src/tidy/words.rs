//! Every sentence that the code asks for exists, and every sentence that exists is asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use proc_macro2::{TokenStream, TokenTree};

use super::sources::Source;

/// The functions of `words` that take a key first.
const FUNCTIONS: &[&str] = &["text", "with", "counted"];

/// The UI's short names for them.
const SHORT: &[&str] = &["say", "say_with", "say_count"];

/// The text of every Fluent file of the reference language.
pub fn locale(root: &Path) -> Result<String> {
    let folder = root.join("crates/words/locales/en-US");
    let mut all = String::new();
    for file in fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "ftl") {
            all += &fs::read_to_string(&path)?;
            all.push('\n');
        }
    }
    Ok(all)
}

pub fn check(sources: &[Source], locale: &str) -> Result<Vec<String>> {
    let keys: BTreeSet<&str> = locale.lines().filter_map(key_of).collect();
    let mut found = Vec::new();
    let mut literals = BTreeSet::new();
    for source in sources
        .iter()
        .filter(|source| !source.path.starts_with("crates/xtask/"))
    {
        let tokens: TokenStream = source
            .text
            .parse()
            .map_err(|error| anyhow!("{} is not Rust: {error}", source.path))?;
        let mut asked = Vec::new();
        read(tokens, &mut asked, &mut literals);
        for (line, key) in asked {
            if !keys.contains(key.as_str()) {
                found.push(format!(
                    "{}:{line}: no sentence is named {key}",
                    source.path
                ));
            }
        }
    }
    for key in keys {
        let used = literals.contains(key)
            || literals
                .iter()
                .any(|literal| beginning(literal).is_some_and(|start| key.starts_with(start)));
        if !used {
            found.push(format!("crates/words/locales/en-US: nobody uses {key}"));
        }
    }
    Ok(found)
}

/// The identifier that a line of a Fluent file begins to define. Continued lines and attributes are indented.
fn key_of(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim_end();
    is_key(name).then_some(name)
}

fn is_key(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// What stands before the first argument of a format string that builds a key: `error-{}`.
fn beginning(literal: &str) -> Option<&str> {
    let (start, _) = literal.split_once('{')?;
    (start.ends_with('-') && is_key(start)).then_some(start)
}

/// Collects the keys that calls ask for, with their lines, and all string literals.
fn read(tokens: TokenStream, asked: &mut Vec<(usize, String)>, literals: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            // A test may ask for what does not exist.
            TokenTree::Group(group) if is_test_module(&tokens[..at]) => {
                read(group.stream(), &mut Vec::new(), literals);
            }
            TokenTree::Group(group) => {
                if at > 0
                    && is_call(&tokens[..at])
                    && let Some(TokenTree::Literal(first)) = group.stream().into_iter().next()
                    && let Some(key) = string(&first.to_string())
                {
                    asked.push((first.span().start().line, key));
                }
                read(group.stream(), asked, literals);
            }
            TokenTree::Literal(literal) => literals.extend(string(&literal.to_string())),
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Whether the tokens end in `#[cfg(test)] mod tests`.
fn is_test_module(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Group(attribute), TokenTree::Ident(word), TokenTree::Ident(_)]
        if word == "mod" && attribute.stream().to_string() == "cfg (test)")
}

/// Whether the tokens end in `words::text`, in `say`, or in their like.
fn is_call(before: &[TokenTree]) -> bool {
    let is_method = matches!(before, [.., TokenTree::Punct(dot), _] if dot.as_char() == '.');
    if let [.., TokenTree::Ident(function)] = before
        && !is_method
        && SHORT.iter().any(|known| function == known)
    {
        return true;
    }
    let [
        ..,
        TokenTree::Ident(krate),
        TokenTree::Punct(one),
        TokenTree::Punct(two),
        TokenTree::Ident(function),
    ] = before
    else {
        return false;
    };
    krate == "words"
        && one.as_char() == ':'
        && two.as_char() == ':'
        && FUNCTIONS.iter().any(|known| function == known)
}

/// The text of a string literal, if it is one without escapes.
fn string(literal: &str) -> Option<String> {
    literal
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCALE: &str =
        "# a comment = no key\ncard-title = Hello { $name }\n    more = of it\nerror-gone = Gone\n";

    fn found(text: &str) -> Result<Vec<String>> {
        let source = Source {
            path: "ui/src/lib.rs".to_owned(),
            text: text.to_owned(),
        };
        check(&[source], LOCALE)
    }

    #[test]
    fn sentences_that_exist_and_are_used_pass() -> Result<()> {
        let good = "fn f() { html! { <b>{ words::with(\"card-title\", &[]) }</b> }; format!(\"error-{}\", code) }";
        assert_eq!(found(good)?, Vec::<String>::new());
        Ok(())
    }

    #[test]
    fn a_missing_sentence_is_found_also_inside_a_macro() -> Result<()> {
        let bad = "fn f() { html! { <b>{ words::text(\"card-titel\") }</b> }; \"card-title\"; \"error-gone\" }";
        let found = found(bad)?;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("ui/src/lib.rs:1: "), "{found:?}");
        assert_eq!(self::found(&bad.replace("words::text", "say"))?.len(), 1);
        Ok(())
    }

    #[test]
    fn a_test_may_ask_for_what_does_not_exist() -> Result<()> {
        let tests = "const USED: [&str; 2] = [\"card-title\", \"error-gone\"]; #[cfg(test)] mod tests { fn f() { words::text(\"no-key\") } }";
        assert_eq!(found(tests)?, Vec::<String>::new());
        assert_eq!(found(&tests.replace("#[cfg(test)]", ""))?.len(), 1);
        Ok(())
    }

    #[test]
    fn a_sentence_that_nobody_uses_is_found() -> Result<()> {
        let found = found("fn f() { words::text(\"card-title\") }")?;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("error-gone"), "{found:?}");
        Ok(())
    }
}
