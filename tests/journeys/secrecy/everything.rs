//! All that is kept, and all that shows anything, so that it is searched.

use crate::kit::Home;
use anyhow::Result;
use serde_json::json;

/// From now on what this one's calls say is kept, and each row goes to a collector's file.
pub async fn keep_everything(home: &Home, id: wire::IntegrationId) -> Result<()> {
    home.ask::<wire::SetBodies>(json!({ "id": id, "days": 7 }))
        .await?;
    let settings = json!({ "settings": { "tail_file": home.folder().join("collector.jsonl") } });
    Ok(home.ask::<wire::SaveRecordSettings>(settings).await?)
}

/// The record as it leaves the app, in a folder that is searched.
async fn export_everything(home: &Home) -> Result<()> {
    for form in ["csv", "jsonl"] {
        let ask = json!({ "form": form, "folder": home.folder(), "integration": null, "pings": true,
            "bodies": true });
        let id = home.ask::<wire::StartExport>(ask).await?.id;
        let began = std::time::Instant::now();
        loop {
            let view = home.ask::<wire::GetExport>(json!({ "id": id })).await?;
            match view.state {
                wire::ExportState::Running => crate::kit::tick(began, "the export").await?,
                wire::ExportState::Done => break,
                other => anyhow::bail!("{other:?}"),
            }
        }
    }
    Ok(())
}

/// Every reply that shows anything, once more, so that it is searched.
pub async fn read_everything(home: &Home) -> Result<()> {
    for card in home.cards().await? {
        home.card(card.id).await?;
        home.tools(card.id).await?;
        home.ask::<wire::PreviewDisconnect>(json!({ "id": card.id }))
            .await?;
    }
    for row in home.record_and_pings().await? {
        if row.kind != wire::RowKind::Ping {
            home.ask::<wire::GetRow>(json!({ "call": row.id })).await?;
        }
    }
    export_everything(home).await?;
    home.ask::<wire::GetRecordSettings>(json!({})).await?;
    home.ask::<wire::GetApp>(json!({})).await?;
    home.ask::<wire::GetSettings>(json!({})).await?;
    Ok(())
}
