//! The manifests in the app are good, and a bad one is refused with its line while the rest load.

use super::*;
use crate::connect::way;
use anyhow::{Context, Result, ensure};
use rstest::rstest;
use std::collections::BTreeSet;

const GOOD: &str = r##"schema = 1
id = "acme"
name = "Acme"
summary = "Things of every kind"
category = "other"
colour = "#112233"
verified = false

[sources]
A = { what = "https://acme.example.com/docs", day = 2026-11-22 }

[[ways]]
[ways.mcp]
url = "https://mcp.acme.com/mcp"
client = "dynamic"
source = ["A"]

[[ways]]
[ways.oauth]
authorization_endpoint = "https://acme.com/authorize"
token_endpoint = "https://acme.com/token"
client_auth = "post"
return_by = ["loopback"]
pkce = "required"
source = ["A"]

[api]
base_url = "https://api.acme.com"
ping = { path = "/me" }
source = ["A"]

[[bundles]]
id = "read"
says = "Read things"
scopes = ["things:read"]
default = true
source = ["A"]

[[tools]]
name = "call"
scopes = ["things:read"]
"##;

/// The good manifest with the line that holds `old` written anew.
fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "the table changes what is there: {old}");
    GOOD.replacen(old, new, 1)
}

fn folder(files: &[(&str, &str)]) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text)?;
    }
    Ok(folder)
}

fn catalogue(files: &[(&str, &str)]) -> Result<Catalogue> {
    let folder = folder(files)?;
    Ok(Catalogue::load(&Sources::folder(folder.path().to_owned())))
}

#[test]
fn every_manifest_in_the_app_is_good() {
    let catalogue = Catalogue::load(&Sources::default());
    assert_eq!(catalogue.refused(), []);
    assert_eq!(catalogue.providers().len(), BUILT_IN.len());
}

#[test]
fn the_app_has_the_twelve_providers() {
    let catalogue = Catalogue::load(&Sources::default());
    let ids: Vec<&str> = catalogue.providers().iter().map(|p| p.id()).collect();
    assert_eq!(
        ids,
        [
            "atlassian",
            "cloudflare",
            "github",
            "gitlab",
            "google",
            "hubspot",
            "linear",
            "microsoft-365",
            "notion",
            "sentry",
            "slack",
            "stripe"
        ]
    );
}

#[test]
fn every_file_of_the_folder_is_built_in() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("providers");
    let mut files = BTreeSet::new();
    for file in std::fs::read_dir(folder)? {
        let name = file?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".toml") {
            files.insert(name);
        }
    }
    let built_in: BTreeSet<String> = BUILT_IN
        .iter()
        .map(|(file, _)| (*file).to_owned())
        .collect();
    assert_eq!(files, built_in);
    Ok(())
}

#[test]
fn a_file_is_named_after_its_id() {
    for (file, text) in BUILT_IN {
        let manifest = read::read(text, Hosts::Public).expect("the manifests in the app are good");
        assert_eq!(*file, format!("{}.toml", manifest.id.get_ref()));
    }
}

#[test]
fn every_way_of_every_manifest_is_one_that_the_engine_lets_pass() -> Result<()> {
    for provider in Catalogue::load(&Sources::default()).providers() {
        let all: Vec<String> = provider
            .manifest
            .bundles
            .iter()
            .map(|bundle| bundle.id.get_ref().clone())
            .collect();
        for way in provider.ways() {
            let made = provider
                .execute(way.id(), &all)
                .with_context(|| format!("{} {}", provider.id(), way.id()))?;
            let checked = made.check();
            ensure!(
                checked.is_ok(),
                "{} {}: {checked:?}",
                provider.id(),
                way.id()
            );
        }
    }
    Ok(())
}

#[test]
fn the_facts_reach_the_engine_as_they_are_written() -> Result<()> {
    let catalogue = Catalogue::load(&Sources::default());
    let slack = catalogue.get("slack").context("slack")?;
    let way::Way::OAuth(slack) = slack.execute("oauth", &["read".into(), "write".into()])? else {
        anyhow::bail!("a sign-in");
    };
    assert_eq!(slack.scope_style.separator, ',');
    assert_eq!(slack.token.within.as_deref(), Some("/authed_user"));
    assert_eq!(slack.token.refresh_life_seconds, Some(30 * 86_400));
    assert_eq!(
        slack.scopes,
        [
            "channels:read",
            "channels:history",
            "users:read",
            "chat:write"
        ]
    );
    let way::Service::Api { ping, .. } = &slack.service else {
        anyhow::bail!("an API");
    };
    let verdict = ping.verdict.as_ref().context("a verdict")?;
    assert_eq!(verdict.errors["token_revoked"], way::Meaning::Rejected);

    let hubspot = catalogue.get("hubspot").context("hubspot")?;
    let way::Way::OAuth(hubspot) = hubspot.execute("oauth", &[])? else {
        anyhow::bail!("a sign-in");
    };
    assert!(matches!(
        hubspot.revocation,
        way::Revocation::InPath {
            method: way::Method::Delete,
            ..
        }
    ));
    assert_eq!(hubspot.scopes, ["oauth"], "what is always asked for");

    let github = catalogue.get("github").context("github")?;
    let way::Way::Key(key) = github.execute("key", &[])? else {
        anyhow::bail!("a key");
    };
    assert!(matches!(key.service, way::Service::Mcp { .. }));
    Ok(())
}

