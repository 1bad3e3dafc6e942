//! What an engine is started with in a journey, and a home whose build names what the company hosts.

use super::Home;
use anyhow::Result;
use engine::{Options, ports::SystemClock, providers::Sources};
use std::{path::Path, sync::Arc};
use url::Url;

/// As the shell starts it, with servers on this computer among the providers; nothing is hosted.
pub fn options(folder: &Path) -> Options {
    Options {
        folder: folder.to_owned(),
        log_folder: folder.join("logs"),
        providers: Sources::with_loopback(folder.join("providers")),
        version: "0.0.0-test".to_owned(),
        client_document: None,
    }
}

impl Home {
    /// An empty folder, and a build that names a client-id metadata document and a relay.
    pub async fn hosted(document: Option<Url>, relay: Option<Url>) -> Result<Self> {
        let folder = Arc::new(
            tempfile::Builder::new()
                .prefix("chief-journey-")
                .tempdir()?,
        );
        let mut options = options(folder.path());
        options.client_document = document;
        options.providers = options.providers.with_relay(relay);
        let ports = (Arc::new(SystemClock) as _, Arc::default());
        Self::open_as(options, folder, ports, Arc::default()).await
    }
}
