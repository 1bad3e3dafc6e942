//! Crons in the real window: one runs on its minute, a failure pauses exactly those that need what
//! fails, and a repair resumes exactly those.

use crate::kit::{App, Keyring, mock::Mock, on, record, until};
use anyhow::{Context, Result, ensure};
use axum::{Router, http::StatusCode, routing::any};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The longest until a cron that runs each minute has run.
const A_MINUTE_AND_MORE: Duration = Duration::from_secs(90);

/// An API of the test's own, which can be told to refuse its key. Its address.
async fn api(refuses: Arc<AtomicBool>) -> Result<String> {
    let answer = move || {
        let refuses = refuses.load(Ordering::Relaxed);
        async move {
            if refuses {
                (StatusCode::UNAUTHORIZED, "{\"error\": \"no such key\"}")
            } else {
                (StatusCode::OK, "{\"up\": true}")
            }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    let router = Router::new().fallback(any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

async fn ask(app: &App<'_>, command: &str, request: Value) -> Result<Value> {
    let said = app.invoke(command, json!({ "request": request })).await?;
    said.map_err(|refused| anyhow::anyhow!("{command}: {refused}"))
}

/// Chooses an option of a select, as a click on it would.
async fn choose(app: &App<'_>, id: &str, label: &str) -> Result<()> {
    app.see(&format!("#{id}")).await?;
    let script = format!(
        "const select = document.getElementById('{id}'); \
         const option = [...select.options].find((each) => each.text === '{label}'); \
         if (!option) return false; \
         select.value = option.value; select.dispatchEvent(new Event('change', {{ bubbles: true }})); return true"
    );
    until(&format!("{label} to be there to choose"), async || {
        Ok((app.script(&script).await? == true).then_some(()))
    })
    .await
}

async fn save(app: &App<'_>, name: &str, integration: &Value) -> Result<Value> {
    let call = json!({ "integration": integration, "tool": "call",
        "arguments": "{\"method\": \"GET\", \"path\": \"/orders\"}" });
    let cron = json!({ "name": name, "schedule": "0 9 * * 1", "zone": "Europe/Berlin",
        "calls": [call], "missed": "catch_up", "limit_min": 10 });
    ask(app, "save_cron", json!({ "id": null, "cron": cron })).await
}

#[tokio::test]
async fn crons_run_on_their_minute_stop_before_they_break_and_come_back() -> Result<()> {
    on(Keyring::Unlocked, "crons", async |desktop| {
        let refuses = Arc::new(AtomicBool::new(false));
        let url = api(refuses.clone()).await?;
        let screen = Mock::notifications(desktop).await?;
        let app = App::start(desktop).await?;
        app.press("Connect the sample").await?;
        app.see("[data-testid=card][data-status=healthy]").await?;

        app.press("Crons").await?;
        app.read("main", "No crons yet").await?;
        app.press("New cron").await?;
        app.fill("#cron-name", "Morning hello").await?;
        app.fill("#cron-schedule", "9 o'clock").await?;
        app.read(".error", "Schedule cannot be used").await?;
        app.fill("#cron-schedule", "* * * * *").await?;
        app.read("[data-testid=next-runs]", "1440 calls a day").await?;
        choose(&app, "call-1-integration", "Sample").await?;
        choose(&app, "call-1-tool", "echo").await?;
        app.fill("#call-1-text", "good morning").await?;
        app.picture("cron-form").await?;
        app.press("Save").await?;
        app.see("[data-testid=cron][data-stands=active]").await?;
        // Its minute comes by itself.
        let began = Instant::now();
        let went_well = "select 1 from cron_runs where outcome = 'ok'";
        while record::rows(desktop, went_well)?.is_empty() {
            ensure!(began.elapsed() < A_MINUTE_AND_MORE, "the cron did not run on its minute");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let run = &record::rows(desktop, "select due_at, begun_at - due_at from cron_runs")?[0];
        let (rusqlite::types::Value::Integer(due), rusqlite::types::Value::Integer(late)) = (&run[0], &run[1]) else {
            anyhow::bail!("{run:?}");
        };
        ensure!(due % 60_000 == 0 && (0..30_000).contains(late), "due {due}, {late} ms late");
        app.see("[data-testid=runs][data-last=run-ok]").await?;
        ensure!(record::actions(desktop)?.contains(&"sample.echo".to_owned()));

        let target = json!({ "kind": "api", "name": "Orders", "base_url": url, "health_path": "/health",
            "auth": { "auth": "bearer", "token": "key" } });
        let request = json!({ "target": target, "confirmed": { "private_address": true }, "ends_at": null });
        ask(&app, "start_connect", request).await?;
        until("the API to be connected", async || {
            Ok((record::count(desktop, "integrations")? == 2).then_some(()))
        })
        .await?;
        let cards = ask(&app, "list_integrations", json!({})).await?;
        let cards = cards.as_array().context("cards")?;
        let orders = cards.iter().find(|card| card["name"] == "Orders").context("Orders")?["id"].clone();
        save(&app, "Weekly revenue", &orders).await?;
        save(&app, "Refund watch", &orders).await?;
        let own = save(&app, "On leave", &orders).await?;
        ask(&app, "pause_cron", json!({ "id": own })).await?;
        app.see("[data-testid=cron][data-name='On leave'][data-stands=paused]").await?;

        refuses.store(true, Ordering::Relaxed);
        ask(&app, "test_integration", json!({ "id": orders })).await?;
        for name in ["Weekly revenue", "Refund watch"] {
            app.see(&format!("[data-testid=cron][data-name='{name}'][data-stands=held]")).await?;
        }
        app.see("[data-testid=cron][data-name='Morning hello'][data-stands=active]").await?;
        app.picture("crons-held").await?;
        app.script("location.hash = '#/'; return true").await?;
        app.read("[data-testid=need]", "Refund watch and Weekly revenue are paused.").await?;
        app.picture("crons-need").await?;
        ensure!(record::count(desktop, "notices")? == 1, "one notice");
        let popup = until("the popup", async || Ok(screen.calls("Notify")?.pop())).await?;
        for part in ["Orders is failing", "Refund watch and Weekly revenue are paused."] {
            ensure!(popup.contains(part), "no {part} in {popup}");
        }
        ensure!(screen.calls("Notify")?.len() == 1, "one popup");

        refuses.store(false, Ordering::Relaxed);
        ask(&app, "test_integration", json!({ "id": orders })).await?;
        app.press("Resume 2 crons: Orders").await?;
        app.read("[data-testid=toast]", "2 crons go on.").await?;
        app.script("location.hash = '#/crons'; return true").await?;
        for name in ["Weekly revenue", "Refund watch"] {
            app.see(&format!("[data-testid=cron][data-name='{name}'][data-stands=active] time")).await?;
        }
        app.see("[data-testid=cron][data-name='On leave'][data-stands=paused]").await?;
        app.picture("crons-resumed").await?;

        // Once more, and resumed from the notification itself.
        refuses.store(true, Ordering::Relaxed);
        ask(&app, "test_integration", json!({ "id": orders })).await?;
        app.see("[data-testid=cron][data-name='Refund watch'][data-stands=held]").await?;
        refuses.store(false, Ordering::Relaxed);
        ask(&app, "test_integration", json!({ "id": orders })).await?;
        until("the offer to resume", async || {
            let shown = screen.calls("Notify")?.pop().unwrap_or_default();
            Ok(shown.contains("\"resume\", \"Resume 2 crons\"").then_some(()))
        })
        .await?;
        let id = until("its handle", async || Ok(record::popup(desktop).ok())).await?;
        screen.press(&id, "resume").await?;
        for name in ["Weekly revenue", "Refund watch"] {
            app.see(&format!("[data-testid=cron][data-name='{name}'][data-stands=active] time")).await?;
        }
        app.see("[data-testid=cron][data-name='On leave'][data-stands=paused]").await?;
        app.quit().await
    })
    .await
}