#[test]
fn the_least_is_chosen_at_first() {
    for provider in Catalogue::load(&Sources::default()).providers() {
        for bundle in &provider.manifest.bundles {
            let says = bundle.says.get_ref();
            let writes = ["change", "write", "Make", "Post", "send"];
            assert!(
                !(bundle.default && writes.iter().any(|word| says.contains(word))),
                "{}: {says}",
                provider.id()
            );
        }
    }
}

#[test]
fn a_manifest_in_the_folder_is_added() -> Result<()> {
    let catalogue = catalogue(&[("acme.toml", GOOD)])?;
    assert_eq!(catalogue.refused(), []);
    assert!(catalogue.get("acme").context("acme")?.added);
    assert!(!catalogue.get("stripe").context("stripe")?.added);
    Ok(())
}

#[rstest]
#[case::unknown_key("verified = false", "verified = false\nhats = 1", 8, "hats")]
#[case::unknown_key_inside("client = \"dynamic\"", "client = \"dynamic\"\nhats = 1", 16, "hats")]
#[case::http("https://mcp.acme.com/mcp", "http://mcp.acme.com/mcp", 14, "not https")]
#[case::loopback("https://mcp.acme.com/mcp", "https://127.0.0.1/mcp", 14, "127.0.0.1")]
#[case::private("https://acme.com/token", "https://10.1.2.3/token", 21, "10.1.2.3")]
#[case::metadata(
    "https://api.acme.com",
    "https://169.254.169.254",
    28,
    "169.254.169.254"
)]
#[case::mapped(
    "https://api.acme.com",
    "https://[::ffff:10.0.0.1]",
    28,
    "not a public one"
)]
#[case::local("https://mcp.acme.com/mcp", "https://acme.local/mcp", 14, "acme.local")]
#[case::single("https://mcp.acme.com/mcp", "https://intranet/mcp", 14, "intranet")]
#[case::userinfo(
    "https://acme.com/token",
    "https://u:p@acme.com/token",
    21,
    "user name"
)]
#[case::source(
    "source = [\"A\"]\n\n[[ways]]\n[ways.oauth]",
    "source = [\"B\"]\n\n[[ways]]\n[ways.oauth]",
    16,
    "source B"
)]
#[case::wrong_type("schema = 1", "schema = \"1\"", 1, "invalid type")]
#[case::newer("schema = 1", "schema = 2", 1, "schema 2")]
#[case::id("id = \"acme\"", "id = \"Ac me\"", 2, "a-z")]
#[case::colour("#112233", "red", 6, "#rrggbb")]
#[case::no_default("default = true", "default = false", 33, "default")]
#[case::unknown_way("[ways.mcp]", "[ways.magic]", 13, "magic")]
#[case::half_endpoints(
    "token_endpoint = \"https://acme.com/token\"\n",
    "",
    18,
    "neither an issuer"
)]
#[case::own_parameter(
    "pkce = \"required\"",
    "pkce = \"required\"\nextra = { redirect_uri = \"https://else.example\" }",
    18,
    "redirect_uri is set by the sign-in itself"
)]
#[case::no_pointer(
    "[[bundles]]",
    "[identity]\nurl = \"https://api.acme.com/me\"\naccount = \"id\"\nsource = [\"A\"]\n\n[[bundles]]",
    18,
    "id is no JSON pointer"
)]
#[case::reserved_header(
    "[api]",
    "[[ways]]\n[ways.key]\nauth = \"header\"\nname = \"Host\"\nguide = { steps = [\"Make one.\"], source = [\"A\"] }\nsource = [\"A\"]\n\n[api]",
    27,
    "protocol"
)]
#[case::basic_without_user(
    "[api]",
    "[[ways]]\n[ways.key]\nauth = \"basic\"\nguide = { steps = [\"Make one.\"], source = [\"A\"] }\nsource = [\"A\"]\n\n[api]",
    27,
    "basic needs the user"
)]
fn a_bad_manifest_is_refused_with_its_line(
    #[case] old: &str,
    #[case] new: &str,
    #[case] line: u32,
    #[case] says: &str,
) -> Result<()> {
    let text = with(old, new);
    let catalogue = catalogue(&[
        ("acme.toml", &text),
        ("zeta.toml", &with("\"acme\"", "\"zeta\"")),
    ])?;
    assert!(catalogue.get("acme").is_none());
    assert!(catalogue.get("zeta").is_some(), "the rest load");
    assert_eq!(catalogue.providers().len(), BUILT_IN.len() + 1);
    let refused = catalogue.refused();
    let hit = refused
        .iter()
        .find(|refused| refused.why.contains(says))
        .with_context(|| format!("{refused:?} does not say “{says}”"))?;
    assert_eq!(
        (hit.file.as_str(), hit.line),
        ("acme.toml", Some(line)),
        "{hit:?}"
    );
    Ok(())
}

