//! After Disconnect nothing that was kept opens anything, and nothing that was copied does.

use crate::kit::{
    Home, authority::Authority, browser, code, mcp, opened, scripted::Scripted, search, targets,
};
use anyhow::{Context, Result};
use engine::{ports::Keyring as _, vault::Credential};
use serde_json::json;
use std::{fs, path::Path, sync::Arc};
use wire::{ErrorCode, Outcome, Reason, Revocation, RowKind, Status};

/// A server that takes any bearer token.
async fn open_door() -> Result<Scripted> {
    Scripted::serve(|seen| async move { mcp::answer(&seen, &Arc::default()).await }).await
}

fn another_copy(of: &Path) -> Result<tempfile::TempDir> {
    let copy = tempfile::tempdir()?;
    for file in search::files(of)? {
        let target = copy.path().join(file.strip_prefix(of)?);
        fs::create_dir_all(target.parent().context("a folder")?)?;
        fs::copy(&file, target)?;
    }
    Ok(copy)
}

#[tokio::test]
async fn an_old_copy_of_the_data_opens_nothing_after_disconnect() -> Result<()> {
    let server = open_door().await?;
    let home = Home::new().await?;
    let token = search::canary("bearer");
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), &token))
        .await?;
    let other = home
        .connect(targets::mcp_bearer(&server.url("/other"), "other"))
        .await?;
    let old = home.copy()?;
    // Before: whoever has both the data and the keyring has the token. So the copy is a good one.
    let held = opened(
        another_copy(old.path())?.path(),
        home.copy_of_keyring()?,
        id,
    )
    .await?;
    assert!(matches!(&held, Credential::Bearer { token: found } if found.reveal() == token));
    let items = home.keyring.items();

    home.disconnect(id).await?;

    assert_ne!(
        home.keyring.items(),
        items,
        "the keyring's item is another one"
    );
    assert_eq!(home.keyring.items().len(), 1, "and there is only that one");
    let thief = home.copy_of_keyring()?;
    let tried = opened(another_copy(old.path())?.path(), thief.clone(), id).await;
    let error = tried
        .err()
        .context("an old copy with the present keyring opens nothing")?;
    assert!(
        [ErrorCode::KeyringLost, ErrorCode::CredentialUnreadable].contains(&error.code),
        "{error}"
    );
    // Neither does the database alone, without its anchor.
    let alone = tempfile::tempdir()?;
    for file in search::files(old.path())? {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name.starts_with("chief.db") {
            fs::copy(&file, alone.path().join(name))?;
        }
    }
    assert!(opened(alone.path(), thief.clone(), id).await.is_err());
    // As an app: its card says so, and nothing goes out.
    let app = Home::on_copy(another_copy(old.path())?, thief).await?;
    let seen = server.seen().len();
    let report = app.test(id).await?;
    assert!(report.error.is_some());
    assert_eq!(report.health.status, Status::Failing);
    assert!(
        matches!(
            report.health.reason,
            Reason::KeyringLost | Reason::RestoredFromBackup
        ),
        "{:?}",
        report.health.reason
    );
    assert_eq!(server.seen().len(), seen, "not a byte");

    // What was not disconnected works on, also after a restart.
    assert_eq!(home.test(other).await?.error, None);
    let home = home.restart().await?;
    assert_eq!(home.test(other).await?.error, None);
    Ok(())
}

