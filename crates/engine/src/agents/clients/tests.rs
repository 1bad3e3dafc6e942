use super::{
    super::bridge::Bridge,
    edit::{self, COVER, difference, without_chief},
    file, look,
    places::{Form, Place, Places},
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use wire::{Client, ClientUndone, Error, ErrorCode};

fn place(form: Form) -> Place {
    let places = Places {
        home: Some(PathBuf::from("/home/ada")),
        settings: None,
        codex: None,
    };
    let mut place = places.of(Client::Cursor).expect("a home");
    place.form = form;
    place
}

fn bridge() -> Bridge {
    Bridge::new("chief".to_owned(), Path::new("/data"))
}

fn with_chief(place: &Place, before: Option<&str>, token: &str) -> Result<String, Error> {
    edit::with_chief(place, before, &bridge(), token)
}

/// A JSON file in a folder of the test.
fn lying(file: PathBuf) -> Place {
    let mut place = place(JSON);
    place.file = file;
    place
}

/// Adds Chief to a file as it is.
fn add(place: &Place, token: &str, last: Option<file::Written>) -> file::Written {
    let before = fs::read_to_string(&place.file).ok();
    let after = with_chief(place, before.as_deref(), token).expect("added");
    file::write(place, (before.as_deref(), &after), last).expect("written")
}

fn files(folder: &Path) -> Vec<String> {
    let all = fs::read_dir(folder).expect("a folder");
    all.map(|one| {
        one.expect("there")
            .file_name()
            .to_string_lossy()
            .into_owned()
    })
    .collect()
}

const JSON: Form = Form::Json {
    servers: "mcpServers",
};
const TOML: Form = Form::Toml {
    servers: "mcp_servers",
};

const CURSOR: &str = r#"{
  // Ours, do not touch
  "theme":   "dark",
  "mcpServers": {
    "github": { "command": "npx", "env": { "GITHUB_TOKEN": "ghp_secret" } }
  }
}
"#;

const CODEX: &str = r#"# Mine
model = "o9"   # the best

[mcp_servers.github]
command = "npx"
env = { "GITHUB_TOKEN" = "ghp_secret" }

[profiles.x]
a = 1
"#;

#[test]
fn json_is_kept_but_for_the_entry() {
    let after = with_chief(&place(JSON), Some(CURSOR), "chief_t").expect("it is JSON");
    for kept in [
        "// Ours, do not touch",
        "\"theme\":   \"dark\"",
        "ghp_secret",
    ] {
        assert!(after.contains(kept), "{after}");
    }
    let expected = CURSOR.replace(
        "\"ghp_secret\" } }\n",
        r#""ghp_secret" } },
    "chief": {
      "command": "chief",
      "args": ["--data", "/data", "mcp"],
      "env": {
        "CHIEF_AGENT_TOKEN": "chief_t"
      }
    }
"#,
    );
    assert_eq!(after, expected);
    // Once more, with another token: the entry is replaced, nothing is doubled.
    let again = with_chief(&place(JSON), Some(&after), "chief_u").expect("it is JSON");
    assert_eq!(again, after.replace("chief_t", "chief_u"));
}

#[test]
fn toml_is_kept_but_for_the_table() {
    let after = with_chief(&place(TOML), Some(CODEX), "chief_t").expect("it is TOML");
    for line in CODEX.lines() {
        assert!(after.contains(line), "{line}: {after}");
    }
    let entry = "\n[mcp_servers.chief]\ncommand = \"chief\"\nargs = [\"--data\", \"/data\", \"mcp\"]\n\
        env = { CHIEF_AGENT_TOKEN = \"chief_t\" }\ntool_timeout_sec = 360\n";
    assert!(after.contains(entry), "{after}");
    let again = with_chief(&place(TOML), Some(&after), "chief_u").expect("it is TOML");
    assert_eq!(again.matches("[mcp_servers.chief]").count(), 1);
    assert!(again.contains("chief_u") && !again.contains("chief_t"));
}

