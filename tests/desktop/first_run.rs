//! A newcomer's first minutes, and the next morning.

use crate::kit::{App, Keyring, on, record};
use anyhow::{Result, ensure};

#[tokio::test]
async fn a_newcomer_connects_the_sample_and_finds_it_again_after_a_restart() -> Result<()> {
    on(Keyring::Unlocked, "first-run", async |desktop| {
        let app = App::start(desktop).await?;
        app.read("h1", "Connect your first integration").await?;
        app.picture("1-first-start").await?;
        app.press("Connect the sample").await?;
        app.see("[data-testid=card][data-status=healthy]").await?;
        app.read("[data-testid=toast]", "The sample is connected: 6 tools.")
            .await?;
        app.read("[data-testid=card]", "never").await?;
        app.picture("1-card").await?;

        app.click("[data-testid=card] h2 a").await?;
        app.see("[data-testid=tool]").await?;
        assert_eq!(app.count("[data-testid=tool]").await?, 6);
        app.press("Test: Sample").await?;
        let report = app.see("[data-testid=test-report]").await?;
        assert_eq!(report.attr("data-ok").await?.as_deref(), Some("true"));
        app.picture("1-tested").await?;

        app.press("Activity").await?;
        app.read("[data-testid=activity-row]", "connected").await?;
        let rows = app.count("[data-testid=activity-row]").await?;
        let well = app
            .count("[data-testid=activity-row][data-outcome=ok]")
            .await?;
        ensure!(rows >= 1 && rows == well, "{rows} rows, {well} of them OK");
        app.click("label.switch").await?;
        app.see("[data-testid=activity-row].is-ping").await?;
        app.picture("1-activity").await?;
        app.quit().await?;

        let sealed = record::rows(desktop, "select form from credentials")?;
        assert_eq!(sealed, [["sealed".to_owned().into()]]);
        let app = App::start(desktop).await?;
        app.see("[data-testid=card][data-status=healthy]").await?;
        // Its key comes out of the real keyring now: this run has not seen it.
        app.press("Test: Sample").await?;
        app.read("[data-testid=toast]", "the test went well")
            .await?;
        assert_eq!(app.count("[data-testid=banner]").await?, 0);
        app.picture("1-next-morning").await?;
        app.quit().await
    })
    .await
}
