//! Chief in the configurations of the programs that agents run in: looked at, added, and taken out again, in
//! a home folder of its own.

use crate::{
    doors::Bare,
    kit::{Home, code},
};
use anyhow::{Context, Result, ensure};
use chief_tests::home;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
use tokio::process::Command;
use wire::{Client, ClientUndone, ErrorCode, RowKind};

const CURSOR: &str = r#"{
  // Ours, do not touch
  "mcpServers": {
    "github": { "command": "npx", "env": { "GITHUB_TOKEN": "ghp_secret" } }
  }
}
"#;

/// A window at the agents' page, with a token to add.
struct Window {
    home: Home,
    token: String,
}

impl Window {
    async fn add(&self, client: &str) -> Result<()> {
        let edit = self
            .home
            .ask::<wire::PreviewClient>(json!({ "client": client }))
            .await?;
        let shown = serde_json::to_string(&edit)?;
        ensure!(
            !shown.contains(&self.token) && !shown.contains("ghp_secret"),
            "a preview holds no secret: {shown}"
        );
        self.home
            .ask::<wire::AddToClient>(
                json!({ "client": client, "token": self.token, "seen": edit.seen }),
            )
            .await?;
        Ok(())
    }

    async fn undo(&self, client: &str) -> Result<ClientUndone> {
        let ask = json!({ "client": client });
        Ok(self.home.ask::<wire::UndoClient>(ask).await?)
    }

    /// Those that can be undone.
    async fn undoable(&self) -> Result<Vec<Client>> {
        let all = self.home.ask::<wire::ListClients>(json!({})).await?;
        let undoable = all.into_iter().filter(|one| one.undo);
        Ok(undoable.map(|one| one.client).collect())
    }
}

/// Starts what a configuration says, with no variable of this session but those that every client hands on: the app's
/// data is not where they point.
async fn answers(configuration: &Path) -> Result<()> {
    let text = fs::read_to_string(configuration)?.replace("// Ours, do not touch", "");
    let whole: Value = serde_json::from_str(&text)?;
    let entry = &whole["mcpServers"]["chief"];
    let mut command = Command::new(entry["command"].as_str().context("a command")?);
    let args = entry["args"].as_array().into_iter().flatten();
    command.args(args.filter_map(Value::as_str)).env_clear();
    for (name, value) in entry["env"].as_object().into_iter().flatten() {
        command.env(name, value.as_str().context("a value")?);
    }
    for name in ["HOME", "PATH"] {
        command.env(name, std::env::var_os(name).context(name)?);
    }
    Bare::by(command)?.shake().await
}

fn mode(file: &Path) -> Result<u32> {
    Ok(fs::metadata(file)?.permissions().mode() & 0o777)
}

#[tokio::test]
async fn chief_is_added_to_clients_and_taken_out_again_whatever_they_wrote_since() -> Result<()> {
    let test = "clients::chief_is_added_to_clients_and_taken_out_again_whatever_they_wrote_since";
    let Some(folder) = home::inside(test)? else {
        return Ok(());
    };
    let (cursor, claude, codex) = (
        folder.join(".cursor/mcp.json"),
        folder.join(".claude.json"),
        folder.join(".codex/config.toml"),
    );
    for inside in [".cursor", ".codex"] {
        fs::create_dir_all(folder.join(inside))?;
    }
    fs::write(&cursor, CURSOR)?;
    fs::set_permissions(&cursor, fs::Permissions::from_mode(0o644))?;
    fs::write(&claude, r#"{"numStartups":1}"#)?;

    let home = Home::new().await?;
    let _door = home.open_door().await?;
    let (_, token) = home.pair(json!({})).await?;
    let window = Window { home, token };
    let here = window.home.ask::<wire::ListClients>(json!({})).await?;
    let here: Vec<Client> = here.into_iter().map(|one| one.client).collect();
    assert_eq!(here, [Client::ClaudeCode, Client::Cursor, Client::Codex]);
    assert!(window.undoable().await?.is_empty());

    // Twice, as one does who pairs again: what was there before the first comes back.
    window.add("cursor").await?;
    window.add("cursor").await?;
    assert!(fs::read_to_string(&cursor)?.contains(&window.token));
    assert_eq!(mode(&cursor)?, 0o600, "others could read it before");
    assert_eq!(
        mode(&cursor.with_file_name("mcp.json.before-chief"))?,
        0o600
    );
    assert_eq!(window.undoable().await?, [Client::Cursor]);
    answers(&cursor).await?;
    assert_eq!(window.undo("cursor").await?, ClientUndone::PutBack);
    assert_eq!(fs::read_to_string(&cursor)?, CURSOR);
    assert!(window.undoable().await?.is_empty());

    // Claude Code writes its file anew at each start.
    window.add("claude_code").await?;
    let mut whole: Value = serde_json::from_str(&fs::read_to_string(&claude)?)?;
    whole["numStartups"] = json!(2);
    fs::write(&claude, serde_json::to_string(&whole)?)?;
    assert_eq!(window.undoable().await?, [Client::ClaudeCode]);
    assert_eq!(window.undo("claude_code").await?, ClientUndone::EntryTaken);
    let left: Value = serde_json::from_str(&fs::read_to_string(&claude)?)?;
    assert_eq!(left, json!({ "numStartups": 2, "mcpServers": {} }));

    // Where there was no file, none is left.
    window.add("codex").await?;
    assert!(fs::read_to_string(&codex)?.contains("[mcp_servers.chief]"));
    assert_eq!(window.undo("codex").await?, ClientUndone::PutBack);
    assert!(!codex.exists());

    // What has changed since the preview is looked at once more.
    let preview = json!({ "client": "cursor" });
    let edit = window.home.ask::<wire::PreviewClient>(preview).await?;
    fs::write(&cursor, "{}")?;
    let ask = json!({ "client": "cursor", "token": window.token, "seen": edit.seen });
    let refused = code(window.home.ask::<wire::AddToClient>(ask).await)?;
    assert_eq!(refused, ErrorCode::ClientFileChanged);
    assert_eq!(fs::read_to_string(&cursor)?, "{}");

    let rows = window.home.record().await?;
    let told = |what: &str| {
        let rows = rows.iter().filter(|row| row.kind == RowKind::Change);
        rows.filter(|row| row.action.starts_with(what)).count()
    };
    assert_eq!(told("Chief was added to the configuration of"), 4);
    assert_eq!(told("Chief was taken out of the configuration of"), 3);
    let said = window.home.said();
    let mut elsewhere = said.iter().filter(|said| !said.starts_with("pair_agent"));
    assert!(elsewhere.all(|said| !said.contains(&window.token)));
    Ok(())
}
