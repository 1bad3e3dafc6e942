//! What `cargo fuzz` runs without end, run a while from seeds that are right and then broken: so its targets
//! compile, and hold, with every change.

#[path = "../../fuzz/fuzz_targets/bodies.rs"]
mod bodies;

use anyhow::Result;
use chief_tests::random::Random;
use std::{fs, path::Path};

/// Broken texts for each target.
const TIMES: usize = 3_000;

/// `seed` with a piece of it, or something odd, put, doubled or taken somewhere.
fn broken(random: &mut Random, seed: &str) -> String {
    const ODD: [&str; 12] = [
        "\u{0}", "\n", "\"", "{", "}", "[", ",", "=", "%00", "\u{202e}", "https://", "-1",
    ];
    let mut text = seed.to_owned();
    for _ in 0..=random.below(4) {
        let from = text.floor_char_boundary(random.below(text.len() + 1));
        let length = random.below(40) + 1;
        let to = text
            .floor_char_boundary((from + length).min(text.len()))
            .max(from);
        let piece = text[from..to].to_owned();
        let at = text.floor_char_boundary(random.below(text.len() + 1));
        match random.below(4) {
            0 => text.replace_range(from..to, ""),
            1 => text.insert_str(at, &piece),
            2 => text.insert_str(at, ODD[random.below(ODD.len())]),
            _ => text.replace_range(from..to, ODD[random.below(ODD.len())]),
        }
    }
    text
}

fn run(target: fn(&str), seeds: &[String]) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for seed in seeds {
        target(seed);
    }
    for n in 0..TIMES {
        target(&broken(&mut random, &seeds[n % seeds.len()]));
    }
}

fn owned(seeds: &[&str]) -> Vec<String> {
    seeds.iter().map(|&seed| seed.to_owned()).collect()
}

#[test]
fn deep_links() {
    let seeds = [
        "app.chief.integrations:/raise",
        "app.chief.integrations:/oauth/callback?code=a&state=b&iss=https%3A%2F%2Fas.example",
        "https://user:pass@example.com/a?b#c",
        "http://127.0.0.1:8080/start",
    ];
    run(bodies::deep_link, &owned(&seeds));
}

#[test]
fn challenges() {
    let seeds = [
        r#"Bearer resource_metadata="https://mcp.example/.well-known/oauth-protected-resource""#,
        r#"Basic realm="a", Bearer error="insufficient_scope", scope="a b c", error_description="say \"no\"""#,
        "Negotiate abc==, DPoP algs=\"ES256\"",
    ];
    run(bodies::www_authenticate, &owned(&seeds));
}

#[test]
fn documents() -> Result<()> {
    let folder = "../crates/engine/src/connectors/openapi/tests";
    run(bodies::openapi_import, &texts(Path::new(folder))?);
    Ok(())
}

#[test]
fn manifests() -> Result<()> {
    let folder = "../crates/engine/providers";
    run(bodies::manifest, &texts(Path::new(folder))?);
    Ok(())
}

/// The files of a folder that are data.
fn texts(folder: &Path) -> Result<Vec<String>> {
    let mut found = vec![];
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        if matches!(kind, Some("json" | "yaml" | "toml")) {
            found.push(fs::read_to_string(path)?);
        }
    }
    found.sort();
    anyhow::ensure!(!found.is_empty(), "no seeds in {}", folder.display());
    Ok(found)
}
