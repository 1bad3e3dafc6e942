//! The pages' addresses. They live behind `#`, so that they work under `tauri://` and `http` alike,
//! and links are ordinary links. (Six routes are less than a router would weigh.)

use crate::page::{self, Listener};
use std::fmt;
use wire::IntegrationId;
use yew::prelude::*;

/// Where the window is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    Integrations,
    Integration {
        id: IntegrationId,
        tab: Tab,
    },
    Notices,
    Activity,
    Crons,
    Agents,
    Tasks,
    Settings,
    /// An address that is none.
    Lost,
}

/// What an integration's page shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tab {
    Tools,
    Scopes,
    Activity,
    Crons,
    Settings,
}

impl Tab {
    pub const ALL: [Self; 5] = [
        Self::Tools,
        Self::Scopes,
        Self::Activity,
        Self::Crons,
        Self::Settings,
    ];

    /// Its name in an address, which is also its label's key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Scopes => "scopes",
            Self::Activity => "activity",
            Self::Crons => "crons",
            Self::Settings => "settings",
        }
    }
}

impl Route {
    /// An integration's page, as it opens.
    #[must_use]
    pub fn of(id: IntegrationId) -> Self {
        Self::Integration {
            id,
            tab: Tab::Tools,
        }
    }

    /// The route of an address's fragment: `#/activity`.
    #[must_use]
    pub fn read(fragment: &str) -> Self {
        let path = fragment.trim_start_matches('#').trim_matches('/');
        let mut parts = path.split('/');
        let route = match (parts.next().unwrap_or_default(), parts.next(), parts.next()) {
            ("", None, None) => Some(Self::Integrations),
            ("notices", None, None) => Some(Self::Notices),
            ("activity", None, None) => Some(Self::Activity),
            ("crons", None, None) => Some(Self::Crons),
            ("agents", None, None) => Some(Self::Agents),
            ("tasks", None, None) => Some(Self::Tasks),
            ("settings", None, None) => Some(Self::Settings),
            ("integrations", Some(id), tab) => id.parse().ok().and_then(|id| {
                let tab = tab.map_or(Some(Tab::Tools), |name| {
                    Tab::ALL.into_iter().find(|tab| tab.as_str() == name)
                });
                tab.map(|tab| Self::Integration { id, tab })
            }),
            (_, _, _) => None,
        };
        route
            .filter(|_| parts.next().is_none())
            .unwrap_or(Self::Lost)
    }

    /// The value of a link to it.
    #[must_use]
    pub fn href(&self) -> AttrValue {
        self.to_string().into()
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integrations => f.write_str("#/"),
            Self::Integration { id, tab } => write!(f, "#/integrations/{id}/{}", tab.as_str()),
            Self::Notices => f.write_str("#/notices"),
            Self::Activity => f.write_str("#/activity"),
            Self::Crons => f.write_str("#/crons"),
            Self::Agents => f.write_str("#/agents"),
            Self::Tasks => f.write_str("#/tasks"),
            Self::Settings => f.write_str("#/settings"),
            Self::Lost => f.write_str("#/lost"),
        }
    }
}

/// Where the window is now, and from now on.
#[hook]
pub fn use_route() -> Route {
    let route = use_state_eq(here);
    {
        let route = route.setter();
        use_effect_with((), move |()| {
            let listener = Listener::on_window("hashchange", move |_| route.set(here()));
            move || drop(listener)
        });
    }
    *route
}

#[cfg(target_arch = "wasm32")]
fn here() -> Route {
    Route::read(&page::window().location().hash().unwrap_or_default())
}

#[cfg(not(target_arch = "wasm32"))]
fn here() -> Route {
    Route::Integrations
}

/// Goes there, as a click on a link would.
pub fn go(route: Route) {
    let _ = page::window().location().set_hash(&route.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_reads_its_own_address() {
        let id: IntegrationId = "01890a5d-ac96-774b-bcce-b302099a8057"
            .parse()
            .expect("a UUID");
        let mut routes = vec![
            Route::Integrations,
            Route::Notices,
            Route::Activity,
            Route::Tasks,
            Route::Crons,
            Route::Settings,
            Route::Lost,
        ];
        routes.extend(Tab::ALL.map(|tab| Route::Integration { id, tab }));
        for route in routes {
            assert_eq!(Route::read(&route.to_string()), route);
        }
        assert_eq!(Route::read(""), Route::Integrations);
        assert_eq!(Route::read(&format!("#/integrations/{id}")), Route::of(id));
    }

    #[test]
    fn an_address_that_is_none_is_lost_not_blank() {
        for address in [
            "#/integrations/x",
            "#/nowhere",
            "#/integrations/x/tools",
            "#/activity/7/8/9",
        ] {
            assert_eq!(Route::read(address), Route::Lost, "{address}");
        }
    }
}
