//! MCP's own conformance suite, client side, on the app's OAuth and MCP client: everything that each dated
//! revision requires, each scenario a test of its own.
//!
//! The suite is run once for each revision, by the first test that needs it. A suite that is missing or
//! does not run is a failure. What may fail stands, with its cause, in `conformance-exceptions.md`.

use anyhow::{Context, Result, bail, ensure};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// It holds the app to half a second, which is not to be had while all the others run: where it fails,
/// it is run once more, alone.
const TIMED: &str = "sse-retry";
/// Milliseconds for one scenario: all of them run at once, and other tests beside them.
const PATIENCE: &str = "120000";

macro_rules! scenarios {
    ($revision:ident = $text:literal: $($name:ident = $scenario:literal),* $(,)?) => {
        mod $revision {
            use super::*;

            const SCENARIOS: &[&str] = &[$($scenario),*];
            static RUN: OnceLock<Result<Run, String>> = OnceLock::new();

            $(#[test]
            fn $name() -> Result<()> {
                passes(RUN.get_or_init(|| run($text)), $text, $scenario)
            })*

            #[test]
            fn the_list_is_what_the_revision_requires() -> Result<()> {
                ensure!(
                    required($text)? == SCENARIOS,
                    "the suite requires another list for {}", $text
                );
                Ok(())
            }
        }
    };
}

scenarios! { of_2026_07_28 = "2026-07-28":
    tools_call = "tools_call",
    request_metadata = "request-metadata",
    auth_metadata_default = "auth/metadata-default",
    auth_metadata_var1 = "auth/metadata-var1",
    auth_metadata_var2 = "auth/metadata-var2",
    auth_metadata_var3 = "auth/metadata-var3",
    auth_basic_cimd = "auth/basic-cimd",
    auth_scope_from_www_authenticate = "auth/scope-from-www-authenticate",
    auth_scope_from_scopes_supported = "auth/scope-from-scopes-supported",
    auth_scope_omitted_when_undefined = "auth/scope-omitted-when-undefined",
    auth_scope_step_up = "auth/scope-step-up",
    auth_scope_retry_limit = "auth/scope-retry-limit",
    auth_token_endpoint_auth_basic = "auth/token-endpoint-auth-basic",
    auth_token_endpoint_auth_post = "auth/token-endpoint-auth-post",
    auth_token_endpoint_auth_none = "auth/token-endpoint-auth-none",
    auth_pre_registration = "auth/pre-registration",
    auth_resource_mismatch = "auth/resource-mismatch",
    auth_offline_access_scope = "auth/offline-access-scope",
    auth_offline_access_not_supported = "auth/offline-access-not-supported",
    auth_authorization_server_migration = "auth/authorization-server-migration",
    auth_iss_supported = "auth/iss-supported",
    auth_iss_not_advertised = "auth/iss-not-advertised",
    auth_iss_supported_missing = "auth/iss-supported-missing",
    auth_iss_wrong_issuer = "auth/iss-wrong-issuer",
    auth_iss_unexpected = "auth/iss-unexpected",
    auth_iss_normalized = "auth/iss-normalized",
    auth_metadata_issuer_mismatch = "auth/metadata-issuer-mismatch",
    sep_2322_client_request_state = "sep-2322-client-request-state",
    http_standard_headers = "http-standard-headers",
    http_custom_headers = "http-custom-headers",
    http_invalid_tool_headers = "http-invalid-tool-headers",
    json_schema_ref_no_deref = "json-schema-ref-no-deref",
}

scenarios! { of_2025_11_25 = "2025-11-25":
    initialize = "initialize",
    tools_call = "tools_call",
    elicitation_sep1034_client_defaults = "elicitation-sep1034-client-defaults",
    sse_retry = "sse-retry",
    auth_metadata_default = "auth/metadata-default",
    auth_metadata_var1 = "auth/metadata-var1",
    auth_metadata_var2 = "auth/metadata-var2",
    auth_metadata_var3 = "auth/metadata-var3",
    auth_basic_cimd = "auth/basic-cimd",
    auth_scope_from_www_authenticate = "auth/scope-from-www-authenticate",
    auth_scope_from_scopes_supported = "auth/scope-from-scopes-supported",
    auth_scope_omitted_when_undefined = "auth/scope-omitted-when-undefined",
    auth_scope_step_up = "auth/scope-step-up",
    auth_scope_retry_limit = "auth/scope-retry-limit",
    auth_token_endpoint_auth_basic = "auth/token-endpoint-auth-basic",
    auth_token_endpoint_auth_post = "auth/token-endpoint-auth-post",
    auth_token_endpoint_auth_none = "auth/token-endpoint-auth-none",
    auth_pre_registration = "auth/pre-registration",
}