#[test]
fn what_a_user_set_in_our_entry_stays_when_it_gets_another_token() {
    let json = r#"{
  "mcpServers": {
    "chief": {
      // Mine
      "command": "chief",
      "args": ["--data", "/data", "mcp", "--integration", "stripe"],
      "env": { "CHIEF_AGENT_TOKEN": "chief_t", "RUST_LOG": "info" },
      "disabled": false
    }
  }
}
"#;
    let after = with_chief(&place(JSON), Some(json), "chief_u").expect("it is JSON");
    assert_eq!(after, json.replace("chief_t", "chief_u"));
    let moved = json.replace("\"/data\"", "\"/old\"");
    let after = with_chief(&place(JSON), Some(&moved), "chief_u").expect("it is JSON");
    assert!(
        after.contains("/data") && !after.contains("/old"),
        "{after}"
    );
    assert!(
        after.contains("stripe") && after.contains("RUST_LOG"),
        "{after}"
    );
    let toml = r#"[mcp_servers.chief]
command = "chief"
args = ["--data", "/data", "mcp", "--task", "nightly"] # mine
env = { CHIEF_AGENT_TOKEN = "chief_t", RUST_LOG = "info" }
tool_timeout_sec = 900
enabled_tools = ["stripe__list_charges"]

[mcp_servers.chief.tools.stripe__list_charges]
approval_mode = "approve"
"#;
    let after = with_chief(&place(TOML), Some(toml), "chief_u").expect("it is TOML");
    assert_eq!(after, toml.replace("chief_t", "chief_u"));
    // One that another program starts the bridge of is written anew.
    let wrapped = json.replace(
        "\"--data\", \"/data\", \"mcp\"",
        "\"/usr/bin/chief\", \"mcp\"",
    );
    let after = with_chief(&place(JSON), Some(&wrapped), "chief_u").expect("it is JSON");
    assert!(!after.contains("/usr/bin/chief"), "{after}");
    assert!(
        !after.contains("stripe") && after.contains("/data"),
        "{after}"
    );
    // One by address is another entry.
    let address =
        r#"{ "mcpServers": { "chief": { "url": "http://127.0.0.1:7317/mcp", "headers": {} } } }"#;
    let after = with_chief(&place(JSON), Some(address), "chief_u").expect("it is JSON");
    assert!(
        !after.contains("url") && after.contains("chief_u"),
        "{after}"
    );
}

#[test]
fn comments_above_the_table_stay_when_it_is_written_anew_and_when_it_goes() {
    let place = place(TOML);
    let commented = with_chief(&place, Some(CODEX), "chief_t")
        .expect("added")
        .replace(
            "[mcp_servers.chief]",
            "# [mcp_servers.old]\n# command = \"x\"\n[mcp_servers.chief]",
        );
    let again = with_chief(&place, Some(&commented), "chief_u").expect("added");
    assert_eq!(again, commented.replace("chief_t", "chief_u"));
    let left = without_chief(&place, &again)
        .expect("read")
        .expect("it was there");
    assert_eq!(
        left,
        format!("{CODEX}\n# [mcp_servers.old]\n# command = \"x\"\n")
    );
}

#[test]
fn line_ends_and_a_byte_order_mark_stay() {
    for (form, text) in [(JSON, CURSOR), (TOML, CODEX)] {
        let place = place(form);
        let text = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let after = with_chief(&place, Some(&text), "chief_t").expect("added");
        assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
        assert_eq!(without_chief(&place, &after), Ok(Some(text)));
    }
}

#[test]
fn a_file_that_is_not_there_is_begun() {
    let json = with_chief(&place(JSON), None, "t").expect("begun");
    let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(read["mcpServers"]["chief"]["args"][2], "mcp");
    let toml = with_chief(&place(TOML), None, "t").expect("begun");
    assert!(toml.starts_with("[mcp_servers.chief]"), "{toml}");
}

