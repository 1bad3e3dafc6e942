//! What of the shell can be tried without a window: its decisions, and what tauri.conf.json allows.

use anyhow::{Context as _, Result, ensure};
use engine::links::{self as rules, Link, exec_field, for_browser, is_own_page, link};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path};
use url::Url;

fn config() -> Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tauri.conf.json");
    Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
}

#[test]
fn the_page_may_call_exactly_the_commands_of_the_table() -> Result<()> {
    let config = config()?;
    let capabilities = config["app"]["security"]["capabilities"]
        .as_array()
        .context("capabilities are listed in the configuration")?;
    ensure!(capabilities.len() == 1, "one capability");
    let one = &capabilities[0];
    ensure!(
        one["windows"] == json!(["main"]) && one["local"] == json!(true) && one["remote"].is_null()
    );

    let allowed: Vec<&str> = one["permissions"]
        .as_array()
        .context("it has permissions")?
        .iter()
        .map(|each| {
            each.as_str()
                .context("a permission without a scope of its own")
        })
        .collect::<Result<_>>()?;
    let commands = wire::NAMES
        .iter()
        .map(|name| format!("allow-{}", name.replace('_', "-")));
    let events = ["core:event:allow-listen", "core:event:allow-unlisten"].map(str::to_owned);
    let wanted: BTreeSet<String> = commands.chain(events).collect();
    let found: BTreeSet<String> = allowed.iter().map(|each| (*each).to_owned()).collect();
    assert_eq!(found, wanted, "nothing else, and nothing missing");
    assert_eq!(allowed.len(), found.len(), "each once");
    Ok(())
}

#[test]
fn every_bundle_brings_the_command_beside_the_app() -> Result<()> {
    let config = config()?;
    let bundle = &config["bundle"];
    assert_eq!(
        bundle["targets"],
        json!(["deb", "rpm", "app", "dmg", "nsis"]),
        "a new one must bring it, too"
    );
    let [deb, rpm] = ["deb", "rpm"].map(|kind| &bundle["linux"][kind]["files"]["/usr/bin/chief"]);
    let mac = &bundle["macOS"]["files"]["MacOS/chief"];
    for built in [deb, rpm, mac] {
        assert_eq!(built, "target/release/chief");
    }
    let hooks = bundle["windows"]["nsis"]["installerHooks"].as_str();
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(hooks.context("NSIS takes files by its hooks alone")?);
    let hooks = fs::read_to_string(hooks)?;
    ensure!(hooks.contains(r"\..\target\release\chief.exe"), "{hooks}");
    ensure!(
        hooks.contains(r#"File "/oname=$INSTDIR\chief.exe""#),
        "{hooks}"
    );
    Ok(())
}

#[test]
fn the_window_is_shut_tight() -> Result<()> {
    let config = config()?;
    let security = &config["app"]["security"];
    assert_eq!(
        security["csp"],
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
         connect-src 'self' ipc: http://ipc.localhost; img-src 'self' data:; object-src 'none'; \
         frame-ancestors 'none'"
    );
    assert_eq!(security["freezePrototype"], true);
    assert_eq!(security["assetProtocol"]["enable"], false);
    assert_eq!(
        security["dangerousDisableAssetCspModification"],
        Value::Null
    );
    assert_eq!(config["app"]["withGlobalTauri"], false);
    assert_eq!(config["app"]["windows"][0]["devtools"], false);
    assert_eq!(
        config["app"]["windows"][0]["label"], "main",
        "the capability's window"
    );
    assert_eq!(
        config["build"]["devUrl"],
        Value::Null,
        "the page is always the one inside"
    );
    assert_eq!(config["identifier"], rules::SCHEME);
    assert_eq!(
        config["plugins"]["deep-link"]["desktop"]["schemes"],
        json!([rules::SCHEME])
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    assert!(
        !root.join("capabilities").exists(),
        "capabilities in files would be added to it"
    );
    Ok(())
}

#[test]
fn the_packages_hand_the_link_to_the_program() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let config = config()?;
    for package in ["deb", "rpm"] {
        let template = config["bundle"]["linux"][package]["desktopTemplate"]
            .as_str()
            .with_context(|| format!("{package} has a template"))?;
        let entry = fs::read_to_string(root.join(template))?;
        assert!(
            entry.contains("\nExec={{exec}} %u\n"),
            "without %u the link is lost"
        );
        assert!(entry.contains(&format!("\nMimeType=x-scheme-handler/{};\n", rules::SCHEME)));
    }
    Ok(())
}

#[test]
fn only_the_exact_link_raises_the_window() {
    assert_eq!(link("app.chief.integrations:/raise"), Link::Raise);
    for other in [
        "",
        "app.chief.integrations:",
        "app.chief.integrations:/",
        "app.chief.integrations:/raise/",
        "app.chief.integrations:/raise?x=1",
        "app.chief.integrations:/raise#x",
        "app.chief.integrations://raise",
        "app.chief.integrations:///raise",
        "APP.CHIEF.INTEGRATIONS:/raise",
        "app.chief.integrations:/Raise",
        "app.chief.integrations:/%72aise",
        "app.chief.integrations:/oauth/callback",
        "app.chief.integrations:/oauth/callback#code=a",
        "app.chief.integrations://oauth/callback?code=a&state=b",
        "app.chief.integrations:/oauth/callback/?code=a&state=b",
        "app.chief.integrations.evil:/raise",
        " app.chief.integrations:/raise",
    ] {
        assert_eq!(link(other), Link::Unknown(other.to_owned()));
    }
}

#[test]
fn a_sign_ins_answer_is_handed_on_whole_and_never_printed() {
    let long = format!("{}?code={}&state=b", rules::CALLBACK, "c".repeat(8_000));
    assert!(
        link(&long) == Link::Callback(long.clone()),
        "not cut: the code would be another"
    );
    assert_eq!(format!("{:?}", link(&long)), "Callback");
    let flood = format!("{}?code={}", rules::CALLBACK, "c".repeat(40_000));
    assert!(matches!(link(&flood), Link::Unknown(_)), "nobody's answer");
}

#[test]
fn a_hundred_thousand_broken_links_stay_inert_and_short() {
    // A generator of its own (xorshift), so that a failure comes back at the next run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap_or(1)).unwrap_or(0)
    };
    let odd = [
        "\0",
        "\n",
        "\u{1b}[31m",
        "é",
        "😀",
        "%00",
        "//",
        "?",
        "#",
        "../",
        "\u{85}",
        "a",
        " ",
    ];
    for _ in 0..100_000 {
        let mut text = rules::RAISE.to_owned();
        for _ in 0..=random(4) {
            let at = text.floor_char_boundary(random(text.len() + 1));
            match random(50) {
                // Long enough to be cut, in the middle of a letter too.
                0 => text.insert_str(at, &odd[random(odd.len())].repeat(random(3_000))),
                1..20 => text.truncate(at),
                _ => text.insert_str(at, odd[random(odd.len())]),
            }
        }
        match link(&text) {
            Link::Raise => assert_eq!(text, rules::RAISE),
            Link::Callback(_) => assert!(text.starts_with(rules::CALLBACK), "{text:?}"),
            Link::Unknown(kept) => {
                assert_ne!(text, rules::RAISE);
                assert!(
                    kept.len() <= 2_048 && !kept.chars().any(char::is_control),
                    "{text:?}"
                );
            }
        }
    }
}

