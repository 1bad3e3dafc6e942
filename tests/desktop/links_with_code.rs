//! A sign-in whose code comes back by a deep link, as the desktop gives it to the app: while it runs,
//! and when it does not.

use crate::{
    kit::{
        App, Desktop, Keyring,
        browser::writes_down,
        internet::Internet,
        odd::{CLIENT, Odd, lock},
        on, record, search, until,
    },
    links::{follow, follow_with, raised, registered},
};
use anyhow::{Context, Result};
use std::fs;

const NAME: &str = "accounts.odd.example";

/// The address that the browser was given, as the `nth`.
async fn opened(desktop: &Desktop, nth: usize) -> Result<String> {
    until("the browser to be opened", async || {
        let all = fs::read_to_string(desktop.home.join("opened"))?;
        Ok(all.lines().nth(nth).map(str::to_owned))
    })
    .await
}

/// From the gallery to the wait for the browser.
async fn begin(app: &App<'_>) -> Result<()> {
    app.click("nav.side a[href='#/']").await?;
    app.press("Add integration").await?;
    app.click("[data-testid=provider][data-id=odd]").await?;
    app.see("[data-testid=provider-sheet]").await?;
    app.press("Connect").await?;
    app.read("dialog[open]", "Waiting for your browser").await?;
    Ok(())
}

#[tokio::test]
async fn the_code_comes_by_a_link_to_the_app_that_runs_and_to_one_that_the_link_starts()
-> Result<()> {
    on(Keyring::Unlocked, "link-with-code", async |desktop| {
        let odd = Odd::start().await?;
        let secret = search::canary("client secret");
        secret.clone_into(&mut lock(&odd.state.secret));
        let internet = Internet::start(&[(NAME, &odd.server.url(""))]).await?;
        Odd::describe_at(
            &format!("https://{NAME}"),
            &desktop.manifests(),
            r#"["deep_link"]"#,
        )?;
        writes_down(desktop)?;
        let variables = internet.variables();
        let app = App::start_with(desktop, &variables).await?;
        registered(desktop).await?;

        // What the company registered is missing, and the sheet leads to where it goes.
        app.press("Add integration").await?;
        app.click("[data-testid=provider][data-id=odd]").await?;
        app.read("[data-testid=missing]", "app credentials are missing")
            .await?;
        app.picture("4-missing-app").await?;
        app.press("Enter app credentials").await?;
        app.fill("#app-client-id", CLIENT).await?;
        app.click("#app-client-2").await?;
        app.fill("#app-secret", "another-secret").await?;
        app.picture("4-app-credentials").await?;
        app.click("#app-credentials button[type=submit]").await?;
        app.read("[data-testid=app]", CLIENT).await?;

        // The provider does not take them: said where they are mended, in its own words.
        begin(&app).await?;
        let link = internet.follow(&opened(desktop, 0).await?).await?;
        follow(desktop, &link).await?;
        app.read("dialog[open]", "bad_client_secret").await?;
        app.picture("4-app-refused").await?;
        app.press("Change app credentials").await?;
        app.read("#app-secret-error", "bad_client_secret").await?;
        app.picture("4-app-refused-field").await?;
        app.fill("#app-secret", &secret).await?;
        app.click("#app-credentials button[type=submit]").await?;
        app.gone("#app-secret").await?;
        app.read("[data-testid=app]", CLIENT).await?;

        // Warm: the app waits, the desktop brings the link.
        begin(&app).await?;
        app.picture("4-waiting").await?;
        let link = internet.follow(&opened(desktop, 1).await?).await?;
        follow(desktop, &link).await?;
        app.read("dialog[open]", "Odd is connected.").await?;
        app.picture("4-connected").await?;
        app.press("Open").await?;
        app.press("Test: Odd").await?;
        app.see("[data-testid=test-report][data-ok=true]").await?;

        // The same link once more is nobody's.
        follow(desktop, &link).await?;
        until("the refusal in the record", async || {
            Ok((refusals(desktop)? == 1).then_some(()))
        })
        .await?;

        // Cold, after Quit: the link starts the app, which goes on where the sign-in was.
        "U2".clone_into(&mut lock(&odd.state.person));
        begin(&app).await?;
        let link = internet.follow(&opened(desktop, 2).await?).await?;
        app.quit().await?;
        until("its name to be free", async || {
            Ok((!desktop.is_named().await?).then_some(()))
        })
        .await?;
        connects_cold(desktop, (&link, &variables), 2).await?;
        // It is nobody's the second time, here as well.
        follow(desktop, &link).await?;
        until("the refusal in the record", async || {
            Ok((refusals(desktop)? == 2).then_some(()))
        })
        .await?;
        desktop.picture("4-cold").await?;
        end(desktop).await?;

        // Cold, after a death in the middle.
        "U3".clone_into(&mut lock(&odd.state.person));
        let app = App::start_with(desktop, &variables).await?;
        begin(&app).await?;
        let link = internet.follow(&opened(desktop, 3).await?).await?;
        app.die().await?;
        connects_cold(desktop, (&link, &variables), 3).await?;
        end(desktop).await?;

        // What came cold is as good as the rest.
        let app = App::start_with(desktop, &variables).await?;
        app.see("[data-testid=card]").await?;
        until("three cards", async || {
            Ok((app.count("[data-testid=card]").await? == 3).then_some(()))
        })
        .await?;
        app.picture("4-three-cards").await?;
        app.click("[data-testid=card] h2 a").await?;
        app.press("Test: Odd").await?;
        app.see("[data-testid=test-report][data-ok=true]").await?;
        let before = credentials(desktop)?;
        follow(desktop, &link).await?;
        until("the refusal in the record", async || {
            Ok((refusals(desktop)? == 3).then_some(()))
        })
        .await?;
        assert_eq!(credentials(desktop)?, before, "nothing else changed");
        assert_eq!(record::count(desktop, "waiting_sign_ins")?, 0);
        let needles = search::Needles::new([("the client secret", secret.as_str())])?;
        let found = search::search_folder(&desktop.data(), &needles)?;
        assert_eq!(found, Vec::<String>::new());
        app.quit().await
    })
    .await
}

/// The link starts the app, which then has that many integrations.
async fn connects_cold(
    desktop: &Desktop,
    (link, variables): (&str, &[(&'static str, String)]),
    then: usize,
) -> Result<()> {
    assert_eq!(desktop.apps()?, Vec::<u32>::new(), "the app does not run");
    follow_with(desktop, link, variables).await?;
    raised(desktop).await?;
    until("the integration that was waited for", async || {
        Ok((record::count(desktop, "integrations")? == then).then_some(()))
    })
    .await
}

/// Ends the app that a link started. (Closing its window would leave it beside the clock, or ask.)
async fn end(desktop: &Desktop) -> Result<()> {
    let started = desktop.apps()?.first().map(ToString::to_string);
    let started = started.context("the app runs")?;
    desktop.run("kill", &[&started]).await?;
    until("the app to end", async || {
        Ok((desktop.apps()?.is_empty() && !desktop.is_named().await?).then_some(()))
    })
    .await
}

/// How often a link was refused.
fn refusals(desktop: &Desktop) -> Result<usize> {
    let actions = record::actions(desktop)?;
    let refused = |action: &&String| action.contains("link");
    Ok(actions.iter().filter(refused).count())
}

fn credentials(desktop: &Desktop) -> Result<Vec<Vec<rusqlite::types::Value>>> {
    record::credentials(desktop).context("the credentials on disk")
}
