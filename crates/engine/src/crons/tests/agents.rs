//! What holds an agent's cron, also where its agent tells of it anew.

use crate::{
    agents,
    crons::agent::{MayRun, Told, may_run, register},
    integrations::status::Signal,
    notices::tests::Home,
    store::{self, Durability},
};
use anyhow::Result;
use serde_json::json;
use wire::GatewayView;

#[tokio::test]
async fn what_was_disconnected_holds_no_cron_for_ever() -> Result<()> {
    let home = Home::new().await?;
    crate::background::pause(&home.engine, Some(24)).await?;
    home.engine.gateway_is(GatewayView::Open {
        url: "http://127.0.0.1:7317/mcp".to_owned(),
    });
    let ask = serde_json::from_value(json!({ "name": "Cursor", "read_only": false }))?;
    let agent = agents::pair(&home.engine, ask).await?.agent;
    let register = async |depends: &[&str]| {
        let told = Told {
            name: Some("Digest".to_owned()),
            schedule: Some("0 3 * * *".to_owned()),
            zone: None,
            depends: Some(depends.iter().map(|each| (*each).to_owned()).collect()),
        };
        register(&home.engine, &agent, None, told).await
    };
    let old = home.add(1, "127.0.0.1:1").await?;
    let cron = register(&["s1"]).await?.id;
    home.learn(old, Signal::Rejected).await?;
    let told = register(&[]).await?;
    assert_eq!(told.depends, ["Orders 1"], "it fails, whatever is told");

    // Connected anew, as for another account.
    let now = home.engine.now();
    home.engine
        .store()
        .write(Durability::Full, move |tx| {
            store::integrations::remove(tx, old, now)
        })
        .await?;
    home.add(2, "127.0.0.1:1").await?;
    let told = register(&["s2"]).await?;
    assert_eq!(
        (told.depends, told.paused),
        (vec!["Orders 2".to_owned()], None)
    );
    let may = may_run(&home.engine, &agent, cron).await?;
    assert!(matches!(may, MayRun::Yes { .. }), "{may:?}");
    Ok(())
}
