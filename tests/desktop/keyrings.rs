//! Keyrings that cannot be used: said, never worked around, and nothing is lost.

use crate::kit::{App, Desktop, Keyring, desktop::KEYRING_PASSWORD, on, record, until};
use anyhow::{Context, Result, ensure};

/// Locks the collection that holds the app's key, as a screen lock may.
pub async fn lock(desktop: &Desktop) -> Result<()> {
    let arguments = [
        "--session",
        "--print-reply",
        "--dest=org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service.Lock",
        "array:objpath:/org/freedesktop/secrets/collection/login",
    ];
    desktop.run("dbus-send", &arguments).await?;
    ensure!(items(desktop).await?.0.is_empty(), "it is locked");
    Ok(())
}

/// The paths of the app's items in the keyring: those that are unlocked, and those that are locked.
async fn items(desktop: &Desktop) -> Result<(Vec<String>, Vec<String>)> {
    let arguments = [
        "--session",
        "--print-reply=literal",
        "--dest=org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service.SearchItems",
        "dict:string:string:service,app.chief.integrations",
    ];
    let answer = desktop.run("dbus-send", &arguments).await?;
    let mut lists = answer.split("array").skip(1).map(|list| {
        list.split_whitespace()
            .filter(|word| word.starts_with('/'))
            .map(str::to_owned)
            .collect()
    });
    let unlocked = lists.next().context("two lists")?;
    Ok((unlocked, lists.next().context("two lists")?))
}

/// Waits for the keyring's own prompt, and answers it with keys.
async fn answer_prompt(desktop: &Desktop, keys: &[&[&str]]) -> Result<()> {
    let window = until("the keyring's prompt", async || {
        let found = desktop
            .run(
                "xdotool",
                &["search", "--onlyvisible", "--class", "gcr-prompter"],
            )
            .await?;
        Ok(found.lines().next().map(str::to_owned))
    })
    .await?;
    desktop
        .run("xdotool", &["windowfocus", "--sync", &window])
        .await?;
    for each in keys {
        desktop.run("xdotool", each).await?;
    }
    until("the prompt to go", async || {
        let found = desktop
            .command("xdotool")
            .args(["search", "--onlyvisible", "--class", "gcr-prompter"])
            .output()
            .await?;
        Ok(found.stdout.is_empty().then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_locked_keyring_is_said_and_unlocked_and_nothing_is_lost() -> Result<()> {
    on(Keyring::Unlocked, "locked-keyring", async |desktop| {
        let app = App::start(desktop).await?;
        app.press("Connect the sample").await?;
        app.see("[data-testid=card][data-status=healthy]").await?;
        app.quit().await?;
        let before = (record::credentials(desktop)?, items(desktop).await?);
        assert_eq!((before.0.len(), before.1.0.len()), (1, 1));

        lock(desktop).await?;
        let app = App::start(desktop).await?;
        app.press("Test: Sample").await?;
        app.read("[data-testid=banner]", "The keyring is locked")
            .await?;
        app.see("[data-testid=card][data-status=healthy]").await?;
        app.picture("4-locked").await?;
        assert_eq!(record::credentials(desktop)?, before.0, "nothing is lost");
        assert_eq!(
            items(desktop).await?,
            (vec![], before.1.0.clone()),
            "and nothing is overwritten"
        );

        // The admin thinks better of it.
        app.press("Unlock").await?;
        answer_prompt(desktop, &[&["key", "Escape"]]).await?;
        app.read("[data-testid=banner]", "The keyring is locked")
            .await?;
        app.press("Unlock").await?;
        let keys: [&[&str]; 2] = [&["type", KEYRING_PASSWORD], &["key", "Return"]];
        answer_prompt(desktop, &keys).await?;
        app.gone("[data-testid=banner]").await?;
        app.read("[data-testid=toast]", "The keyring is unlocked.")
            .await?;
        app.press("Test: Sample").await?;
        app.read("[data-testid=toast]", "the test went well")
            .await?;
        app.picture("4-unlocked").await?;
        app.quit().await?;
        assert_eq!(
            (record::credentials(desktop)?, items(desktop).await?),
            before,
            "the same credential under the same key"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_a_keyring_credentials_are_kept_for_this_run_only_if_the_admin_says_so()
-> Result<()> {
    on(Keyring::None, "no-keyring", async |desktop| {
        let app = App::start(desktop).await?;
        app.press("Connect the sample").await?;
        app.read(
            "[data-testid=toast]",
            "This computer has no keyring that answers, so credentials cannot be kept.",
        )
        .await?;
        app.read("[data-testid=banner]", "no keyring that answers")
            .await?;
        app.picture("4-absent").await?;
        assert_eq!(record::count(desktop, "integrations")?, 0);

        app.press("Keep for this run only").await?;
        app.gone("[data-testid=banner]").await?;
        app.press("Connect the sample").await?;
        app.see("[data-testid=card][data-status=healthy]").await?;
        app.press("Test: Sample").await?;
        app.read("[data-testid=toast]", "the test went well")
            .await?;
        app.picture("4-this-run-only").await?;
        let kept = record::rows(desktop, "select form, sealed from credentials")?;
        assert_eq!(
            kept,
            [["session".to_owned().into(), rusqlite::types::Value::Null]],
            "no credential is on disk"
        );
        app.quit().await?;

        // The next run has the card and no credential: it says so at once, and Reconnect would mend it.
        let app = App::start(desktop).await?;
        app.see("[data-testid=card][data-status=failing]").await?;
        app.read("[data-testid=card]", "was kept for one run of the app only")
            .await?;
        app.read("[data-testid=need]", "Reconnect").await?;
        app.picture("4-next-run").await?;
        assert_eq!(record::count(desktop, "integrations")?, 1);
        app.quit().await
    })
    .await
}
