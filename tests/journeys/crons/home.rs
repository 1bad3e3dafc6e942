//! Crons as an admin sees them, and a server that can be made to fail.

use crate::kit::{Home, mcp, scripted, scripted::Scripted, tick};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::sync::Notify;
use wire::{CronId, CronView, IntegrationId, RunOutcome};

/// A cron as the form writes it.
pub fn cron(name: &str, schedule: &str, calls: Value) -> Value {
    json!({ "id": null, "cron": {
        "name": name, "schedule": schedule, "zone": "Europe/Berlin", "calls": calls,
        "missed": "catch_up", "limit_min": 10,
    } })
}

pub fn greet(integration: IntegrationId) -> Value {
    json!([{ "integration": integration, "tool": "greet", "arguments": "{\"name\": \"Ada\"}" }])
}

impl Home {
    pub async fn save(&self, ask: Value) -> Result<CronId, wire::Error> {
        self.ask::<wire::SaveCron>(ask).await
    }

    pub async fn crons(&self) -> Result<Vec<CronView>> {
        Ok(self.ask::<wire::ListCrons>(json!({})).await?)
    }

    pub async fn cron(&self, id: CronId) -> Result<CronView> {
        let all = self.crons().await?;
        all.into_iter()
            .find(|cron| cron.id == id)
            .context("the cron")
    }

    /// How its runs ended, oldest first.
    pub async fn ended(&self, id: CronId) -> Result<Vec<RunOutcome>> {
        let cron = self.cron(id).await?;
        Ok(cron.runs.iter().map(|run| run.outcome).collect())
    }

    /// Waits until this many runs are over.
    pub async fn ran(&self, id: CronId, count: usize) -> Result<CronView> {
        let began = Instant::now();
        loop {
            let cron = self.cron(id).await?;
            let over = cron.runs.iter().filter(|run| run.ended_at.is_some());
            if over.count() >= count {
                return Ok(cron);
            }
            tick(began, "a run").await?;
        }
    }
}

/// A server that can be told to refuse every credential.
pub async fn refusing() -> Result<(Scripted, Arc<Mutex<bool>>)> {
    let refuse = Arc::new(Mutex::new(false));
    let script = refuse.clone();
    let server = Scripted::serve(move |seen| {
        let refused = *script.lock().expect("one thread at a time");
        async move {
            if refused {
                scripted::text(401, "")
            } else {
                mcp::answer(&seen, &Arc::new(Notify::new())).await
            }
        }
    })
    .await?;
    Ok((server, refuse))
}