#[test]
fn what_is_not_of_its_form_is_left_alone_and_its_text_is_not_repeated() {
    for (form, text) in [
        (JSON, "{ \"a\": ghp_secret"),
        (JSON, "[1]"),
        (JSON, "{ \"mcpServers\": [\"ghp_secret\"] }"),
        (TOML, "a = ghp_secret"),
        (TOML, "mcp_servers = \"ghp_secret\""),
    ] {
        let error = with_chief(&place(form), Some(text), "t").expect_err(text);
        assert_eq!(error.code, ErrorCode::ClientFileUnreadable);
        assert!(!error.to_string().contains("ghp_secret"), "{error}");
    }
}

#[test]
fn a_preview_shows_what_changes_and_no_secret() {
    for (form, text) in [(JSON, CURSOR), (TOML, CODEX)] {
        let written = with_chief(&place(form), Some(text), "chief_old").expect("added");
        for before in [text, written.as_str()] {
            let after = with_chief(&place(form), Some(before), COVER).expect("added");
            let ours = with_chief(&place(form), None, COVER).expect("begun");
            let (lines, kept) = difference(before, &after, &ours);
            let shown: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
            let shown = shown.join("\n");
            assert!(kept >= 5, "{kept}");
            assert!(shown.contains(COVER), "{shown}");
            assert!(
                !shown.contains("ghp_secret") && !shown.contains("chief_old"),
                "{shown}"
            );
        }
    }
    let one_line = "{\"mcpServers\":{\"a\":{\"b\":{\"c\":{\"d\":\"ghp_secret\"}}}},\"x\":"
        .to_owned()
        + &format!("\"{}\"}}", "y".repeat(300));
    let after = with_chief(&place(JSON), Some(&one_line), COVER).expect("added");
    let ours = with_chief(&place(JSON), None, COVER).expect("begun");
    let (lines, _) = difference(&one_line, &after, &ours);
    assert!(
        lines.iter().all(|line| !line.text.contains("ghp_secret")),
        "{lines:?}"
    );
}

#[test]
fn a_preview_shows_no_secret_of_a_list_or_a_text_and_no_line_that_stays() {
    let others = |open: &str| {
        format!(
            "{open}    \"github\": {{\n      \"command\": \"npx\",\n      \"args\": [\n        \
            \"--token\",\n        \"ghp_secret\"\n      ]\n    }}\n  }}\n}}\n"
        )
    };
    let blank = others("{\n  \"mcpServers\": {\n\n");
    let older = others(
        "{\n  \"mcpServers\": {\n    \"chief\": {\n      \"command\": \"npx\",\n      \"args\": [\n        \
        \"ghp_secret\",\n        \"ghp_secret==\",\n        \"ghp_secret=\",\n        \"ghp_secret: x\",\n        \
        \"x: ghp_secret\"\n      ]\n    },\n",
    );
    let toml = "[mcp_servers.chief]\nargs = [\n  \"ghp_secret\",\n  'ghp_secret='\n]\ncwd = \"\"\"\n\
        ghp_secret==\nghp_secret=\nghp_secret\n\"\"\"\n\n[x]\na = \"ghp_secret\"\n";
    for (form, before) in [(JSON, blank.as_str()), (JSON, &older), (TOML, toml)] {
        let after = with_chief(&place(form), Some(before), COVER).expect("added");
        let ours = with_chief(&place(form), None, COVER).expect("begun");
        let (lines, _) = difference(before, &after, &ours);
        let shown: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
        let shown = shown.join("\n");
        assert!(shown.contains(COVER), "{shown}");
        assert!(!shown.contains("ghp_secret"), "{shown}");
        assert!(
            !shown.contains("github") && !shown.contains("[x]"),
            "{shown}"
        );
    }
}

#[test]
fn what_was_added_is_taken_out_again_and_nothing_else() {
    for (form, text) in [(JSON, CURSOR), (TOML, CODEX)] {
        let place = place(form);
        assert_eq!(without_chief(&place, text), Ok(None), "it is not there");
        let added = with_chief(&place, Some(text), "chief_t").expect("added");
        let left = without_chief(&place, &added).expect("read");
        assert_eq!(left.as_deref(), Some(text));
    }
}

