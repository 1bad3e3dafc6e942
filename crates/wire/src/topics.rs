use crate::IntegrationId;
use serde::{Deserialize, Serialize};

/// What a commit changed. Pages subscribe to topics and fetch again; nobody invalidates by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// The list of integrations, or any card's data.
    Integrations,
    /// One integration's own page: its tools, scopes, settings.
    Integration(IntegrationId),
    /// The record or the pings.
    Activity,
    /// A connect or reconnect attempt moved on.
    Attempts,
    /// An export of activity moved on.
    Exports,
    /// What an admin is told once: the inbox.
    Notices,
    /// The paired agents and the gateway's door.
    Agents,
    /// What agents work at.
    Tasks,
    /// A call waits for an admin, or waits no longer.
    Approvals,
    /// The crons and their runs.
    Crons,
    /// A notification was pressed: the window has somewhere to go.
    Errand,
    /// Settings, the keyring's state, the banner.
    App,
}

impl Topic {
    /// All there are, with those of these integrations.
    pub fn all(integrations: impl IntoIterator<Item = IntegrationId>) -> Vec<Self> {
        use Topic::{
            Activity, Agents, App, Approvals, Attempts, Crons, Errand, Exports, Integration,
            Integrations, Notices, Tasks,
        };
        // A new one is to be named here, and in the list.
        match App {
            Integrations | Integration(_) | Activity | Attempts | Exports | Notices | Agents
            | Tasks | Approvals | Crons | Errand | App => {}
        }
        let mut all = vec![
            Integrations,
            Activity,
            Attempts,
            Exports,
            Notices,
            Agents,
            Tasks,
            Approvals,
            Crons,
            Errand,
            App,
        ];
        all.extend(integrations.into_iter().map(Integration));
        all
    }
}

/// The one event the engine sends: these topics changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub topics: Vec<Topic>,
}

impl Changed {
    /// The event's name on every transport.
    pub const EVENT: &str = "changed";
}
