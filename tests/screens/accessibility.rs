//! Every page in both themes, held to axe-core's rules; and the theme that was chosen stays.

use crate::kit::{Screen, browser::violations};
use anyhow::{Result, bail};

async fn passes(screen: &Screen, place: &str, theme: &str) -> Result<()> {
    // Colours that are still moving are not the page's.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let found = violations(&screen.page).await?;
    if found.is_empty() {
        return Ok(());
    }
    bail!("{place} in {theme}:\n{}", found.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_passes_the_accessibility_rules_in_both_themes() -> Result<()> {
    let screen = Screen::open().await?;
    for (theme, option, background) in [
        ("light", "#theme-1", "rgb(246, 246, 248)"),
        ("dark", "#theme-2", "rgb(19, 19, 24)"),
    ] {
        screen.go("#/settings").await?;
        screen.click(option).await?;
        screen.see(&format!("html[data-theme={theme}]")).await?;
        passes(&screen, "Settings", theme).await?;
        screen.go("#/agents").await?;
        screen.see("[data-testid=gateway] code").await?;
        passes(&screen, "Agents", theme).await?;
        screen.click("[data-testid=pair-agent]").await?;
        screen.see("#agent-name").await?;
        passes(&screen, "the sheet that pairs", theme).await?;
        screen.go("#/crons").await?;
        screen.click("[data-testid=new-cron]").await?;
        screen.see("[data-testid=next-runs] li").await?;
        passes(&screen, "the form of a cron", theme).await?;
        screen.go("#/").await?;
        screen.see(&format!("html[data-theme={theme}]")).await?;
        let body = screen.see("body").await?;
        let colour = body
            .css_value("background-color")
            .await?
            .replace("rgba", "rgb");
        assert!(
            colour.starts_with(background.trim_end_matches(')')),
            "{theme}: {colour}"
        );
        passes(&screen, "the first page", theme).await?;

        screen.connect_sample().await?;
        passes(&screen, "the cards", theme).await?;
        screen.press("More for Sample").await?;
        screen.see("[role=menu]").await?;
        passes(&screen, "a card's menu", theme).await?;
        screen.press("Open").await?;
        screen.see("[data-testid=tool]").await?;
        screen.click("[data-testid=tool] summary").await?;
        screen.press("Test: Sample").await?;
        screen.see("[data-testid=test-report]").await?;
        passes(&screen, "an integration's tools", theme).await?;
        for tab in 2..=5 {
            screen
                .page
                .execute(
                    format!("document.querySelector('.tabs a:nth-child({tab})').click()"),
                    vec![],
                )
                .await?;
            passes(&screen, "an integration's tab", theme).await?;
        }
        screen.click("button.danger").await?;
        screen.see("[data-testid=disconnect-confirm]").await?;
        passes(&screen, "Disconnect", theme).await?;
        screen.press("Keep it").await?;
        screen.go("#/activity").await?;
        screen.see("[data-testid=activity-row]").await?;
        passes(&screen, "Activity", theme).await?;
        screen
            .click("[data-testid=activity-row] .row-toggle")
            .await?;
        screen.see(".row-more dl").await?;
        passes(&screen, "an opened row", theme).await?;
        lists(&screen, theme).await?;

        screen.go("#/").await?;
        screen.click("[data-testid=add-integration]").await?;
        screen.see("[data-testid=providers]").await?;
        passes(&screen, "Add integration", theme).await?;
        screen.click("[data-id=google]").await?;
        screen.see("[data-testid=missing]").await?;
        passes(&screen, "a provider", theme).await?;
        screen.press("Back").await?;
        screen.click("#choose-api").await?;
        screen.fill("url", "http://169.254.169.254/v1").await?;
        screen.fill("name", "Orders").await?;
        screen.fill("secret", "key").await?;
        screen.press("Connect").await?;
        screen.see("#url-error").await?;
        passes(&screen, "a form with an error", theme).await?;
        screen.press("Close").await?;

        // Away with it, for the next theme's first page.
        screen.press("More for Sample").await?;
        screen.press("Disconnect").await?;
        screen
            .see("[data-testid=disconnect-confirm]:enabled")
            .await?;
        screen.click("[data-testid=disconnect-confirm]").await?;
        screen.see("[data-testid=disconnect-result]").await?;
        screen.press("Close").await?;
    }
    screen.close().await
}

/// The pages of what was made: a cron that ran, a task, a notice.
async fn lists(screen: &Screen, theme: &str) -> Result<()> {
    let engine = screen.engine()?;
    let id = screen.integration().await?;
    let cron = wire::CronInput {
        name: "Morning hello".to_owned(),
        schedule: "0 9 * * *".to_owned(),
        zone: "Etc/UTC".to_owned(),
        calls: vec![wire::CronCall {
            integration: id,
            tool: "current_time".to_owned(),
            arguments: "{}".to_owned(),
        }],
        missed: wire::Missed::CatchUp,
        limit_min: 1,
    };
    let id = engine::commands::save_cron(engine, wire::SaveCron { id: None, cron }).await?;
    screen.go("#/crons").await?;
    screen.press("Run now: Morning hello").await?;
    screen.see("[data-testid=runs][data-last=run-ok]").await?;
    screen.click("[data-testid=runs]").await?;
    screen.see("[data-testid=history]").await?;
    passes(screen, "Crons", theme).await?;
    engine::commands::delete_cron(engine, wire::DeleteCron { id }).await?;
    for (page, shows) in [("tasks", "[data-testid=task]"), ("notices", ".empty")] {
        screen.go(&format!("#/{page}")).await?;
        screen.see(shows).await?;
        passes(screen, page, theme).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_where_motion_is_not_wanted() -> Result<()> {
    let screen = Screen::open().await?;
    screen
        .page
        .cdp()
        .send_raw(
            "Emulation.setEmulatedMedia",
            serde_json::json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] }),
        )
        .await?;
    let moving = screen
        .page
        .execute(
            "const style = getComputedStyle(document.querySelector('button'));
             return style.transitionDuration + ' ' + style.transitionProperty",
            vec![],
        )
        .await?;
    let moving: String = moving.convert()?;
    assert!(
        moving.contains("none") || moving.starts_with("0s"),
        "{moving}"
    );
    screen.close().await
}