#[tokio::test]
async fn nothing_of_a_destroyed_credential_is_left_in_the_folder() -> Result<()> {
    let server = open_door().await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let sealed: Vec<u8> = {
        let file = home.folder().join("chief.db");
        let connection = rusqlite::Connection::open_with_flags(
            file,
            rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
        )?;
        connection.query_row("select sealed from credentials", [], |row| row.get(0))?
    };
    let holds = |folder: &Path| -> Result<bool> {
        for file in search::files(folder)? {
            if memchr::memmem::find(&fs::read(file)?, &sealed).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    };
    assert!(
        holds(home.folder())?,
        "the sealed bytes are on disk while it is connected"
    );
    home.disconnect(id).await?;
    assert!(
        !holds(home.folder())?,
        "not even sealed: not in the database, its log, nor a backup"
    );
    let backups = search::files(&home.folder().join("backups"))?;
    assert_eq!(
        backups.len(),
        1,
        "a fresh backup, and no older one: {backups:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_database_from_a_backup_never_sends_an_older_token() -> Result<()> {
    let authority = Authority::start().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    let old = home.copy()?;
    clock.advance(3_600_000);
    home.call(id, "greet", json!({})).await?;
    assert_eq!(authority.token_requests("refresh_token"), 1);

    // The database of before, beside the anchor of now: what a restored backup is.
    let restored = home.copy()?;
    for name in ["chief.db", "chief.db-wal", "chief.db-shm"] {
        let _ = fs::remove_file(restored.path().join(name));
        if old.path().join(name).exists() {
            fs::copy(old.path().join(name), restored.path().join(name))?;
        }
    }
    let seen = authority.server.seen().len();
    let app = Home::on_copy(restored, home.copy_of_keyring()?).await?;
    let report = app.test(id).await?;
    assert_eq!(
        report.error.map(|error| error.code),
        Some(ErrorCode::CredentialRestored)
    );
    assert_eq!(report.health.reason, Reason::RestoredFromBackup);
    assert_eq!(
        code(app.call(id, "greet", json!({})).await)?,
        ErrorCode::IntegrationFailing
    );
    assert_eq!(
        authority.server.seen().len(),
        seen,
        "the superseded refresh token would have killed the grant"
    );
    home.call(id, "greet", json!({}))
        .await
        .context("the original lives on")?;
    // Reconnecting heals the restored one.
    let _ends = browser::signs_in(&app.desk);
    let attempt = app.begin_again(id, None).await?;
    assert_eq!(app.done(attempt).await?, id);
    assert_eq!(app.test(id).await?.health.status, Status::Healthy);
    Ok(())
}

#[tokio::test]
async fn disconnect_works_where_the_keyring_lost_the_key() -> Result<()> {
    let server = open_door().await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    home.keyring.clear();
    let home = home.restart().await?;
    let report = home.test(id).await?;
    assert_eq!(
        report.error.map(|error| error.code),
        Some(ErrorCode::KeyringLost)
    );
    assert_eq!(
        (report.health.status, report.health.reason),
        (Status::Failing, Reason::KeyringLost)
    );
    home.disconnect(id).await?;
    home.holds_nothing()
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_opened_is_said_not_to_be_revoked() -> Result<()> {
    let authority = Authority::start().await?;
    let home = Home::new().await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    home.keyring.clear();
    let home = home.restart().await?;
    let asked = json!({ "id": id });
    let preview = home.ask::<wire::PreviewDisconnect>(asked).await?;
    assert_eq!(preview.revokes_at.as_deref(), Some("127.0.0.1"));
    assert!(preview.cannot_revoke);
    let Revocation::NotPossible { host, error } = home.disconnect(id).await?.revocation else {
        anyhow::bail!("its key is gone")
    };
    assert_eq!(
        (host.as_str(), error.code),
        ("127.0.0.1", ErrorCode::KeyringLost)
    );
    let rows = home.rows_of(RowKind::Token, "token.revoke").await?;
    let told: Vec<Outcome> = rows.iter().map(|row| row.outcome).collect();
    assert_eq!(told, [Outcome::Refused]);
    assert!(authority.server.seen_at("/revoke").is_empty());
    Ok(())
}

#[tokio::test]
async fn a_keyring_that_lost_the_key_is_healed_by_a_fresh_key() -> Result<()> {
    let server = open_door().await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    home.keyring.clear();
    let home = home.restart().await?;
    assert_eq!(home.test(id).await?.health.reason, Reason::KeyringLost);
    let attempt = home.begin_again(id, Some("key")).await?;
    assert_eq!(home.done(attempt).await?, id);
    assert_eq!(home.test(id).await?.health.status, Status::Healthy);
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_in_the_keyring_again_heals_by_itself() -> Result<()> {
    let server = open_door().await?;
    let home = Home::new().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    let was = home.copy_of_keyring()?;
    // Another keyring answers first, as after a login to another session.
    home.keyring.clear();
    let home = home.restart().await?;
    assert_eq!(home.test(id).await?.health.reason, Reason::KeyringLost);

    for item in was.items() {
        let bytes = was.read(&item)?.context("it was there")?;
        home.keyring.write(&item, &bytes)?;
    }
    let report = home.test(id).await?;
    assert_eq!(report.error, None);
    assert_eq!(report.health.status, Status::Healthy);
    home.call(id, "greet", json!({})).await?;
    Ok(())
}

#[tokio::test]
async fn the_agents_that_it_was_chosen_for_are_named_before_it_is_disconnected() -> Result<()> {
    let home = Home::new().await?;
    let _door = home.open_door().await?;
    let sample = home.connect(targets::sample()).await?;
    let server = open_door().await?;
    let other = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    for (name, chosen) in [
        ("One", json!([sample])),
        ("Both", json!([sample, other])),
        ("Other", json!([other])),
        ("All", json!(null)),
    ] {
        home.pair(json!({ "name": name, "integrations": chosen }))
            .await?;
    }
    let preview = home
        .ask::<wire::PreviewDisconnect>(json!({ "id": sample }))
        .await?;
    let mut agents = preview.agents;
    agents.sort_unstable();
    assert_eq!(agents, ["Both", "One"]);
    assert_eq!(preview.emptied, ["One"]);
    Ok(())
}
