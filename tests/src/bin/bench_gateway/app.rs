//! The app: the real engine and the real gateway, with the far side connected and one agent paired.

use anyhow::{Result, bail};
use engine::{
    Engine, Options, commands,
    fakes::{FakeDesk, MemoryKeyring},
    ports::{Ports, SystemClock},
};
use gateway::Gateway;
use serde_json::json;
use std::{path::Path, sync::Arc, time::Duration};

/// Looks at what happens by itself, ten milliseconds apart.
const LOOKS: usize = 3_000;

pub async fn serve(folder: &Path, far: &str, strict: bool) -> Result<()> {
    let options = Options {
        folder: folder.to_owned(),
        log_folder: folder.join("logs"),
        providers: engine::providers::Sources::default(),
        version: "0.0.0-bench".to_owned(),
        client_document: None,
    };
    let ports = Ports {
        clock: Arc::new(SystemClock),
        desk: Arc::new(FakeDesk::default()),
        keyring: Arc::new(MemoryKeyring::default()),
    };
    let engine = Engine::start(options, ports).await?;
    let settings = json!({ "settings": { "strict": strict } });
    commands::answer(&engine, "save_record_settings", settings).await?;
    connect(&engine, far).await?;
    let _gateway = Gateway::start_apart(engine.clone(), 0);
    let url = wait("the gateway", || async {
        let view = commands::answer(&engine, "list_agents", json!({})).await?;
        Ok(view["gateway"]["url"].as_str().map(str::to_owned))
    })
    .await?;
    let ask = json!({ "name": "Bench", "integrations": null, "read_only": false, "days": null });
    let paired = commands::answer(&engine, "pair_agent", ask).await?;
    println!("{}", json!({ "url": url, "token": paired["token"] }));
    std::future::pending().await
}

async fn connect(engine: &Engine, far: &str) -> Result<()> {
    let ask = json!({
        "target": {
            "kind": "mcp", "name": "Bench", "url": far,
            "auth": { "auth": "bearer", "token": "sk_bench_0123456789" },
        },
        "confirmed": { "private_address": true },
        "ends_at": null,
    });
    let attempt = commands::answer(engine, "start_connect", ask).await?;
    let id = attempt["id"].clone();
    wait("the connection", || async {
        let view = commands::answer(engine, "get_attempt", json!({ "id": id })).await?;
        match view["phase"]["phase"].as_str() {
            Some("done") => Ok(Some(())),
            Some("failed" | "asking") => bail!("the attempt stands at {}", view["phase"]),
            _ => Ok(None),
        }
    })
    .await
}

async fn wait<T, F>(what: &str, look: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    for _ in 0..LOOKS {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("waited in vain for {what}")
}