#[test]
fn it_is_written_with_a_copy_and_taken_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = lying(folder.path().join("new/mcp.json"));
    let file = place.file.clone();
    // Where there was none, none is left.
    let written = file::write(&place, (None, "{}"), None).expect("written");
    assert!(written.is_there(&place));
    assert_eq!(written.undo(&place), Ok(ClientUndone::PutBack));
    assert!(!file.exists());

    fs::write(&file, CURSOR).expect("written");
    let written = file::write(&place, (Some(CURSOR), "{}"), None).expect("written");
    let copy = folder.path().join("new/mcp.json.before-chief");
    assert_eq!(fs::read_to_string(&copy).expect("a copy"), CURSOR);
    assert_eq!(written.clone().undo(&place), Ok(ClientUndone::PutBack));
    assert_eq!(fs::read_to_string(&file).expect("there"), CURSOR);
    assert!(!copy.exists());

    // Its client wrote there since: only our entry goes.
    let added = with_chief(&place, Some(CURSOR), "chief_t").expect("added");
    let written = file::write(&place, (Some(CURSOR), &added), None).expect("written");
    fs::write(&file, added.replace("dark", "light")).expect("written");
    assert!(written.is_there(&place));
    assert_eq!(written.undo(&place), Ok(ClientUndone::EntryTaken));
    let left = CURSOR.replace("dark", "light");
    assert_eq!(fs::read_to_string(&file).expect("there"), left);
    assert!(!copy.exists(), "no token of ours is left behind");
}

#[test]
fn adding_twice_leaves_the_first_copy_and_a_client_that_writes_between_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = lying(folder.path().join("mcp.json"));
    let file = place.file.clone();
    let add = |before: &str, token: &str, last| {
        let after = with_chief(&place, Some(before), token).expect("added");
        let written = file::write(&place, (Some(before), &after), last).expect("written");
        (written, after)
    };
    fs::write(&file, CURSOR).expect("written");
    let (first, one) = add(CURSOR, "chief_1", None);
    let (second, two) = add(&one, "chief_2", Some(first));
    assert_eq!(second.clone().undo(&place), Ok(ClientUndone::PutBack));
    assert_eq!(fs::read_to_string(&file).expect("there"), CURSOR);

    fs::write(&file, CURSOR).expect("written");
    let (first, one) = add(CURSOR, "chief_1", None);
    let between = one.replace("dark", "light");
    fs::write(&file, &between).expect("written");
    let (second, _) = add(&between, "chief_2", Some(first));
    assert_eq!(second.undo(&place), Ok(ClientUndone::EntryTaken));
    let left = CURSOR.replace("dark", "light");
    assert_eq!(fs::read_to_string(&file).expect("there"), left);

    // Where the file is gone, the copy goes too.
    let (third, _) = add(&left, "chief_3", None);
    fs::remove_file(&file).expect("removed");
    assert_eq!(third.undo(&place), Ok(ClientUndone::EntryTaken));
    let mut all = fs::read_dir(folder.path()).expect("a folder");
    assert!(all.next().is_none(), "nothing with a token is left");
    assert!(two.contains("chief_2"));
}

#[cfg(unix)]
#[test]
fn where_a_linked_folder_held_no_file_none_is_left_after_adding_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let real = folder.path().join("real");
    fs::create_dir(&real).expect("made");
    std::os::unix::fs::symlink(&real, folder.path().join("link")).expect("a link");
    let place = lying(folder.path().join("link/mcp.json"));
    let first = add(&place, "chief_1", None);
    let second = add(&place, "chief_2", Some(first));
    assert_eq!(second.undo(&place), Ok(ClientUndone::PutBack));
    assert_eq!(files(&real), [""; 0], "neither token is left");
}

