//! The gateway's port, which the admin may set: agents' configurations name it.

use crate::{
    Engine,
    store::{self, Durability},
};
use tokio::sync::watch;
use wire::{Error, ErrorCode, Topic};

const KEY: &str = "gateway_port";
/// The first port that a program may have without being root.
const LOWEST: u16 = 1024;

impl Engine {
    /// The port that the admin has set, now and whenever it changes; `None` where none was.
    pub async fn gateway_port(&self) -> watch::Receiver<Option<u16>> {
        let saved = self
            .store()
            .read(|conn| store::settings::get(conn, KEY))
            .await;
        match saved {
            Ok(Some(port)) => {
                self.door().port.send_replace(Some(port));
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the gateway's port cannot be read"),
        }
        self.door().port.subscribe()
    }
}

/// From now on the gateway listens there. Agents that were told of another address do not find it.
///
/// # Errors
/// `FieldInvalid` below 1024; `StoreUnwritable`.
pub(crate) async fn set(engine: &Engine, port: u16) -> Result<(), Error> {
    if port < LOWEST {
        return Err(Error::new(ErrorCode::FieldInvalid)
            .with("field", "Port")
            .with(
                "why",
                format!("{port}: {LOWEST} to {} are possible", u16::MAX),
            ));
    }
    let (now, because) = (engine.now(), engine.admin().await);
    engine
        .store()
        .write(Durability::Full, move |tx| {
            store::settings::set(tx, KEY, &port)?;
            tx.touch(Topic::Agents);
            let what = format!("the gateway was set to port {port}");
            crate::integrations::note(tx, now, None, &what, &because)
        })
        .await?;
    engine.door().port.send_replace(Some(port));
    Ok(())
}
