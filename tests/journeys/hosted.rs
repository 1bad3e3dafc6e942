//! What the company hosts: the client-id metadata document by which servers know the app, and the relay page
//! that brings a sign-in back from https.

use crate::{
    kit::{Home, authority::Authority, browser, code, odd::Odd, search, targets},
    ways::{odd_way, save},
};
use anyhow::{Context, Result};
use engine::Arrived;
use serde_json::json;
use std::sync::atomic::Ordering;
use url::Url;
use wire::ErrorCode;

const DOCUMENT: &str = "https://integrations.example.com/client.json";
const RELAY: &str = "https://integrations.example.com/";

#[tokio::test]
async fn where_a_server_reads_client_documents_the_app_is_known_by_its_own_and_registers_nowhere()
-> Result<()> {
    let authority = Authority::start().await?;
    authority.knows_document(DOCUMENT);
    let home = Home::hosted(Some(DOCUMENT.parse()?), None).await?;
    let _ends = browser::signs_in(&home.desk);
    let id = home.connect(targets::mcp(&authority.resource())).await?;
    home.call(id, "greet", json!({})).await?;
    assert_eq!(authority.server.seen_at("/register").len(), 0);
    let asked = authority.server.seen_at("/authorize");
    let asked = asked.first().context("it asked")?;
    assert_eq!(asked.asked("client_id").as_deref(), Some(DOCUMENT));
    let token = authority.server.seen_at("/token");
    let token = token.first().context("it exchanged")?;
    assert_eq!(token.form("client_id").as_deref(), Some(DOCUMENT));
    assert_eq!(token.form("client_secret"), None, "a public client");
    home.disconnect(id).await?;
    Ok(())
}

#[tokio::test]
async fn app_credentials_go_before_the_document_and_registration_comes_after_it() -> Result<()> {
    let document: Url = DOCUMENT.parse()?;
    // The server does not read documents: the app registers, as ever.
    let plain = Authority::start().await?;
    let home = Home::hosted(Some(document.clone()), None).await?;
    let _ends = browser::signs_in(&home.desk);
    home.connect(targets::mcp(&plain.resource())).await?;
    assert_eq!(plain.server.seen_at("/register").len(), 1);

    // It reads them, but the build names none: the same.
    let reads = Authority::start().await?;
    reads.knows_document(DOCUMENT);
    let none = Home::hosted(None, None).await?;
    let _ends = browser::signs_in(&none.desk);
    none.connect(targets::mcp(&reads.resource())).await?;
    assert_eq!(reads.server.seen_at("/register").len(), 1);

    // The admin has saved a client for it, written with or without the slash of an empty path: that one.
    for (says, typed) in [("", ""), ("/", ""), ("", "/")] {
        let saved = Authority::start().await?;
        saved.knows_document("company-app");
        // In its answer it would name itself as ever.
        saved.state.names_itself.store(false, Ordering::Relaxed);
        let issuer = format!("{}{says}", saved.issuer());
        saved.metadata(move |metadata| {
            metadata["issuer"] = issuer.as_str().into();
            metadata["client_id_metadata_document_supported"] = true.into();
        });
        home.ask::<wire::SaveAppCredentials>(json!({
            "owner": { "owner": "issuer", "issuer": format!("{}{typed}", saved.issuer()) },
            "client_id": "company-app", "client_secret": null, "client_auth": "none",
        }))
        .await?;
        home.connect(targets::mcp(&saved.resource())).await?;
        let asked = saved.server.seen_at("/authorize");
        let asked = asked.first().context("it asked")?;
        let client = asked.asked("client_id");
        assert_eq!(client.as_deref(), Some("company-app"), "{says:?} {typed:?}");
        assert_eq!(saved.server.seen_at("/register").len(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_provider_that_knows_https_only_comes_back_by_the_relay() -> Result<()> {
    let odd = Odd::start().await?;
    odd.comes_back_by(RELAY);
    let home = Home::hosted(None, Some(RELAY.parse()?)).await?;
    odd.describe_with(home.folder(), r#"["relay"]"#)?;
    home.ask::<wire::ListProviders>(json!({})).await?;
    let secret = search::canary("client secret");
    odd.expects(&secret);
    save(&home, Some(&secret)).await?;
    let page = home.ask::<wire::ListAppCredentials>(json!({})).await?;
    let guide = page.providers.iter().find(|guide| guide.name == "Odd");
    let redirects = &guide.context("Odd needs app credentials")?.redirects;
    assert_eq!(redirects, &[RELAY], "what is to be registered there");

    let attempt = home.begin(odd_way("oauth")).await?;
    let start = home.waits_for_browser(attempt).await?;
    let landed = browser::to_host(&start, "integrations.example.com").await?;
    assert_eq!(landed.path(), "/");
    // What the page does with it (tests/screens/relay.rs sees it do so).
    let query = landed.query().context("the provider's answer")?;
    let link = format!("app.chief.integrations:/oauth/callback?{query}");
    assert_eq!(home.engine.deep_link(&link).await?, Arrived::Taken);
    let id = home.done(attempt).await?;
    assert_eq!(home.test(id).await?.error, None);
    assert_eq!(
        home.engine.deep_link(&link).await?,
        Arrived::Late,
        "once is all"
    );
    Ok(())
}

#[tokio::test]
async fn without_a_relay_the_next_way_back_is_taken_and_where_there_is_none_it_is_said()
-> Result<()> {
    let odd = Odd::start().await?;
    let home = Home::hosted(None, None).await?;
    odd.describe_with(home.folder(), r#"["relay"]"#)?;
    home.ask::<wire::ListProviders>(json!({})).await?;
    let refused = home.begin(odd_way("oauth")).await;
    assert_eq!(code(refused)?, ErrorCode::RelayMissing);
    // The page of app credentials still opens.
    home.ask::<wire::ListAppCredentials>(json!({})).await?;

    odd.describe_with(home.folder(), r#"["relay", "deep_link"]"#)?;
    home.ask::<wire::ListProviders>(json!({})).await?;
    let secret = search::canary("client secret");
    odd.expects(&secret);
    save(&home, Some(&secret)).await?;
    let attempt = home.begin(odd_way("oauth")).await?;
    let start = home.waits_for_browser(attempt).await?;
    let landed = browser::to_scheme(&start, "app.chief.integrations").await?;
    assert_eq!(
        home.engine.deep_link(landed.as_str()).await?,
        Arrived::Taken
    );
    home.done(attempt).await?;
    Ok(())
}