#[test]
fn the_browser_gets_https_and_this_computer_only() {
    for good in [
        "https://example.com/authorize?x=1",
        "http://127.0.0.1:49152/start/abc",
        "http://127.9.9.9/",
        "http://[::1]:49152/start/abc",
        "http://localhost:49152/",
    ] {
        assert_eq!(for_browser(good).map(String::from), Ok(good.to_owned()));
    }
    for bad in [
        "",
        "-e",
        "example.com",
        "http://example.com/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.0.0.1/",
        "https://user@example.com/",
        "https://user:word@example.com/",
        "http://127.0.0.1@example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "app.chief.integrations:/raise",
        "smb://example.com/x",
        "https:",
    ] {
        assert!(
            for_browser(bad).is_err(),
            "{bad} must not reach the browser"
        );
    }
}

#[test]
fn what_reaches_the_browser_is_one_plain_url_whatever_was_asked() {
    for odd in [
        "https://x/$(id)",
        "https://x/`id`",
        "https://x/%USERPROFILE%",
        "https://x/\r\nSet-Cookie: a=b",
        "https://x/a b\tc",
        "https://x/\"; calc; \"",
        "https://x/' & calc & '",
        "  https://x/  ",
        "--help",
        "https://x/\0",
        "java\nscript:alert(1)",
        "https:x",
        "https:\\\\x\\y",
    ] {
        let Ok(url) = for_browser(odd) else { continue };
        let text = String::from(url);
        assert!(
            text.starts_with("https://") || text.starts_with("http://"),
            "{odd:?} became {text}"
        );
        // It goes to one program as one argument; no shell reads it.
        let breaks = |letter: char| letter.is_control() || letter.is_whitespace() || letter == '"';
        assert!(!text.contains(breaks), "{odd:?} became {text}");
    }
}

#[cfg(not(windows))]
#[test]
fn the_window_stays_on_its_own_page() -> Result<()> {
    assert!(is_own_page(&Url::parse("tauri://localhost/")?));
    assert!(is_own_page(&Url::parse(
        "tauri://localhost/integrations/1?x#y"
    )?));
    for other in [
        "https://localhost/",
        "http://tauri.localhost/",
        "tauri://localhost.example.com/",
        "tauri://localhost:81/",
        "tauri://example.com/",
        "about:blank",
        "data:text/html,x",
        "file:///etc/passwd",
    ] {
        assert!(!is_own_page(&Url::parse(other)?), "{other}");
    }
    Ok(())
}

#[test]
fn a_desktop_entry_starts_the_program_wherever_it_lies() {
    assert_eq!(
        exec_field("/usr/bin/chief"),
        "/usr/bin/chief %u",
        "xdg-open reads no quotes"
    );
    assert_eq!(exec_field("/opt/a b/chief"), "\"/opt/a b/chief\" %u");
    assert_eq!(exec_field("/opt/100%/chief"), "/opt/100%%/chief %u");
    assert_eq!(exec_field("/opt/a$b/chief"), r#""/opt/a\\$b/chief" %u"#);
    assert_eq!(exec_field(r"/opt/a\b/chief"), r#""/opt/a\\\\b/chief" %u"#);
}
