//! `chief doctor`: what is not as it should be, and what to do about it.

use crate::{
    NO_APP, NOT_WELL, door, place,
    say::{self, Failure},
    terminal,
};
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use wire::{AgentsView, AppView, GatewayView, KeyringView, Status};
use words::{counted, text, with};

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    /// Its name, for programs.
    what: &'static str,
    well: bool,
    /// For people.
    told: String,
}

/// Looks at everything. Ends with 0 where all is well, 3 where the app does not run.
pub async fn run(folder: &Path, as_json: bool) -> Result<u8, Failure> {
    let mut found = Vec::new();
    let code = match look(folder, &mut found).await {
        Ok(()) if found.iter().all(|finding| finding.well) => 0,
        Ok(()) => NOT_WELL,
        Err(failure) => {
            found.push(Finding {
                what: "app",
                well: false,
                told: failure.sentence(),
            });
            NO_APP
        }
    };
    if as_json {
        say::json(&json!({ "data": folder.display().to_string(), "found": found }))?;
    } else {
        for Finding { well, told, .. } in found {
            say::line(&format!("{} {told}", if well { "✓" } else { "✗" }))?;
        }
    }
    Ok(code)
}

async fn look(folder: &Path, found: &mut Vec<Finding>) -> Result<(), Failure> {
    let mut see = |what, well, told| found.push(Finding { what, well, told });
    let mut app = door::enter_as_admin(folder).await?;
    let view: AppView = door::read(&app.ask("get_app", json!({})).await?)?;
    see(
        "app",
        true,
        with("cli-app-runs", &[("version", &view.version)]),
    );
    let ours = env!("CARGO_PKG_VERSION");
    if view.version != ours {
        let versions = [("ours", ours), ("theirs", view.version.as_str())];
        see("version", false, with("cli-versions", &versions));
    }
    if let Some(mode) = open_to_others(&place::door(folder)) {
        see("door", false, with("cli-door-open", &[("mode", &mode)]));
    }
    see("network", !view.offline, {
        let key = if view.offline {
            "cli-offline"
        } else {
            "cli-online"
        };
        text(key)
    });
    see("data", view.data.is_none(), {
        view.data.as_ref().map_or_else(
            || text("cli-data-well"),
            |trouble| {
                let at = trouble.at().map(|at| terminal::moment(at, view.now));
                words::data(trouble, &at.unwrap_or_default())
            },
        )
    });
    let keyring = match view.keyring {
        KeyringView::Unasked | KeyringView::Ready => (true, text("cli-keyring-ready")),
        KeyringView::SessionOnly => (false, text("cli-keyring-session")),
        KeyringView::Locked => (false, text("cli-keyring-locked")),
        KeyringView::Absent => (false, text("cli-keyring-absent")),
        KeyringView::Lost => (false, text("cli-keyring-lost")),
        KeyringView::Hanging => (false, text("cli-keyring-hanging")),
    };
    see("keyring", keyring.0, keyring.1);
    let agents: AgentsView = door::read(&app.ask("list_agents", json!({})).await?)?;
    let gateway = match &agents.gateway {
        GatewayView::Open { url } => (true, with("cli-gateway-open", &[("url", url)])),
        GatewayView::PortTaken { port } => {
            (false, with("gateway-taken", &[("n", &port.to_string())]))
        }
        GatewayView::Closed => (false, text("cli-gateway-closed")),
    };
    see("gateway", gateway.0, gateway.1);
    let paired = u32::try_from(agents.agents.len()).unwrap_or(u32::MAX);
    see("agents", true, counted("cli-agents", paired));
    let (_, cards) = terminal::cards(&mut app).await?;
    let count = u32::try_from(cards.len()).unwrap_or(u32::MAX);
    see("integrations", true, counted("cli-integrations", count));
    for card in cards.iter().filter(|card| card.enabled) {
        if card.health.status != Status::Healthy {
            let told = format!("{}: {}", card.name, terminal::why(card));
            see("integration", false, told);
        }
    }
    Ok(())
}

/// The door's permissions, where others could use it.
#[cfg(unix)]
fn open_to_others(door: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o777);
    let both = [mode(door.parent()?)?, mode(door)?];
    (both[0] & 0o077 != 0).then(|| format!("{:04o}, {:04o}", both[0], both[1]))
}

#[cfg(windows)]
fn open_to_others(_: &Path) -> Option<String> {
    None
}
