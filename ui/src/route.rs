//! The pages' addresses. They live behind `#`, so that they work under `tauri://` and `http` alike,
//! and links are ordinary links.

use wire::IntegrationId;
use yew::AttrValue;
use yew_router::Routable;

/// Where the window is.
#[derive(Clone, PartialEq, Eq, Debug, Routable)]
pub enum Route {
    #[at("/")]
    Integrations,
    #[at("/integrations/:id")]
    Integration { id: IntegrationId },
    #[at("/integrations/:id/:tab")]
    Tab { id: IntegrationId, tab: Tab },
    #[at("/activity")]
    Activity,
    #[at("/settings")]
    Settings,
    #[not_found]
    #[at("/lost")]
    Lost,
}

impl Route {
    /// The value of a link to it.
    #[must_use]
    pub fn href(&self) -> AttrValue {
        format!("#{}", self.to_path()).into()
    }
}

/// What an integration's page shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tab {
    Tools,
    Scopes,
    Activity,
    Settings,
}

impl Tab {
    pub const ALL: [Self; 4] = [Self::Tools, Self::Scopes, Self::Activity, Self::Settings];

    fn as_str(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Scopes => "scopes",
            Self::Activity => "activity",
            Self::Settings => "settings",
        }
    }
}

impl std::fmt::Display for Tab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Tab {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|tab| tab.as_str() == text).ok_or(())
    }
}

/// Goes there, as a click on a link would.
pub fn go(route: &Route) {
    let _ = crate::page::window().location().set_hash(&route.to_path());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_reads_its_own_path() {
        let id: IntegrationId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().expect("a UUID");
        let mut routes = vec![
            Route::Integrations,
            Route::Integration { id },
            Route::Activity,
            Route::Settings,
        ];
        routes.extend(Tab::ALL.map(|tab| Route::Tab { id, tab }));
        for route in routes {
            assert_eq!(Route::recognize(&route.to_path()), Some(route));
        }
    }

    #[test]
    fn an_address_that_is_none_is_lost_not_blank() {
        for path in ["/integrations/nonsense", "/crons", "/integrations/x/tools"] {
            assert_eq!(Route::recognize(path), Some(Route::Lost), "{path}");
        }
    }
}
