//! A provider as the window shows it: what it takes to connect, and what each bundle switches on.

use super::{
    Provider,
    manifest::{Client, Manifest, Sunset, Way},
};
use wire::{Brand, BundleView, Effort, Icon, ProviderView, WayKind, WayView};

/// The whole provider. Text of a manifest's is inert: it may come from a file that somebody sent.
pub(super) fn view(provider: &Provider) -> ProviderView {
    let manifest = &provider.manifest;
    let inert = crate::http::inert;
    ProviderView {
        id: provider.id().to_owned(),
        name: inert(manifest.name.get_ref().trim()),
        summary: inert(manifest.summary.get_ref()),
        category: manifest.category,
        search: words_of(manifest),
        icon: icon(manifest),
        verified: manifest.verified,
        added: provider.added,
        ways: provider.ways().map(|way| way_view(manifest, way)).collect(),
        bundles: bundles(manifest),
        notes: notes(manifest),
    }
}

/// Its search words, and its category's.
fn words_of(manifest: &Manifest) -> Vec<String> {
    let category = words::text(&format!("category-{}", manifest.category.as_str()));
    let own = manifest.search.iter().map(|word| crate::http::inert(word));
    own.chain([category]).collect()
}

/// What a vendor ends, when, and where it says so.
pub(crate) fn sunset_in_words(sunset: &Sunset) -> String {
    let on = sunset.on.to_string();
    let args = [
        ("what", sunset.what.as_str()),
        ("on", on.as_str()),
        ("link", sunset.link.get_ref().as_str()),
    ];
    crate::http::inert(&words::with("sunset", &args))
}

fn notes(manifest: &Manifest) -> Vec<String> {
    let ends = manifest.sunsets.iter().map(sunset_in_words);
    let notes = manifest.notes.iter();
    ends.chain(notes.map(|note| crate::http::inert(&note.says)))
        .collect()
}

/// The tile of a provider and of each card that came of it.
pub(crate) fn icon(manifest: &Manifest) -> Icon {
    let plain = crate::integrations::icon(manifest.name.get_ref());
    Icon {
        brand: Some(Brand {
            picture: manifest.icon.clone(),
            ground: manifest.colour.get_ref().to_ascii_lowercase(),
        }),
        ..plain
    }
}

fn bundles(manifest: &Manifest) -> Vec<BundleView> {
    manifest
        .bundles
        .iter()
        .map(|bundle| BundleView {
            id: bundle.id.get_ref().clone(),
            says: crate::http::inert(bundle.says.get_ref()),
            scopes: bundle.scopes.clone(),
            default: bundle.default,
            tools: manifest
                .tools
                .iter()
                .filter(|tool| {
                    let mut needs = tool.scopes.iter();
                    needs.any(|scope| bundle.scopes.contains(scope.get_ref()))
                })
                .map(|tool| crate::http::inert(&tool.name))
                .collect(),
        })
        .collect()
}

fn way_view(manifest: &Manifest, way: &Way) -> WayView {
    let api = manifest.api.as_ref().map(|api| &api.base_url);
    let (kind, label, effort, address, guide) = match way {
        Way::Mcp(mcp) => (
            WayKind::Mcp,
            &mcp.label,
            match mcp.client {
                Client::Dynamic => Effort::OneClick,
                Client::Own => Effort::NeedsApp,
            },
            Some(&mcp.url),
            mcp.guide.as_ref(),
        ),
        Way::Oauth(oauth) => (
            WayKind::OAuth,
            &oauth.label,
            Effort::NeedsApp,
            oauth
                .authorization_endpoint
                .as_ref()
                .or(oauth.issuer.as_ref()),
            oauth.guide.as_ref(),
        ),
        Way::Device(device) => (
            WayKind::Device,
            &device.label,
            Effort::NeedsApp,
            Some(&device.device_authorization_endpoint),
            device.guide.as_ref(),
        ),
        Way::Key(key) => (
            WayKind::Key,
            &key.label,
            Effort::Key,
            key.mcp.as_ref().or(api),
            Some(&key.guide),
        ),
    };
    let host = address
        .and_then(|url| url::Url::parse(url.get_ref()).ok())
        .map(|url| crate::http::host(&url));
    WayView {
        id: way.id().to_owned(),
        kind,
        label: label.as_deref().map(crate::http::inert),
        effort,
        address: host.unwrap_or_default(),
        steps: guide.map_or_else(Vec::new, |guide| {
            let steps = guide.steps.iter();
            steps.map(|step| crate::http::inert(step)).collect()
        }),
        page: guide.and_then(|guide| Some(guide.page.as_ref()?.get_ref().clone())),
    }
}
