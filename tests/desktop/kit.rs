//! What every journey in the window stands on.

pub mod app;
pub mod browser;
#[allow(dead_code, reason = "the journeys use more of it")]
#[path = "../journeys/kit/changing.rs"]
pub mod changing;
#[allow(dead_code, reason = "the journeys use more of it")]
#[path = "../journeys/kit/client.rs"]
pub mod client;
pub mod desktop;
pub mod internet;
pub mod mock;
#[allow(dead_code, reason = "the journeys use more of it")]
#[path = "../journeys/kit/odd.rs"]
pub mod odd;
pub mod record;
#[allow(dead_code, reason = "the journeys use more of it")]
#[path = "../journeys/kit/scripted.rs"]
pub mod scripted;
#[path = "../journeys/kit/search.rs"]
pub mod search;
pub mod watch;

pub use app::App;
pub use desktop::{Desktop, Keyring, on};

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// How long the window, a server or the system may take over one step. Builds may run beside it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until there is something to see.
///
/// # Errors
/// After [`PATIENCE`]: what was waited for, and the last trouble in looking.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    let mut last = String::new();
    loop {
        match look().await {
            Ok(Some(seen)) => return Ok(seen),
            Ok(None) => last.clear(),
            Err(error) => last = format!(" ({error:#})"),
        }
        if began.elapsed() > PATIENCE {
            bail!("waited {PATIENCE:?} for {what}{last}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
