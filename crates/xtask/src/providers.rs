//! The README's table of providers, made from the manifests, so that it cannot say anything else.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use crate::process::root;

const BEGIN: &str = "<!-- providers: written by `cargo xtask providers` -->\n";
const END: &str = "<!-- providers end -->";

/// `cargo xtask providers`: writes the table into README.md.
pub fn command() -> Result<()> {
    let readme = root().join("README.md");
    let text = fs::read_to_string(&readme)?;
    let table = table(&manifests(&root())?)?;
    fs::write(&readme, with_table(&text, &table)?)?;
    println!("{}", readme.display());
    Ok(())
}

/// Every manifest, by name.
fn manifests(root: &Path) -> Result<Vec<Table>> {
    let folder = root.join("crates/engine/providers");
    let mut found = Vec::new();
    for file in fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))? {
        let path = file?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            let text = fs::read_to_string(&path)?;
            let manifest = text
                .parse::<Table>()
                .with_context(|| format!("{} is not TOML", path.display()))?;
            found.push(manifest);
        }
    }
    if found.is_empty() {
        bail!("{} holds no manifest", folder.display());
    }
    found.sort_by_key(|manifest| text(manifest, "name").to_lowercase());
    Ok(found)
}

fn table(manifests: &[Table]) -> Result<String> {
    let mut lines = vec![
        "| provider | ways to connect, in order | tools | tried against the live service |"
            .to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    for manifest in manifests {
        let name = text(manifest, "name");
        let ways = manifest
            .get("ways")
            .and_then(Value::as_array)
            .with_context(|| format!("{name} has no ways"))?;
        let said: Vec<String> = ways.iter().map(way).collect::<Result<_>>()?;
        let verified = manifest.get("verified").and_then(Value::as_bool) == Some(true);
        lines.push(format!(
            "| **{name}**: {} | {} | {} | {} |",
            text(manifest, "summary"),
            said.join("; "),
            tools(ways),
            if verified { "yes" } else { "no" },
        ));
    }
    Ok(lines.join("\n") + "\n")
}

/// A way in words. Whoever adds a kind of way meets an error here.
fn way(way: &Value) -> Result<String> {
    let way = way.as_table().context("a way is a table")?;
    let (kind, facts) = way.iter().next().context("a way has a kind")?;
    let facts = facts.as_table().context("a way is a table")?;
    let label = match text(facts, "label") {
        "" => String::new(),
        label => format!(" for {}", label.to_lowercase()),
    };
    Ok(match (kind.as_str(), text(facts, "client")) {
        ("mcp", "dynamic") => format!("the official MCP server{label}, one click"),
        ("mcp", "own") => format!("the official MCP server{label}, with app credentials"),
        ("oauth", _) => "sign-in with app credentials".to_owned(),
        ("device", _) => "sign-in with a code, with app credentials".to_owned(),
        ("key", _) if facts.contains_key("mcp") => "a key for the official MCP server".to_owned(),
        ("key", _) => "a key".to_owned(),
        (other, client) => {
            bail!("a way of the kind {other} with the client {client:?} is not known")
        }
    })
}

fn tools(ways: &[Value]) -> &'static str {
    let leads_to_mcp = |way: &&Value| {
        let of = |kind: &str| way.get(kind);
        of("mcp").is_some() || of("key").is_some_and(|key| key.get("mcp").is_some())
    };
    match ways.iter().filter(leads_to_mcp).count() {
        0 => "`call`",
        all if all == ways.len() => "the server’s own",
        _ => "the server’s own; else `call`",
    }
}

fn text<'a>(table: &'a Table, key: &str) -> &'a str {
    table.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn with_table(readme: &str, table: &str) -> Result<String> {
    let (before, rest) = readme
        .split_once(BEGIN)
        .context("README.md has no place for the providers")?;
    let (_, after) = rest.split_once(END).context("the place has no end")?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_says_what_the_manifests_say() -> Result<()> {
        let readme = fs::read_to_string(root().join("README.md"))?;
        let made = with_table(&readme, &table(&manifests(&root())?)?)?;
        assert!(readme == made, "run `cargo xtask providers`");
        Ok(())
    }

    #[test]
    fn a_provider_is_told_by_its_ways() -> Result<()> {
        let manifest = "name = \"Acme\"\nsummary = \"Anvils\"\nverified = false\n\
            [[ways]]\n[ways.mcp]\nclient = \"dynamic\"\n[[ways]]\n[ways.oauth]\npkce = \"off\"\n";
        let said = table(&[manifest.parse()?])?;
        let line = said.lines().last().context("a line")?;
        assert_eq!(
            line,
            "| **Acme**: Anvils | the official MCP server, one click; sign-in with app credentials \
             | the server’s own; else `call` | no |"
        );
        let unknown = manifest.replace("ways.oauth", "ways.magic");
        assert!(
            table(&[unknown.parse()?]).is_err(),
            "an unknown way is no way"
        );
        Ok(())
    }
}