/// What the suite said of each scenario: its line of the summary.
struct Run {
    lines: BTreeMap<String, String>,
    /// Everything it said, for the message of a failure.
    said: String,
}

fn run(revision: &str) -> Result<Run, String> {
    start(revision).map_err(|error| format!("{error:#}"))
}

fn start(revision: &str) -> Result<Run> {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-{revision}"));
    if results.exists() {
        std::fs::remove_dir_all(&results)?;
    }
    let run = command(&["--requirements", revision])?
        .arg("--output-dir")
        .arg(&results)
        .output()
        .context("Node is missing: run `cargo xtask test`, which sets it up")?;
    let summary = String::from_utf8_lossy(&run.stdout);
    let said = format!("{summary}\n{}", String::from_utf8_lossy(&run.stderr));
    let lines: BTreeMap<String, String> = summary
        .lines()
        .filter_map(|line| {
            let (mark, rest) = line.split_once(' ')?;
            let (name, counts) = rest.split_once(": ")?;
            let line = format!("{mark} {counts}");
            ["✓", "✗"].contains(&mark).then(|| (name.to_owned(), line))
        })
        .collect();
    ensure!(
        !lines.is_empty(),
        "the conformance suite did not run (it needs Node 22: `cargo xtask test` sets it up):\n{said}"
    );
    Ok(Run { lines, said })
}

fn command(what: &[&str]) -> Result<Command> {
    let mut command = Command::new("node");
    command
        .arg(suite()?.join("dist/index.js"))
        .args(["client", "--timeout", PATIENCE])
        .args(["--command", env!("CARGO_BIN_EXE_conformance_client")])
        .args(what)
        .env_remove("http_proxy")
        .env_remove("HTTP_PROXY");
    Ok(command)
}

/// Whether a scenario passes when it has the machine for itself.
fn passes_alone(revision: &str, scenario: &str) -> Result<bool> {
    let what = ["--scenario", scenario, "--spec-version", revision];
    Ok(command(&what)?.output()?.status.success())
}

/// The suite's own package.
fn suite() -> Result<PathBuf> {
    let peers = std::env::var_os("CHIEF_PEERS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("peers"),
        PathBuf::from,
    );
    let suite = peers.join("node_modules/@modelcontextprotocol/conformance");
    if !suite.is_dir() {
        bail!(
            "the conformance suite is missing in {}: run `cargo xtask test`, which sets it up",
            peers.display()
        );
    }
    Ok(suite)
}

fn passes(run: &Result<Run, String>, revision: &str, scenario: &str) -> Result<()> {
    let run = run.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    let line = run
        .lines
        .get(scenario)
        .with_context(|| format!("the suite did not run {scenario}"))?;
    // A client that asks nothing of the server fails nothing.
    let passed = line.starts_with("✓ ") && !line.starts_with("✓ 0 passed");
    let passed = passed || scenario == TIMED && passes_alone(revision, scenario)?;
    let excepted = exceptions()?.contains(&format!("{revision} {scenario}"));
    match (passed, excepted) {
        (true, false) | (false, true) => Ok(()),
        (true, true) => bail!("{scenario} passes: take it out of conformance-exceptions.md"),
        (false, false) => bail!("{scenario}: {line}\n{}", told(&run.said, scenario)),
    }
}

/// `revision scenario` of each row of the table of exceptions.
fn exceptions() -> Result<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance-exceptions.md");
    let text = std::fs::read_to_string(path)?;
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let (revision, scenario) = (cells.next()?, cells.next()?);
        let revision = revision.strip_prefix('`')?.strip_suffix('`')?;
        let scenario = scenario.strip_prefix('`')?.strip_suffix('`')?;
        Some(format!("{revision} {scenario}"))
    });
    Ok(rows.collect())
}

/// The client scenarios of a requirement set, as its file lists them.
fn required(revision: &str) -> Result<Vec<String>> {
    let path = suite()?.join(format!("requirements/{revision}.yaml"));
    let text = std::fs::read_to_string(path)?;
    let mut lines = text.lines().skip_while(|line| *line != "client:").skip(1);
    let names = std::iter::from_fn(|| lines.next()?.strip_prefix("  - ").map(str::to_owned));
    Ok(names.collect())
}

/// What failed in one scenario, as the files of its results tell.
fn told(said: &str, scenario: &str) -> String {
    let slug = scenario.replace('/', "-");
    let files: Vec<PathBuf> = said
        .lines()
        .filter_map(|line| line.strip_prefix("Results saved to "))
        .map(PathBuf::from)
        .filter(|path| {
            path.to_string_lossy().contains(&slug) || path.to_string_lossy().contains(scenario)
        })
        .collect();
    let mut told = String::new();
    for folder in files {
        for file in ["checks.json", "stderr.txt"] {
            let text = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
            told += &format!("--- {file}\n{text}\n");
        }
    }
    told
}
