//! The device flow in the real window, at a certified authorization server: the code is shown, and a
//! person types it in a real browser.

use crate::kit::{App, Keyring, browser::Browser, internet::Internet, on};
use anyhow::Result;
use chief_tests::peers::Peer;

const NAME: &str = "certified.example";

/// The peer `oidc` as a provider that a manifest describes.
fn manifest() -> String {
    format!(
        r##"
schema = 1
id = "certified"
name = "Certified"
summary = "A certified server of the tests"
category = "other"
colour = "#336699"
verified = false
[sources]
T = {{ what = "the tests", day = 2026-11-22 }}
[[ways]]
[ways.device]
device_authorization_endpoint = "https://{NAME}/device/auth"
token_endpoint = "https://{NAME}/token"
client_auth = "none"
source = ["T"]
[scopes]
always = ["openid", "offline_access"]
[api]
base_url = "https://{NAME}"
ping = {{ path = "/me" }}
source = ["T"]
"##
    )
}

#[tokio::test]
async fn a_code_that_is_typed_in_the_browser_connects_in_the_window() -> Result<()> {
    on(Keyring::Unlocked, "device", async |desktop| {
        let issuer = Peer::start("oidc", &[]).await?;
        let internet = Internet::start(&[(NAME, &issuer.url)]).await?;
        let folder = desktop.manifests();
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("certified.toml"), manifest())?;
        let mut browser = Browser::install(desktop).await?;
        let app = App::start_with(desktop, &internet.variables()).await?;

        app.press("Settings").await?;
        app.press("Set up: Certified").await?;
        app.fill("#app-client-id", "chief-preregistered").await?;
        app.click("#app-credentials button[type=submit]").await?;
        app.read("[data-testid=app]", "chief-preregistered").await?;

        app.click("nav.side a[href='#/']").await?;
        app.press("Add integration").await?;
        app.click("[data-testid=provider][data-id=certified]")
            .await?;
        app.press("Connect").await?;
        let code = app.see("[data-testid=device-code]").await?.text().await?;
        app.picture("5-device-code").await?;
        let opened = browser.opened().await?;
        opened.type_code(&code, "ann").await?;
        opened.picture("5-device-typed").await?;
        drop(opened);

        app.read("dialog[open]", "Certified is connected.").await?;
        app.picture("5-device-connected").await?;
        app.press("Open").await?;
        app.press("Test: Certified").await?;
        app.see("[data-testid=test-report][data-ok=true]").await?;
        app.quit().await
    })
    .await
}