#[test]
fn a_key_beside_a_user_name_is_a_way() -> Result<()> {
    let key = "[[ways]]\n[ways.key]\nauth = \"basic\"\nuser = \"chief@acme.com\"\n\
               guide = { steps = [\"Make one.\"], source = [\"A\"] }\nsource = [\"A\"]\n\n[api]";
    let catalogue = catalogue(&[("acme.toml", &with("[api]", key))])?;
    assert_eq!(catalogue.refused(), []);
    let acme = catalogue.get("acme").context("acme")?;
    let way::Way::Key(key) = acme.execute("key", &[])? else {
        anyhow::bail!("a key");
    };
    let user = Some("chief@acme.com".to_owned());
    assert_eq!(key.place, way::KeyPlace::Basic { user });
    Ok(())
}

#[test]
fn a_tool_whose_scope_no_bundle_lists_is_refused() -> Result<()> {
    let text = format!("{GOOD}\n[[tools]]\nname = \"burn\"\nscopes = [\"things:burn\"]\n");
    let catalogue = catalogue(&[("acme.toml", &text)])?;
    let refused = catalogue.refused();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].why.contains("things:burn"), "{refused:?}");
    assert_eq!(refused[0].line, Some(45));
    Ok(())
}

#[test]
fn a_built_in_provider_is_not_replaced() -> Result<()> {
    let text = with("\"acme\"", "\"stripe\"");
    let catalogue = catalogue(&[("stripe.toml", &text)])?;
    let stripe = catalogue.get("stripe").context("stripe")?;
    assert_eq!(stripe.manifest.name.get_ref(), "Stripe");
    let refused = catalogue.refused();
    assert_eq!(refused[0].line, Some(2), "{refused:?}");
    assert!(refused[0].why.contains("built in"), "{refused:?}");
    Ok(())
}

#[test]
fn of_two_files_with_one_id_the_first_by_name_stands() -> Result<()> {
    let catalogue = catalogue(&[("a.toml", GOOD), ("b.toml", &with("\"Acme\"", "\"Other\""))])?;
    let acme = catalogue.get("acme").context("acme")?;
    assert_eq!(acme.manifest.name.get_ref(), "Acme");
    assert_eq!(catalogue.refused()[0].file, "b.toml");
    Ok(())
}

#[test]
fn every_fault_of_a_file_is_told_at_once() -> Result<()> {
    let text = with("#112233", "red").replace("https://mcp.acme.com/mcp", "http://127.0.0.1/mcp");
    let lines: Vec<Option<u32>> = catalogue(&[("acme.toml", &text)])?
        .refused()
        .iter()
        .map(|refused| refused.line)
        .collect();
    assert_eq!(lines, [Some(6), Some(14)]);
    Ok(())
}

#[test]
fn what_is_no_manifest_is_refused_and_what_is_no_toml_file_is_not_read() -> Result<()> {
    let huge = format!("{GOOD}# {}", "x".repeat(read::MAX_BYTES));
    let folder = folder(&[
        ("a.toml", "\u{0}"),
        ("huge.toml", &huge),
        ("readme.md", "?"),
    ])?;
    std::fs::write(folder.path().join("bytes.toml"), [0xff, 0xfe, 0x00])?;
    std::fs::create_dir(folder.path().join("folder.toml"))?;
    let catalogue = Catalogue::load(&Sources::folder(folder.path().to_owned()));
    let files: Vec<&str> = catalogue
        .refused()
        .iter()
        .map(|r| r.file.as_str())
        .collect();
    assert_eq!(files, ["a.toml", "bytes.toml", "folder.toml", "huge.toml"]);
    Ok(())
}

#[test]
fn text_of_a_file_reaches_the_window_inert() -> Result<()> {
    let text = with("\"Acme\"", "\"A\\u202ecme\\n\"").replace("Read things", "R\\u200bead");
    let catalogue = catalogue(&[("acme.toml", &text)])?;
    assert_eq!(catalogue.refused(), []);
    let view = view::view(&*catalogue.get("acme").context("acme")?);
    assert!(!view.name.contains('\u{202e}'), "{:?}", view.name);
    assert!(!view.bundles[0].says.contains('\u{200b}'), "{view:?}");
    Ok(())
}

#[test]
fn a_folder_that_is_not_there_holds_nothing() {
    let catalogue = Catalogue::load(&Sources::folder("/nowhere/at/all".into()));
    assert_eq!(catalogue.refused(), []);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,400}") {
        let _ = read::read(&text, Hosts::Public);
    }

    #[test]
    fn a_good_manifest_with_a_few_bytes_changed_is_read_or_refused(
        at in 0..GOOD.len(), with in "\\PC{0,12}",
    ) {
        let mut text = GOOD.to_owned();
        text.replace_range(at..=at, &with);
        if let Err(reasons) = read::read(&text, Hosts::Public) {
            let lines = u32::try_from(text.lines().count() + 1)?;
            for reason in reasons {
                proptest::prop_assert!(reason.line.is_none_or(|line| (1..=lines).contains(&line)));
            }
        }
    }
}