#[test]
fn an_entry_that_nobody_remembers_is_no_state_to_put_back_and_takes_no_copy_s_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = lying(folder.path().join("mcp.json"));
    fs::write(&place.file, CURSOR).expect("written");
    // Written, and then the store could not be.
    add(&place, "chief_1", None);
    let second = add(&place, "chief_2", None);
    let copy = folder.path().join("mcp.json.before-chief");
    assert_eq!(fs::read_to_string(&copy).expect("a copy"), CURSOR);
    assert_eq!(second.undo(&place), Ok(ClientUndone::EntryTaken));
    assert_eq!(fs::read_to_string(&place.file).expect("there"), CURSOR);

    // Pasted by hand.
    let pasted = with_chief(&place, Some(CURSOR), "chief_0").expect("added");
    fs::write(&place.file, pasted).expect("written");
    let first = add(&place, "chief_1", None);
    assert_eq!(first.undo(&place), Ok(ClientUndone::EntryTaken));
    assert_eq!(fs::read_to_string(&place.file).expect("there"), CURSOR);
    assert_eq!(files(folder.path()), ["mcp.json"]);
}

#[test]
fn what_its_client_writes_in_the_last_moment_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = lying(folder.path().join("mcp.json"));
    fs::write(&place.file, CURSOR).expect("written");
    let changed = |before: Option<&str>, last| {
        let refused = file::write(&place, (before, "{}"), last).expect_err("it is another text");
        assert_eq!(refused.code, ErrorCode::ClientFileChanged);
        assert_eq!(files(folder.path()), ["mcp.json"], "nothing is left beside");
    };
    changed(None, None);
    changed(Some("{ }"), None);
    assert_eq!(fs::read_to_string(&place.file).expect("there"), CURSOR);
    fs::remove_file(&place.file).expect("removed");
    let first = add(&place, "chief_1", None);
    fs::write(&place.file, CURSOR).expect("written");
    changed(Some("{ }"), Some(first));
    assert_eq!(fs::read_to_string(&place.file).expect("there"), CURSOR);
}

#[cfg(unix)]
#[test]
fn a_preview_names_the_file_that_a_link_leads_to_and_a_link_to_nowhere_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (real, link) = (
        folder.path().join("real.json"),
        folder.path().join("link.json"),
    );
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    let place = lying(link.clone());
    let refused = look(Client::Cursor, &place, &bridge()).expect_err("it leads nowhere");
    assert_eq!(refused.code, ErrorCode::ClientFileUnreadable);
    assert!(refused.to_string().contains("leads nowhere"), "{refused}");
    fs::write(&real, CURSOR).expect("written");
    let edit = look(Client::Cursor, &place, &bridge()).expect("read");
    let real = fs::canonicalize(&real).expect("there");
    assert_eq!(edit.place, real.display().to_string());
}

#[test]
fn a_copy_of_a_file_that_is_gone_goes_with_the_next_undo() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = lying(folder.path().join("mcp.json"));
    fs::write(&place.file, CURSOR).expect("written");
    let first = add(&place, "chief_1", None);
    fs::remove_file(&place.file).expect("removed");
    let second = add(&place, "chief_2", Some(first));
    assert_eq!(second.undo(&place), Ok(ClientUndone::EntryTaken));
    assert_eq!(files(folder.path()), ["mcp.json"], "it may hold tokens");
}

#[cfg(unix)]
#[test]
fn a_file_with_a_token_is_for_this_user_alone_and_a_link_stays() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let mode =
        |file: &std::path::Path| fs::metadata(file).expect("there").permissions().mode() & 0o777;
    let new = folder.path().join("new.json");
    file::write(&lying(new.clone()), (None, "{}"), None).expect("written");
    assert_eq!(mode(&new), 0o600, "it holds a token");
    let (real, link) = (
        folder.path().join("real.json"),
        folder.path().join("link.json"),
    );
    fs::write(&real, "{}").expect("written");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).expect("set");
    symlink(&real, &link).expect("a link");
    let written = file::write(&lying(link.clone()), (Some("{}"), "{ }"), None).expect("written");
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    assert_eq!(fs::read_to_string(&real).expect("there"), "{ }");
    assert_eq!(mode(&real), 0o600, "others could read it before");
    let copy = folder.path().join("real.json.before-chief");
    assert_eq!(mode(&copy), 0o600, "it may hold an older token");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o644)).expect("set");
    file::write(&lying(link.clone()), (Some("{ }"), "{  }"), Some(written)).expect("written");
    assert_eq!(mode(&copy), 0o600, "one of an earlier Chief, too");
}
